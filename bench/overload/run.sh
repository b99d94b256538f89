#!/usr/bin/env bash
# Three times as many searches as a server can answer, and what becomes of those that it takes:
#
#   bench/overload/run.sh --json FILE [--plot FILE.svg] [--data DIR] [--work DIR] [--nprobe N]
#                         [--seconds S] [--cores shared|apart]
#
# --data has sift1m.base.u8bin and sift1m.query.u8bin (default: the shared data beside this clone); without
# them 200,000 clustered vectors are made. Searches probe N lists (default 4000: nearly all), so that one takes about a millisecond: a
# refusal costs the server and the load generator some tens of microseconds each, whatever a search costs, and
# the less that is, the more of the machine three times the load takes by itself.
#
# First a ladder of open-loop rates, until one is not answered, three times running (a stall of the machine passes):
# the most that is answered is peak_qps; the highest rate of which no more than one in a hundred is refused,
# found to within a twenty-fifth, is what "normal" means. Then half the
# peak is offered throughout, and for S seconds (default 20) two and a half times the peak beside it. Both
# come from `kith bench load`, on the same cores as the server (shared, the default), or on half of them each
# (apart). FILE gets
#   peak_qps, goodput_qps   answered a second, at the peak and during the overload
#   p99_ratio               p99 of what was answered during the overload over that of the normal row
#   recovery_s              from the end of the overload until half the peak is answered as before it: none
#                           refused, p99 at most twice as long, for a second and a half
#   ladder, rows            the rates, and the run over time: offered, answered, refused, p50, p99
#   refused                 by the server's own counters, and the queue's figures during the overload; waited_ms_mean
#                           is what the answered ones waited for a search thread
#   client_cores, client_lag_p99_ms  what the load generator took, and by how much it was late itself
# Ends with 1 where goodput < 0.8 of the peak, p99_ratio > 2 or recovery_s > 10. Takes about three minutes,
# and the import. Needs a release build: scripts/build.sh.
set -euo pipefail

invoked_from="${PWD}"
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/servers.sh
source scripts/servers.sh

readonly BIN="${KITH_BUILD_DIR:-build/release}/bin"
data="../shared/data/vectors" json="" plot="" work="${PWD}/build/overload" nprobe=4000 seconds=20
cores=shared base="" queries="" shape=() server="" for_server=() for_client=()

usage() {
  sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "$0" >&2
  exit 2
}

cleanup() {
  trap - EXIT
  [[ -z "${server}" ]] || stop_server "${server}" 60
}

inputs() {
  if [[ -r "${data}/sift1m.base.u8bin" && -r "${data}/sift1m.query.u8bin" ]]; then
    base="${data}/sift1m.base.u8bin" queries="${data}/sift1m.query.u8bin"
    shape=(--dimension 128 --dtype u8)
    return
  fi
  base="${work}/made.base.fbin" queries="${work}/made.query.fbin" shape=(--dimension 96 --dtype f32)
  "${BIN}/kith" dataset make "${work}/made" --count 200000 --dimension 96 --queries 2000 --seed 11
}

divide_cores() {
  [[ "${cores}" == apart ]] || return 0
  local all
  all="$(nproc)"
  ((all >= 2)) || usage
  for_server=(taskset -c "0-$((all / 2 - 1))")
  for_client=(taskset -c "$((all / 2))-$((all - 1))")
}

main() {
  while (($#)); do
    case "$1" in
      --json | --plot | --data | --work)
        printf -v "${1#--}" '%s' "$(cd "${invoked_from}" && realpath -m -- "${2:?}")"
        ;;
      --nprobe | --seconds | --cores) printf -v "${1#--}" '%s' "${2:?}" ;;
      *) usage ;;
    esac
    shift 2
  done
  [[ -n "${json}" && ("${cores}" == shared || "${cores}" == apart) ]] || usage
  rm -rf "${work}"
  mkdir -p "${work}"
  trap cleanup EXIT
  trap 'exit 130' INT TERM
  inputs
  divide_cores
  local threads=0
  [[ "${cores}" == shared ]] || threads="$(($(nproc) / 2))"
  start_kithd "${work}/data" "${work}/kithd.log" 60 env KITH__SEARCH__THREADS="${threads}" "${for_server[@]}"
  local at=(--endpoint "${endpoint}")
  "${BIN}/kith" collection create busy --metric l2 "${shape[@]}" "${at[@]}"
  "${BIN}/kith" import busy "${base}" "${at[@]}"
  "${BIN}/kith" collection train busy "${at[@]}"
  PYTHONPATH=bench KITH_BIN="${BIN}/kith" "${for_client[@]}" python3 bench/overload/measure.py --json "${json}" \
    --work "${work}" --endpoint "${endpoint}" --http "${http}" \
    --queries "${queries}" --nprobe "${nprobe}" --seconds "${seconds}" --cores "${cores}" \
    ${plot:+--plot "${plot}"}
}

main "$@"
