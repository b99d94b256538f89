#!/usr/bin/env bash
# A collection turned over ten times while it is searched, beside a new one of the same points:
#
#   bench/churn/run.sh --json FILE [--data DIR] [--points N] [--dimension D] [--rounds R] [--work DIR]
#
# Without --data N clustered vectors are made (100,000 of 80 dimensions by default). --data has
# sift1m.base.u8bin, sift1m.query.u8bin and sift1m.gt.ibin. Each round updates every point once, in random
# order, as fast as `kith import` does, while another connection searches without a pause; the last round
# leaves each point with its row of the base file, so that the true neighbours are known. Once upkeep is
# quiet a second kithd is given the same points, and both are asked by turns.
#
# FILE gets p99_ratio (wanted: 1.2 at most), recall_difference (0.005), the bytes of both in memory and on
# disk, the latencies while the points were updated, and how many searches failed then (none may).
# 100,000 points take about two minutes on two cores, SIFT's million about twelve. Needs a release build:
# scripts/build.sh.
set -euo pipefail

invoked_from="${PWD}"
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/servers.sh
source scripts/servers.sh

readonly BIN="${KITH_BUILD_DIR:-build/release}/bin"
readonly TURNS="${KITH_CHURN_TURNS:-5}"
data="" json="" work="${PWD}/build/churn" points=100000 dimension=80 rounds=10
base="" queries="" truth="" dtype="f32"
pids=() endpoints=() http_ports=() searcher=""

usage() {
  sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "$0" >&2
  exit 2
}

cleanup() {
  trap - EXIT
  [[ -z "${searcher}" ]] || kill "${searcher}" 2>/dev/null || true
  local pid
  for pid in "${pids[@]}"; do stop_server "${pid}" 20; done
}

inputs() {
  if [[ -n "${data}" ]]; then
    base="${data}/sift1m.base.u8bin" queries="${data}/sift1m.query.u8bin"
    truth="${data}/sift1m.gt.ibin" dimension=128 dtype="u8"
    return
  fi
  base="${work}/churn.base.fbin" queries="${work}/churn.query.fbin" truth="${work}/churn.truth.ibin"
  "${BIN}/kith" dataset make "${work}/churn" --count "${points}" --dimension "${dimension}" \
    --queries 2000 --seed 7
  "${BIN}/kith" dataset truth --base "${base}" --queries "${queries}" --k 10 --metric l2 \
    --out "${truth}"
}

# start NUMBER NAME: kithd embedded over WORK/NAME, with checkpoints often enough to be seen.
start() {
  local grpc_port http_port
  read -r grpc_port http_port < <(free_ports 2)
  cat >"${work}/$2.yaml" <<YAML
data: {directory: "${work}/$2"}
grpc: {listen: "127.0.0.1:${grpc_port}"}
http: {listen: "127.0.0.1:${http_port}"}
storage: {checkpoint_seconds: 5}
YAML
  "${BIN}/kithd" --config "${work}/$2.yaml" >>"${work}/$2.log" 2>&1 &
  pids[$1]=$! endpoints[$1]="127.0.0.1:${grpc_port}" http_ports[$1]="${http_port}"
  await_ready "${pids[$1]}" "${http_port}" 60 "${work}/$2.log"
  "${BIN}/kith" collection create churn --dimension "${dimension}" --metric l2 --dtype "${dtype}" \
    --endpoint "${endpoints[$1]}"
}

# import NUMBER FILE
import() {
  "${BIN}/kith" import churn "$2" --endpoint "${endpoints[$1]}" --restart \
    --progress-dir "${work}/progress-$1" --json "${work}/import.json" >/dev/null
}

# ask NUMBER FILE OPTION...: one run of single queries, one after the other.
ask() {
  local at="${endpoints[$1]}" file="$2"
  shift 2
  "${BIN}/kith" bench recall --endpoint "${at}" --collection churn --k 10 --queries "${queries}" \
    --truth "${truth}" --threads 1 --batch 1 --json "${file}" "$@" >/dev/null
}

# Searches until WORK/stop is there; `kith bench recall` fails where a search does.
search_throughout() {
  local run=0
  while [[ ! -e "${work}/stop" ]]; do
    ask 0 "${work}/during-${run}.json" --count 2000 --warmup 0 || echo failed >>"${work}/failed"
    run=$((run + 1))
  done
}

turn_over() {
  local round started
  search_throughout &
  searcher=$!
  started="$(now)"
  for ((round = 1; round <= rounds; ++round)); do
    python3 bench/churn/updates.py --base "${base}" --out "${work}/updates.jsonl" --seed "${round}" \
      $( ((round < rounds)) || echo --as-base)
    say "Round ${round} of ${rounds}"
    import 0 "${work}/updates.jsonl"
    cp "${work}/import.json" "${work}/round-${round}.json"
  done
  since "${started}" >"${work}/churn_s"
  touch "${work}/stop"
  wait "${searcher}"
  searcher=""
}

# What a server takes in memory and on disk once its upkeep has nothing more to do.
weigh() {
  PYTHONPATH=bench python3 bench/churn/metrics.py "${http_ports[$1]}" --out "${work}/$2-metrics.json" --quiet-s 12
  "${BIN}/kith" collection get churn --endpoint "${endpoints[$1]}" --json "${work}/$2-collection.json"
  resident_bytes "${pids[$1]}" >"${work}/$2-memory"
  du -sb "${work}/$2" | cut -f1 >"${work}/$2-disk"
  du -sbc "${work}/$2"/shard/*/rows | tail -n 1 | cut -f1 >"${work}/$2-rows"
  du -sbc "${work}/$2"/shard/*/state | tail -n 1 | cut -f1 >"${work}/$2-state"
  du -sbc "${work}/$2"/shard/*/seg | tail -n 1 | cut -f1 >"${work}/$2-segments"
}

main() {
  while (($#)); do
    case "$1" in
      --json | --data | --work)
        printf -v "${1#--}" '%s' "$(cd "${invoked_from}" && realpath -m -- "${2:?}")"
        ;;
      --points | --dimension | --rounds) printf -v "${1#--}" '%s' "${2:?}" ;;
      *) usage ;;
    esac
    shift 2
  done
  [[ -n "${json}" ]] || usage
  rm -rf "${work}"
  mkdir -p "${work}/progress-0" "${work}/progress-1"
  trap cleanup EXIT
  trap 'exit 130' INT TERM
  inputs
  say "Import and training"
  start 0 churned
  python3 bench/churn/updates.py --base "${base}" --out "${work}/updates.jsonl" --seed 0
  import 0 "${work}/updates.jsonl"
  "${BIN}/kith" collection train churn --endpoint "${endpoints[0]}" >/dev/null
  turn_over
  say "Until upkeep is quiet"
  weigh 0 churned
  say "A new one of the same points"
  start 1 fresh
  import 1 "${base}"
  "${BIN}/kith" collection train churn --endpoint "${endpoints[1]}" >/dev/null
  weigh 1 fresh
  say "Both by turns"
  local turn
  for ((turn = 0; turn < TURNS; ++turn)); do
    ask 0 "${work}/churned-${turn}.json"
    ask 1 "${work}/fresh-${turn}.json"
  done
  "${BIN}/kith" collection verify churn --endpoint "${endpoints[0]}"
  python3 bench/churn/report.py "${work}" --json "${json}"
}

main "$@"
