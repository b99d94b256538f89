#!/usr/bin/env bash
# The figures of docs/benchmarks.md in one run, outside CI:
#
#   bench/spine/run.sh --data DIR [--out DIR]
#
# --data has sift1m.base.u8bin, sift1m.query.u8bin and sift1m.gt.ibin. --out (build/spine by default)
# gets a JSON file a measurement and summary.md, the tables that the document shows.
#
# 1. embedded: import, training, recall and rate at several targets, memory, restart;
# 2. one coordinator and four shard nodes with the same points: recall and rate, and agreement with
#    the embedded server to the bit;
# 3. durable writes: new ids, then the same ids twice again, and where the time goes (perf, where it
#    is installed).
# About five minutes on two cores. Needs a release build: scripts/build.sh.
set -euo pipefail

invoked_from="${PWD}"
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/servers.sh
source scripts/servers.sh

readonly BIN="${KITH_BUILD_DIR:-build/release}/bin"
readonly CLUSTER="127.0.0.1:${KITH_CLUSTER_PORT:-17430}"
data="" out="${PWD}/build/spine"
server="" endpoint=""

usage() {
  sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "$0" >&2
  exit 2
}

cleanup() {
  trap - EXIT
  [[ -z "${server}" ]] || stop_server "${server}" 20
  scripts/local_cluster.sh down || true
}

# start NAME: kithd embedded over OUT/NAME.
start() { start_kithd "${out}/work/$1" "${out}/work/$1.log" 300; }

stop() {
  stop_server "${server}" 120
  wait "${server}" 2>/dev/null || true
  server=""
}

# A number under a name in OUT/measured.tsv, which summary.py reads.
note() { printf '%s\t%s\n' "$1" "$2" >>"${out}/measured.tsv"; }

# import_and_train ENDPOINT PREFIX
import_and_train() {
  "${BIN}/kith" collection create sift --dimension 128 --metric l2 --dtype u8 --endpoint "$1"
  "${BIN}/kith" import sift "${data}/sift1m.base.u8bin" --endpoint "$1" --restart \
    --progress-dir "${out}/work/$2-progress" --json "${out}/$2-import.json"
  local started
  started="$(now)"
  "${BIN}/kith" collection train sift --endpoint "$1"
  note "$2_train_s" "$(since "${started}")"
}

readonly QUERIES=(--collection sift --k 10)
# recall ENDPOINT FILE OPTION...
recall() {
  local at="$1" file="$2"
  shift 2
  "${BIN}/kith" bench recall --endpoint "${at}" "${QUERIES[@]}" \
    --queries "${data}/sift1m.query.u8bin" --truth "${data}/sift1m.gt.ibin" \
    --json "${out}/${file}.json" "$@"
}

measure_embedded() {
  say "Embedded: 1,000,000 SIFT vectors through gRPC"
  start embedded
  note empty_bytes "$(resident_bytes "${server}")"
  import_and_train "${endpoint}" embedded
  recall "${endpoint}" embedded-default --threads 1 --batch 1
  recall "${endpoint}" embedded-batch64 --threads 1 --batch 64
  recall "${endpoint}" embedded-two --threads 2 --batch 1
  recall "${endpoint}" embedded-090 --threads 1 --batch 1 --target-recall 0.90
  recall "${endpoint}" embedded-099 --threads 1 --batch 1 --target-recall 0.99
  note loaded_bytes "$(resident_bytes "${server}")"
  say "Restart"
  stop
  local started
  started="$(now)"
  start embedded
  note ready_s "$(since "${started}")"
  recall "${endpoint}" embedded-first --threads 1 --batch 1 --count 1 --warmup 0
  note restart_s "$(since "${started}")"
  recall "${endpoint}" embedded-again --threads 1 --batch 1
  note serving_bytes "$(resident_bytes "${server}")"
}

# agree FILE OPTION...
agree() {
  local file="$1"
  shift
  "${BIN}/kith" bench agree --endpoint "${endpoint}" --other "${CLUSTER}" "${QUERIES[@]}" \
    --queries "${data}/sift1m.query.u8bin" --truth "${data}/sift1m.gt.ibin" \
    --json "${out}/${file}.json" "$@"
}

measure_cluster() {
  say "One coordinator and four shard nodes"
  scripts/local_cluster.sh up --shards 4
  import_and_train "${CLUSTER}" cluster
  agree agree-default
  agree agree-exact --exact --count 1000
  stop
  recall "${CLUSTER}" cluster-default --threads 1 --batch 1
  recall "${CLUSTER}" cluster-batch64 --threads 1 --batch 64
  scripts/local_cluster.sh down
}

# writes FILE
writes() {
  "${BIN}/kith" bench write --endpoint "${endpoint}" --collection w80 --dimension 80 --rows 400000 \
    --batch 256 --in-flight 16 --json "${out}/$1.json"
}

measure_writes() {
  say "Durable writes: 80 d f32, batches of 256, one connection, 16 calls in flight"
  start writes
  "${BIN}/kith" collection create w80 --dimension 80 --metric l2 --dtype f32 --endpoint "${endpoint}"
  writes write-new
  writes write-again
  writes write-third
  stop
  if command -v perf >/dev/null; then profile_writes; fi
}

# A run of its own: sampling slows it down.
profile_writes() {
  say "Where the time of a write goes"
  start profile
  "${BIN}/kith" collection create w80 --dimension 80 --metric l2 --dtype f32 --endpoint "${endpoint}"
  local name recorder
  for name in new again; do
    perf record -q -F 499 --call-graph dwarf,8192 -p "${server}" \
      -o "${out}/work/${name}.perf" 2>/dev/null &
    recorder=$!
    sleep 0.5
    writes "profiled-${name}"
    kill -INT "${recorder}"
    wait "${recorder}" 2>/dev/null || true
    perf report -i "${out}/work/${name}.perf" --children --sort symbol -g none 2>/dev/null \
      >"${out}/profile-${name}.txt"
  done
  stop
}

main() {
  while (($#)); do
    case "$1" in
      --data) data="$(cd "${invoked_from}" && realpath -- "${2:?}")" ;;
      --out) out="$(cd "${invoked_from}" && realpath -m -- "${2:?}")" ;;
      *) usage ;;
    esac
    shift 2
  done
  [[ -n "${data}" ]] || usage
  rm -rf "${out}"
  mkdir -p "${out}/work"
  trap cleanup EXIT
  trap 'exit 130' INT TERM
  note load_before "$(cut -d' ' -f1 /proc/loadavg)"
  measure_embedded
  measure_cluster
  measure_writes
  rm -rf "${out}/work"
  python3 bench/spine/summary.py "${out}"
}

main "$@"
