#!/usr/bin/env bash
# One coordinator and N shard nodes on loopback, as processes of this machine.
#
#   scripts/local_cluster.sh up --shards N [--data DIR]    the last line of stdout is host:port alone
#   scripts/local_cluster.sh down
#
# New collections get N shards, one a node. Without --data the data is in build/local_cluster/data and
# made anew by every `up`; with it, DIR is kept and opened again. The cores are divided between the
# processes. Configuration, logs and process ids are in build/local_cluster.
# KITH_BUILD_DIR takes kithd from elsewhere; KITH_CLUSTER_DIR keeps all this elsewhere;
# KITH_CLUSTER_PORT moves the ports (17430 and on).
set -euo pipefail

invoked_from="${PWD}"
cd "$(dirname "$0")/.."
# shellcheck source=scripts/servers.sh
source scripts/servers.sh

readonly KITHD="${KITH_BUILD_DIR:-build/release}/bin/kithd"
STATE="${KITH_CLUSTER_DIR:-build/local_cluster}"
[[ "${STATE}" == /* ]] || STATE="${PWD}/${STATE}"
readonly STATE
readonly PORT="${KITH_CLUSTER_PORT:-17430}"
readonly SHARDS_MAX=64

usage() {
  sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "$0" >&2
  exit 2
}

# Is this process one of ours? Its id may have been given to another since.
is_ours() {
  local executable
  executable="$(readlink "/proc/$1/exe" 2>/dev/null)" || return 1
  [[ "$(basename "${executable% (deleted)}")" == kithd ]]
}

live_pids() {
  local pid
  [[ -f "${STATE}/pids" ]] || return 0
  while read -r pid; do
    if is_ours "${pid}"; then echo "${pid}"; fi
  done <"${STATE}/pids"
}

# The coordinator is the first in the file and goes first: it drains while its nodes still answer.
down() {
  local pid
  for pid in $(live_pids); do
    stop_server "${pid}" 60
  done
  rm -f "${STATE}/pids"
}

node_port() { echo $((PORT + 10 + 2 * $1)); }

# write_node_config NODE THREADS DATA
write_node_config() {
  local node="$1" threads="$2" data="$3"
  cat >"${STATE}/node-${node}.yaml" <<YAML
role: shard
data: {directory: "${data}/node-${node}"}
node: {listen: "127.0.0.1:$(node_port "${node}")", name: "node-${node}"}
http: {listen: "127.0.0.1:$(($(node_port "${node}") + 1))"}
search: {threads: ${threads}}
maintenance: {threads: 1, encode_threads: ${threads}}
YAML
}

# write_coordinator_config SHARDS DATA
write_coordinator_config() {
  local shards="$1" data="$2" node
  {
    cat <<YAML
role: coordinator
data: {directory: "${data}/coordinator"}
grpc: {listen: "127.0.0.1:${PORT}"}
http: {listen: "127.0.0.1:$((PORT + 1))"}
collections: {default_shards: ${shards}}
cluster:
  nodes:
YAML
    for ((node = 0; node < shards; ++node)); do
      echo "    - {name: node-${node}, address: \"127.0.0.1:$(node_port "${node}")\"}"
    done
  } >"${STATE}/coordinator.yaml"
}

# start NAME: runs kithd with the configuration of that name, away from this terminal; sets pid.
start() {
  local name="$1"
  setsid "${KITHD}" --config "${STATE}/${name}.yaml" </dev/null >"${STATE}/${name}.log" 2>&1 &
  pid=$!
}

check_can_start() {
  if [[ -n "$(live_pids)" ]]; then
    echo "local_cluster: already up (processes $(live_pids | xargs)); run: $0 down" >&2
    exit 1
  fi
  if [[ ! -x "${KITHD}" ]]; then
    echo "local_cluster: no ${KITHD}: run scripts/build.sh" >&2
    exit 1
  fi
}

up() {
  local shards="$1" data="$2" node threads pid
  check_can_start
  mkdir -p "${STATE}"
  rm -f "${STATE}"/*.yaml "${STATE}"/*.log "${STATE}/pids"
  if [[ -z "${data}" ]]; then
    data="${STATE}/data"
    rm -rf "${data}"
  fi
  mkdir -p "${data}"
  # Coordinator and nodes work at different moments of a query: the nodes get the cores.
  threads=$(($(nproc) / shards))
  ((threads >= 1)) || threads=1

  # Whatever stops this half way stops what was started.
  trap down EXIT
  trap 'exit 130' INT TERM
  local nodes=()
  for ((node = 0; node < shards; ++node)); do
    write_node_config "${node}" "${threads}" "${data}"
    start "node-${node}"
    nodes+=("${pid}")
    echo "${pid}" >>"${STATE}/pids"
  done
  for ((node = 0; node < shards; ++node)); do
    await_ready "${nodes[node]}" "$(($(node_port "${node}") + 1))" 300 "${STATE}/node-${node}.log"
    echo "node-${node}: 127.0.0.1:$(node_port "${node}"), ${threads} search thread(s)"
  done
  write_coordinator_config "${shards}" "${data}"
  start coordinator
  # First, so that it is the first to stop.
  sed -i "1i ${pid}" "${STATE}/pids"
  await_ready "${pid}" "$((PORT + 1))" 300 "${STATE}/coordinator.log"
  trap - EXIT INT TERM
  echo "coordinator: data in ${data}, HTTP on 127.0.0.1:$((PORT + 1))"
  echo "127.0.0.1:${PORT}"
}

main() {
  local command="${1:-}" shards="" data=""
  shift || true
  while (($#)); do
    case "$1" in
      --shards) shards="${2:-}" ;;
      --data) data="$(cd "${invoked_from}" && realpath -m -- "${2:?}")" ;;
      *) usage ;;
    esac
    shift 2 || usage
  done
  case "${command}" in
    up)
      if ! [[ "${shards}" =~ ^[0-9]+$ ]] || ((shards < 1 || shards > SHARDS_MAX)); then
        echo "local_cluster: --shards must be 1 to ${SHARDS_MAX}" >&2
        exit 2
      fi
      up "${shards}" "${data}"
      ;;
    down) down ;;
    *) usage ;;
  esac
}

main "$@"
