# shellcheck shell=bash
# Starting, awaiting and stopping kithd, and saying and timing it, for the scripts that run one;
# sourced, not run. Python's standard library is used where bash has no tool of its own: ports and HTTP.

say() { printf '\n== %s\n' "$*"; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN {printf "%.3f", b - a}'; }
# Prints as many free loopback ports as asked for. They are free now; whoever is quicker may take one,
# and then kithd says so.
free_ports() {
  python3 - "$1" <<'PY'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets))
PY
}

# await_ready PID HTTP_PORT SECONDS LOG: returns when /readyz answers 200, or says why it never will.
await_ready() {
  local pid="$1" port="$2" seconds="$3" log="$4"
  if ! python3 - "${pid}" "${port}" "${seconds}" <<'PY'; then
import http.client, os, sys, time
pid, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])

def running():
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False

end = time.monotonic() + seconds
while time.monotonic() < end and running():
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/readyz")
        # Another process may answer on that port while this one ends because of it.
        if connection.getresponse().status == 200 and running():
            sys.exit(0)
    except OSError:
        pass
    time.sleep(0.01)
sys.exit(1)
PY
    if is_running "${pid}"; then
      echo "kithd (process ${pid}) did not become ready within ${seconds} s; from ${log}:" >&2
    else
      echo "kithd (process ${pid}) ended before it was ready; from ${log}:" >&2
    fi
    grep -v 'event=config' "${log}" | tail -n 10 >&2
    return 1
  fi
}

# start_kithd DATA LOG SECONDS [COMMAND...]: kithd (BIN) over DATA on free loopback ports, by way of COMMAND, such as
# env NAME=VALUE or taskset, where one is given. Returns when it is ready; sets server to its process, and endpoint
# and http to its addresses.
start_kithd() {
  local data="$1" log="$2" seconds="$3" grpc_port http_port
  shift 3
  read -r grpc_port http_port < <(free_ports 2)
  endpoint="127.0.0.1:${grpc_port}" http="127.0.0.1:${http_port}"
  "$@" "${BIN}/kithd" --data "${data}" --listen "${endpoint}" --http "${http}" >>"${log}" 2>&1 &
  server=$!
  await_ready "${server}" "${http_port}" "${seconds}" "${log}"
}

is_running() {
  # A process that ended and was not waited for does not count.
  [[ -r "/proc/$1/stat" ]] && [[ "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null)" != Z* ]]
}

# stop_server PID [SECONDS]: SIGTERM, which lets kithd drain and flush; SIGKILL after SECONDS.
stop_server() {
  local pid="$1" tenths=$((${2:-60} * 10))
  kill -TERM "${pid}" 2>/dev/null || return 0
  while ((tenths-- > 0)) && is_running "${pid}"; do
    sleep 0.1
  done
  if is_running "${pid}"; then
    echo "kithd (process ${pid}) did not stop in time and is killed" >&2
    kill -KILL "${pid}" 2>/dev/null || true
  fi
}

# Bytes of a process that are in memory: anonymous ones and the mapped ones that it touched.
resident_bytes() {
  awk '/^Rss:/ {print $2 * 1024}' "/proc/$1/smaps_rollup"
}
