# shellcheck shell=bash
# Credentials and keys, made once per home. Files are 0600 and never leave it.

DATABASE_ROLES=(user_svc user_relay user_migrate deal_svc deal_relay deal_migrate
  task_svc task_relay task_migrate audit_maint auditor audit_sealer)

# Services that use Redis, each with an account that reaches its own keys (redis_account).
REDIS_ACCOUNTS=(user-service deal-service gateway)

# Accounts at RabbitMQ; what each may do is in `workflow-worker broker-definitions`.
BROKER_ACCOUNTS=(user-service deal-service task-service workflow-worker operator)

secret() { cat "$SECRETS/$1"; }

# make_secret NAME BYTES: random bytes as hex.
make_secret() {
  [ -s "$SECRETS/$1" ] || write_private "$SECRETS/$1" openssl rand -hex "$2"
}

# write_private FILE COMMAND...: the file appears whole, and only for its owner.
write_private() {
  local file=$1
  shift
  (umask 077 && "$@" >"$file.$$")
  mv "$file.$$" "$file"
}

make_secrets() {
  local name
  mkdir -p "$SECRETS" "$KEYS/public"
  chmod 700 "$SECRETS" "$KEYS"
  # Data that outlived its home (it may lie elsewhere, see postgres_home) cannot be opened any more.
  [ -s "$SECRETS/postgres" ] || rm -rf "$(postgres_home)"
  for name in postgres "${DATABASE_ROLES[@]}" redis "${REDIS_ACCOUNTS[@]/#/redis_}" \
    rabbitmq "${BROKER_ACCOUNTS[@]/#/rabbitmq_}" erlang_cookie; do
    make_secret "$name" 24
  done
  for name in password_pepper token_key key_encryption_key web_session_key; do
    make_secret "$name" 32
  done
  for name in "${SERVICES[@]}"; do
    [ -s "$KEYS/$name.pem" ] || write_private "$KEYS/$name.pem" openssl genpkey -algorithm ED25519
    [ -s "$KEYS/public/$name.pem" ] ||
      write_private "$KEYS/public/$name.pem" openssl pkey -in "$KEYS/$name.pem" -pubout
  done
  printf 'user = "haushavn:%s"\n' "$(secret rabbitmq)" | write_private "$SECRETS/rabbitmq.curl" cat
}

database_url() { echo "postgres://$1:$(secret "$1")@127.0.0.1:$(port postgres)/haushavn"; }
redis_url() { echo "redis://:$(secret redis)@127.0.0.1:$(port redis)/0"; }
redis_url_of() { echo "redis://$1:$(secret "redis_$1")@127.0.0.1:$(port redis)/0"; }
amqp_url_of() { echo "amqp://$1:$(secret "rabbitmq_$1")@127.0.0.1:$(port rabbitmq)/%2f"; }
