#!/usr/bin/env bash
# A throw-away PostgreSQL for the tests.
#   postgres.sh start DIR   makes a cluster in DIR, starts it on a free loopback port and prints its
#                           superuser's URL, and nothing else, on standard output
#   postgres.sh stop DIR    stops it; DIR is left for its maker to remove
#   postgres.sh crash DIR   kills it as a power cut would, and starts it again on the same port
# PostgreSQL refuses to run as root, so root hands DIR to another user first.
set -euo pipefail

fail() { echo "postgres.sh: $*" >&2; exit 1; }

tool() { # name: its path, from PATH or where Debian keeps each version's
  command -v "$1" && return
  local found
  found=$(ls -d /usr/lib/postgresql/*/bin/"$1" 2>/dev/null | sort -V | tail -n 1)
  [ -n "$found" ] && echo "$found"
}

unprivileged() { # the user that runs the server
  [ "$(id -u)" = 0 ] || { id -un; return; }
  if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

as_user() { # command...: run it as that user
  if [ "$(id -u)" != 0 ]; then "$@"; return; fi
  local user
  user=$(unprivileged)
  if command -v setpriv >/dev/null; then
    setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups -- "$@"
  else
    su -s /bin/sh "$user" -c 'exec "$@"' -- sh "$@"
  fi
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

prepare() { # DIR: an empty cluster, reachable over loopback without a password
  mkdir -p "$1"
  if [ "$(id -u)" = 0 ]; then
    chown "$(unprivileged)" "$1"
  fi
  chmod 700 "$1"
  [ -f "$1/data/PG_VERSION" ] && return
  as_user "$initdb" --pgdata "$1/data" --username postgres --auth trust --encoding UTF8 --locale C \
    >"$1/initdb.log" 2>&1 || { cat "$1/initdb.log" >&2; fail "no cluster in $1"; }
}

start() { # DIR
  local initdb pg_ctl port attempt
  initdb=$(tool initdb) || fail "initdb is not installed"
  pg_ctl=$(tool pg_ctl) || fail "pg_ctl is not installed"
  prepare "$1"
  for attempt in 1 2 3 4 5; do # another program may take the port before the server does
    port=$(free_port)
    # In a subshell of its own folder: the server's user may not enter the caller's.
    if (cd "$1" && as_user "$pg_ctl" start --pgdata "$1/data" --log "$1/server.log" --wait --timeout 60 \
      --options "-h 127.0.0.1 -p $port -k $1 -c fsync=on -c max_connections=200" >/dev/null 2>&1); then
      echo "postgresql://postgres@127.0.0.1:$port/postgres"
      return
    fi
    echo "postgres.sh: attempt $attempt on port $port failed" >&2
  done
  tail -n 20 "$1/server.log" >&2 || true
  fail "PostgreSQL did not start"
}

stop() { # DIR
  local pg_ctl
  [ -f "$1/data/postmaster.pid" ] || return 0
  pg_ctl=$(tool pg_ctl) || fail "pg_ctl is not installed"
  (cd "$1" && as_user "$pg_ctl" stop --pgdata "$1/data" --mode fast --wait >/dev/null)
}

crash() { # DIR
  local pg_ctl pid attempt
  pg_ctl=$(tool pg_ctl) || fail "pg_ctl is not installed"
  pid=$(head -n 1 "$1/data/postmaster.pid")
  kill -KILL "$pid"
  for attempt in 1 2 3 4 5; do # its children need a moment to see that they are alone
    (cd "$1" && as_user "$pg_ctl" restart --pgdata "$1/data" --log "$1/server.log" --wait >/dev/null 2>&1) && return
    sleep 0.5
  done
  tail -n 20 "$1/server.log" >&2
  fail "PostgreSQL did not come back"
}

[ $# = 2 ] || fail "usage: postgres.sh start|stop|crash DIR"
case "$1" in
  start | stop | crash) mkdir -p "$2"; "$1" "$(realpath "$2")" ;;
  *) fail "usage: postgres.sh start|stop|crash DIR" ;;
esac
