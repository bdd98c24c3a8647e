# shellcheck shell=bash
# What every script shares: places, ports and messages. Sourced, never run.
# The rest is in lib/: processes, secrets, components (servers), services (our binaries), web.

set -euo pipefail
shopt -s inherit_errexit

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export HAUSHAVN_HOME="${HAUSHAVN_HOME:-$REPO/target/dev}"
mkdir -p "$HAUSHAVN_HOME"
HAUSHAVN_HOME=$(cd "$HAUSHAVN_HOME" && pwd)

# A home keeps the settings it was started with, so that `scripts/stack` finds
# the ports and binaries of that home again. The environment comes first.
# shellcheck source=/dev/null
[ ! -f "$HAUSHAVN_HOME/settings" ] || . "$HAUSHAVN_HOME/settings"

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/haushavn/target}"
export HAUSHAVN_PORT_BASE="${HAUSHAVN_PORT_BASE:-18000}"
export HAUSHAVN_BIN_DIR="${HAUSHAVN_BIN_DIR:-$CARGO_TARGET_DIR/release}"
export PATH="$HOME/.cargo/bin:$PATH"
TOOLS="$HOME/.cache/haushavn"
VENV="$TOOLS/venv"
# shellcheck disable=SC2034 # used by install and schemathesis
TESTS_VENV="$TOOLS/venv-tests"
# shellcheck disable=SC2034 # used by install and charts
DEPLOY_VENV="$TOOLS/venv-deploy" DEPLOY_NPM="$TOOLS/npm-deploy"
MAILDEV="$TOOLS/npm/node_modules/.bin/maildev"
SECRETS="$HAUSHAVN_HOME/secrets"
KEYS="$HAUSHAVN_HOME/keys"
ENVS="$HAUSHAVN_HOME/env"
RUN="$HAUSHAVN_HOME/run"
LOGS="$HAUSHAVN_HOME/logs"
DATA="$HAUSHAVN_HOME/data"

RUST=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$REPO/rust-toolchain.toml")

# The pinned Rust may be there under another name (as "stable"): that is used, and nothing is fetched.
use_installed_rust() {
  local installed name
  [ -z "${RUSTUP_TOOLCHAIN:-}" ] && command -v rustup >/dev/null || return 0
  mapfile -t installed < <(rustup toolchain list 2>/dev/null | awk '/^[^ ]+-/ { print $1 }')
  for name in "${installed[@]}"; do
    [[ $name != "$RUST"-* ]] || return 0
  done
  for name in "${installed[@]}"; do
    if [[ $(rustup run "$name" rustc --version) == "rustc $RUST "* ]]; then
      export RUSTUP_TOOLCHAIN=$name
      return 0
    fi
  done
}
use_installed_rust

# port NAME: the one table of ports. All of them are on 127.0.0.1.
port() {
  case $1 in
    gateway) [ "$HAUSHAVN_PORT_BASE" = 18000 ] && echo 8080 || echo $((HAUSHAVN_PORT_BASE + 80)) ;;
    web) [ "$HAUSHAVN_PORT_BASE" = 18000 ] && echo 3000 || echo $((HAUSHAVN_PORT_BASE + 90)) ;;
    user-service) echo $((HAUSHAVN_PORT_BASE + 81)) ;;
    deal-service) echo $((HAUSHAVN_PORT_BASE + 82)) ;;
    task-service) echo $((HAUSHAVN_PORT_BASE + 83)) ;;
    workflow-worker) echo $((HAUSHAVN_PORT_BASE + 84)) ;;
    gateway-admin) echo $((HAUSHAVN_PORT_BASE + 180)) ;;
    user-service-admin) echo $((HAUSHAVN_PORT_BASE + 181)) ;;
    deal-service-admin) echo $((HAUSHAVN_PORT_BASE + 182)) ;;
    task-service-admin) echo $((HAUSHAVN_PORT_BASE + 183)) ;;
    workflow-worker-admin) echo $((HAUSHAVN_PORT_BASE + 184)) ;;
    workflow-worker-sdk) echo $((HAUSHAVN_PORT_BASE + 284)) ;;
    prometheus) echo $((HAUSHAVN_PORT_BASE + 290)) ;;
    alertmanager) echo $((HAUSHAVN_PORT_BASE + 293)) ;;
    alert-receiver) echo $((HAUSHAVN_PORT_BASE + 294)) ;;
    otlp) echo $((HAUSHAVN_PORT_BASE + 317)) ;;
    redis) echo $((HAUSHAVN_PORT_BASE + 379)) ;;
    postgres) echo $((HAUSHAVN_PORT_BASE + 432)) ;;
    mail-smtp) echo $((HAUSHAVN_PORT_BASE + 525)) ;;
    mail) echo $((HAUSHAVN_PORT_BASE + 580)) ;;
    rabbitmq) echo $((HAUSHAVN_PORT_BASE + 672)) ;;
    rabbitmq-management) echo $((HAUSHAVN_PORT_BASE + 673)) ;;
    rabbitmq-distribution) echo $((HAUSHAVN_PORT_BASE + 674)) ;;
    epmd) echo $((HAUSHAVN_PORT_BASE + 675)) ;;
    rabbitmq-prometheus) echo $((HAUSHAVN_PORT_BASE + 676)) ;;
    temporal) echo $((HAUSHAVN_PORT_BASE + 733)) ;;
    temporal-ui) echo $((HAUSHAVN_PORT_BASE + 734)) ;;
    temporal-metrics) echo $((HAUSHAVN_PORT_BASE + 735)) ;;
    temporal-http) echo $((HAUSHAVN_PORT_BASE + 736)) ;;
    *) die "no port is known for $1" ;;
  esac
}

# Elapsed time counts from the outermost script.
export HAUSHAVN_STARTED_AT="${HAUSHAVN_STARTED_AT:-$EPOCHSECONDS}"

step() { printf '[%4d s] %s\n' $((EPOCHSECONDS - HAUSHAVN_STARTED_AT)) "$*"; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# logged NAME COMMAND...: runs a command with its output in logs/NAME.log; shows the end of it on failure.
logged() {
  local name=$1 log
  shift
  log="$LOGS/$name.log"
  (umask 077 && mkdir -p "$LOGS" && : >>"$log")
  if ! "$@" >>"$log" 2>&1 </dev/null; then
    show_log "$name"
    return 1
  fi
}

show_log() {
  printf -- '--- last lines of %s\n' "$LOGS/$1.log" >&2
  tail -n 25 "$LOGS/$1.log" >&2 || true
  printf -- '---\n' >&2
}

as_root() {
  if [ "$EUID" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# shellcheck source=scripts/lib/processes.sh
. "$REPO/scripts/lib/processes.sh"
# shellcheck source=scripts/lib/secrets.sh
. "$REPO/scripts/lib/secrets.sh"
# shellcheck source=scripts/lib/components.sh
. "$REPO/scripts/lib/components.sh"
# shellcheck source=scripts/lib/services.sh
. "$REPO/scripts/lib/services.sh"
# shellcheck source=scripts/lib/web.sh
. "$REPO/scripts/lib/web.sh"
