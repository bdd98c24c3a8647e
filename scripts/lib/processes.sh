# shellcheck shell=bash
# Processes of our own: each is the leader of its own process group, recorded with
# its start time, so that we never signal a stranger that got the same number.

# start_time PID: kernel ticks at which the process started; fails when it is gone or a zombie.
start_time() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra fields <<<"${stat##*) }" # the name before it may hold spaces
  [ "${fields[0]}" != Z ] && echo "${fields[19]}"
}

# launch NAME COMMAND...: starts the command in its own session and records it.
launch() {
  local name=$1 pid
  shift
  mkdir -p "$RUN" "$LOGS"
  setsid -- "$@" >>"$LOGS/$name.log" 2>&1 </dev/null &
  pid=$!
  printf '%s %s\n' "$pid" "$(start_time "$pid" || echo gone)" >"$RUN/$name.pid"
}

# pid_of NAME: the recorded process, when it is still the one that we started.
pid_of() {
  local pid started
  read -r pid started 2>/dev/null <"$RUN/$1.pid" || return 1
  [ "$(start_time "$pid")" = "$started" ] && echo "$pid"
}

group_alive() {
  ps -A -o pgid=,stat= | awk -v group="$1" '$1 == group && $2 !~ /^Z/ { alive = 1 } END { exit !alive }'
}

# signal_process NAME SIGNAL: to its group, and to its children: PostgreSQL's lead groups of their own.
signal_process() {
  local pid children
  pid=$(pid_of "$1") || die "$1 is not running"
  mapfile -t children < <(ps -o pid= --ppid "$pid")
  kill -s "$2" -- "-$pid"
  # ps pads its numbers; a child may have ended meanwhile.
  ((${#children[@]} == 0)) || kill -s "$2" -- "${children[@]// /}" 2>/dev/null || true
}

# kill_process NAME: without warning; returns when it is gone.
kill_process() {
  signal_process "$1" KILL
  while pid_of "$1" >/dev/null; do sleep 0.05; done
}

# stop_process NAME [SIGNAL]: asks the leader to end, then ends what is left of its group.
stop_process() {
  local name=$1 signal=${2:-TERM} pid deadline=$((SECONDS + 20))
  if pid=$(pid_of "$name"); then
    kill -s "$signal" "$pid" 2>/dev/null || true
    kill -s CONT -- "-$pid" 2>/dev/null || true
    while group_alive "$pid"; do
      if ((SECONDS >= deadline)); then
        kill -s KILL -- "-$pid" 2>/dev/null || true
      fi
      sleep 0.1
    done
  fi
  rm -f "$RUN/$name.pid"
}

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_for NAME SECONDS CHECK...: until the check holds; fails when the process ends or time is up.
wait_for() {
  local name=$1 deadline=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ! pid_of "$name" >/dev/null; then
      show_log "$name"
      echo "error: $name has ended" >&2
      return 1
    fi
    if ((SECONDS >= deadline)); then
      show_log "$name"
      echo "error: $name is not healthy in time" >&2
      return 1
    fi
    sleep 0.2
  done
}
