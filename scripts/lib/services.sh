# shellcheck shell=bash
# Our five binaries: their settings, migrations and processes.

SERVICES=(user-service deal-service task-service workflow-worker gateway)

url() { echo "http://127.0.0.1:$(port "$1")"; }

# The settings that every service has. Values hold no spaces and need no quotes.
common_settings() {
  cat <<EOF
HAUSHAVN_ENV=development
HAUSHAVN_LISTEN=127.0.0.1:$(port "$1")
HAUSHAVN_ADMIN_LISTEN=127.0.0.1:$(port "$1-admin")
HAUSHAVN_LOG=${HAUSHAVN_LOG:-info}
HAUSHAVN_OTLP_ENDPOINT=${HAUSHAVN_OTLP_ENDPOINT:-}
HAUSHAVN_JWKS_URL=$(url user-service)/.well-known/jwks.json
HAUSHAVN_JWT_ISSUER=$(url gateway)
HAUSHAVN_JWT_AUDIENCE=haushavn
HAUSHAVN_EVENT_PATIENCE=${HAUSHAVN_EVENT_PATIENCE:-}
HAUSHAVN_SERVICE_KEY_FILE=$KEYS/$1.pem
HAUSHAVN_TRUSTED_SERVICES_DIR=$KEYS/public
HAUSHAVN_USER_SERVICE_URL=$(url user-service)
HAUSHAVN_DEAL_SERVICE_URL=$(url deal-service)
HAUSHAVN_TASK_SERVICE_URL=$(url task-service)
HAUSHAVN_WORKER_URL=$(url workflow-worker)
EOF
}

# The settings of one service alone.
own_settings() {
  case $1 in
    user-service)
      cat <<EOF
HAUSHAVN_DATABASE_URL=$(database_url user_svc)
HAUSHAVN_RELAY_DATABASE_URL=$(database_url user_relay)
HAUSHAVN_REDIS_URL=$(redis_url_of user-service)
HAUSHAVN_AMQP_URL=$(amqp_url_of user-service)
HAUSHAVN_PASSWORD_PEPPER=$(secret password_pepper)
HAUSHAVN_TOKEN_KEY=$(secret token_key)
HAUSHAVN_KEY_ENCRYPTION_KEY=$(secret key_encryption_key)
HAUSHAVN_BCRYPT_COST=${HAUSHAVN_BCRYPT_COST:-10}
HAUSHAVN_SMTP_URL=smtp://127.0.0.1:$(port mail-smtp)
HAUSHAVN_MAIL_FROM=haushavn@haushavn.example
HAUSHAVN_PUBLIC_URL=$(url web)
HAUSHAVN_ACCESS_TTL=${HAUSHAVN_ACCESS_TTL:-}
EOF
      ;;
    deal-service)
      cat <<EOF
HAUSHAVN_DATABASE_URL=$(database_url deal_svc)
HAUSHAVN_RELAY_DATABASE_URL=$(database_url deal_relay)
HAUSHAVN_AUDITOR_DATABASE_URL=$(database_url auditor)
HAUSHAVN_REDIS_URL=$(redis_url_of deal-service)
HAUSHAVN_AMQP_URL=$(amqp_url_of deal-service)
EOF
      ;;
    task-service)
      cat <<EOF
HAUSHAVN_DATABASE_URL=$(database_url task_svc)
HAUSHAVN_RELAY_DATABASE_URL=$(database_url task_relay)
HAUSHAVN_AMQP_URL=$(amqp_url_of task-service)
EOF
      ;;
    workflow-worker)
      cat <<EOF
HAUSHAVN_TEMPORAL_URL=http://127.0.0.1:$(port temporal)
HAUSHAVN_TEMPORAL_NAMESPACE=haushavn
HAUSHAVN_AMQP_URL=$(amqp_url_of workflow-worker)
HAUSHAVN_TEMPORAL_UI_URL=$(url temporal-ui)
HAUSHAVN_TEMPORAL_METRICS_LISTEN=127.0.0.1:$(port workflow-worker-sdk)
EOF
      ;;
    gateway)
      cat <<EOF
HAUSHAVN_REDIS_URL=$(redis_url_of gateway)
HAUSHAVN_RATE_LIMIT_SCALE=${HAUSHAVN_RATE_LIMIT_SCALE:-1}
HAUSHAVN_CORS_ORIGINS=$(url gateway)
EOF
      ;;
  esac
}

# The owners' passwords are apart: a running service does not hold them.
migration_settings() {
  case $1 in
    user-service) echo "HAUSHAVN_MIGRATE_DATABASE_URL=$(database_url user_migrate)" ;;
    task-service) echo "HAUSHAVN_MIGRATE_DATABASE_URL=$(database_url task_migrate)" ;;
    deal-service)
      echo "HAUSHAVN_MIGRATE_DATABASE_URL=$(database_url deal_migrate)"
      echo "HAUSHAVN_MAINTENANCE_DATABASE_URL=$(database_url audit_maint)"
      ;;
  esac
}

# For the commands that need the operator's account at RabbitMQ.
operator_settings() {
  cat <<EOF
HAUSHAVN_ENV=development
HAUSHAVN_AMQP_URL=$(amqp_url_of operator)
EOF
}

write_environments() {
  local name
  mkdir -p "$ENVS"
  operator_settings | write_private "$ENVS/operator.env" cat
  for name in "${SERVICES[@]}"; do
    { common_settings "$name" && own_settings "$name"; } | write_private "$ENVS/$name.env" cat
  done
  web_settings | write_private "$ENVS/web.env" cat
  for name in user-service deal-service task-service; do
    migration_settings "$name" | write_private "$ENVS/$name.migrate.env" cat
  done
}

# with_environment FILE... -- COMMAND...: runs the command with the variables of the files.
with_environment() (
  set -a
  while [ "$1" != -- ]; do
    # shellcheck source=/dev/null
    . "$1"
    shift
  done
  shift
  "$@"
)

# run_service NAME SUBCOMMAND: a sub-command that ends by itself, as migrate does.
run_service() {
  logged "$1-$2" with_environment "$ENVS/$1.env" "$ENVS/$1.migrate.env" -- "$HAUSHAVN_BIN_DIR/$1" "$2"
}

start_service() {
  [ -x "$HAUSHAVN_BIN_DIR/$1" ] || die "$HAUSHAVN_BIN_DIR/$1 is not built"
  with_environment "$ENVS/$1.env" -- launch "$1" "$HAUSHAVN_BIN_DIR/$1" serve
}

# stop_outdated NAME: a process whose binary was rebuilt still runs the old one.
stop_outdated() {
  local pid
  if pid=$(pid_of "$1") && [[ $(readlink "/proc/$pid/exe") != $(readlink -f "$HAUSHAVN_BIN_DIR/$1") ]]; then
    stop_one "$1"
  fi
}

# prepare_broker: accounts, exchanges, queues and permissions. It can be run again. Services look whether all of it is
# there, and may change none of it.
prepare_broker() {
  local name
  make_secrets
  for name in "${BROKER_ACCOUNTS[@]}"; do
    printf '{"password": "%s", "tags": ""}' "$(secret "rabbitmq_$name")" | rabbitmq_api "users/$name" -X PUT -d @-
  done
  "$HAUSHAVN_BIN_DIR/workflow-worker" broker-definitions | rabbitmq_api definitions -X POST -d @-
}

# What has to be there before services start.
migrate_database() {
  local name
  prepare_broker
  step "accounts and queues are at the broker"
  for name in user-service deal-service task-service; do
    run_service "$name" migrate
    step "$(printf '%-16s migrated' "$name")"
  done
  run_service deal-service upkeep
  run_service task-service load-templates
  step "partitions made ahead, templates loaded"
}
