#!/usr/bin/env bash
# From a fresh clone to answers: installs, builds, starts kithd embedded on loopback, imports, trains,
# searches, restarts, and says how good and how fast it was.
#
#   scripts/demo.sh           200,000 vectors of 80 dimensions from the documented generator
#   scripts/demo.sh FILE      your vectors (.fbin, .u8bin, .fvecs; 300 or more): the last 1,000, at most
#                             a tenth, become the queries
#
# Writes build/demo-report.json. A second call neither installs nor builds again. Ports are whatever is
# free, the data is in build/demo and made anew each time: a running kithd is not disturbed.
# KITH_BUILD_DIR takes the binaries from elsewhere; KITH_DEMO_METRIC (l2, ip, cosine) is for FILE.
set -euo pipefail

file=""
if (($#)); then
  file="$(realpath -- "$1")" || { echo "demo: no such file: $1" >&2; exit 1; }
fi
cd "$(dirname "$0")/.."
# shellcheck source=scripts/servers.sh
source scripts/servers.sh

readonly BUILD_DIR="${KITH_BUILD_DIR:-build/release}"
readonly KITHD="${BUILD_DIR}/bin/kithd" KITH="${BUILD_DIR}/bin/kith"
readonly WORK="build/demo" truth="build/demo/truth.ibin" REPORT="build/demo-report.json"
readonly VECTORS=200000 DIMENSION=80 QUERIES=1000 SEED=1
server_pid=""

cleanup() {
  local status=$?
  trap - EXIT
  if [[ -n "${server_pid}" ]]; then
    stop_server "${server_pid}" 20
  fi
  if ((status)); then
    echo "demo: ended with status ${status}; logs are in ${WORK}" >&2
  fi
  exit "${status}"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

start_server() {
  "${KITHD}" --data "${WORK}/data" --listen "127.0.0.1:${grpc_port}" \
    --http "127.0.0.1:${http_port}" >>"${WORK}/kithd.log" 2>&1 &
  server_pid=$!
  await_ready "${server_pid}" "${http_port}" 120 "${WORK}/kithd.log"
}

halt_server() {
  stop_server "${server_pid}" 60
  wait "${server_pid}" 2>/dev/null || true
  server_pid=""
}

# Sets base, queries, dimension, dtype, metric, vectors.
prepare_data() {
  if [[ -n "${file}" ]]; then
    local extension
    say "Keeping the last vectors of ${file} as queries"
    read -r vectors dimension dtype extension \
      < <(python3 scripts/split_vectors.py "${file}" "${WORK}" || echo "0 0 none none")
    ((vectors > 0)) || exit 1
    base="${WORK}/base.${extension}" queries="${WORK}/queries.${extension}"
    metric="${KITH_DEMO_METRIC:-l2}"
  else
    say "Making ${VECTORS} vectors of ${DIMENSION} dimensions (seed ${SEED})"
    base="${WORK}/made.base.fbin" queries="${WORK}/made.query.fbin"
    vectors="${VECTORS}" dimension="${DIMENSION}" dtype=f32 metric=l2
    "${KITH}" dataset make "${WORK}/made" --count "${vectors}" --dimension "${dimension}" \
      --queries "${QUERIES}" --seed "${SEED}"
  fi
  say "Finding the true neighbours of the queries by brute force"
  "${KITH}" dataset truth --base "${base}" --queries "${queries}" --metric "${metric}" --k 10 \
    --out "${truth}"
}

# bench JSON: each query five times, one call at a time.
bench() {
  "${KITH}" bench recall --endpoint "${endpoint}" --collection demo --queries "${queries}" \
    --truth "${truth}" --k 10 --count $((5 * QUERIES)) --warmup "${QUERIES}" --json "$1"
}

run_demo() {
  read -r grpc_port http_port < <(free_ports 2)
  endpoint="127.0.0.1:${grpc_port}"
  prepare_data

  say "Starting kithd (embedded, ${endpoint}, data in ${WORK}/data)"
  start_server
  empty_bytes="$(resident_bytes "${server_pid}")"
  "${KITH}" collection create demo --dimension "${dimension}" --metric "${metric}" \
    --dtype "${dtype}" --endpoint "${endpoint}"

  say "Importing ${vectors} vectors"
  local started
  started="$(now)"
  "${KITH}" import demo "${base}" --endpoint "${endpoint}" --json "${WORK}/import.json"
  import_s="$(since "${started}")"
  # The true neighbours count rows that were rejected; recall against them would mean nothing.
  if ! grep -q '"rejected": 0,' "${WORK}/import.json"; then
    echo "demo: rows of ${base} were rejected: see ${WORK}, mend the file and start again" >&2
    exit 1
  fi

  say "Training an index and encoding every vector"
  started="$(now)"
  "${KITH}" collection train demo --endpoint "${endpoint}"
  train_s="$(since "${started}")"

  say "Searching"
  bench "${WORK}/bench.json"
  loaded_bytes="$(resident_bytes "${server_pid}")"

  say "Stopping and starting again"
  halt_server
  started="$(now)"
  start_server
  ready_s="$(since "${started}")"
  "${KITH}" search demo --queries "${queries}" --row 0 --endpoint "${endpoint}" >"${WORK}/first_search.txt"
  restart_s="$(since "${started}")"
  say "Searching again"
  bench "${WORK}/bench_after_restart.json"
  serving_bytes="$(resident_bytes "${server_pid}")"
  halt_server
}

write_report() {
  KITH_INSTALL_S="${install_s}" KITH_BUILD_S="${build_s}" KITH_RUN_S="${run_s}" \
    KITH_IMPORT_S="${import_s}" KITH_TRAIN_S="${train_s}" KITH_READY_S="${ready_s}" \
    KITH_RESTART_S="${restart_s}" KITH_VECTORS="${vectors}" KITH_DIMENSION="${dimension}" \
    KITH_EMPTY_BYTES="${empty_bytes}" KITH_LOADED_BYTES="${loaded_bytes}" \
    KITH_SERVING_BYTES="${serving_bytes}" python3 scripts/demo_report.py "${WORK}" "${REPORT}"
}

main() {
  local started
  started="$(now)"
  say "Installing what is missing"
  bash scripts/install_dependencies.sh
  install_s="$(since "${started}")"

  started="$(now)"
  say "Building (release)"
  KITH_BUILD_DIR="${BUILD_DIR}" bash scripts/build.sh release kithd kith
  build_s="$(since "${started}")"

  started="$(now)"
  rm -rf "${WORK}"
  mkdir -p "${WORK}"
  run_demo
  run_s="$(since "${started}")"
  write_report
  cat <<NEXT

What to try next
  ${KITHD}                                    # a server of your own: data in ./kith-data, port 7430
  ${KITH} collection create mine --dimension 128 --metric cosine --dtype f32
  ${KITH} import mine vectors.fvecs && ${KITH} collection train mine
  scripts/local_cluster.sh up --shards 4      # the same over four shard processes
  README.md                                   # a first search from Python, limits, figures
NEXT
}

main
