#!/usr/bin/env bash
# A server under an hour of everything at once, and whether its memory stays as it is:
#
#   bench/soak/run.sh --json FILE [--plot FILE.svg] [--minutes M] [--points N] [--pace P] [--work DIR]
#
# N clustered vectors of 96 dimensions with payloads (default 200,000) are imported and trained. Then for M
# minutes (default 60) clients search (alone, in batches, filtered, by ranges, in groups, by examples, exactly,
# over REST), read, count, facet and scroll, and write: points in place of others, new ones that are deleted a
# moment later, changes of payloads by id and by filter, a collection that is made, filled, trained, searched,
# searched for duplicates and deleted, connections opened and closed, malformed calls. How many points there are stays the
# same, so what the server's memory does is its own doing. P (default 1) times as many calls as bench/soak/mixture.py says.
#
# FILE gets
#   resident_growth       of what is resident from the first sixth of the time (ten minutes of an hour) to its end, by
#                         the line through it, as a share of its mean; resident_swing is its standard deviation
#   resident_growth_beside_swings
#                         the same with what the server says of its buffers and dead rows taken out; wanted: at most 0.01
#   anonymous_...         these three without mapped files, which the kernel may drop
#   allocated_...         these three of what the allocator has given out, without what it keeps for later
#   kinds                 calls, errors by name, p50 and p99 in ms of each kind of call
#   lost                  points that are not as the last acknowledged write left them, of all; none may be
#   samples               over time: resident and anonymous bytes, threads, open files, points, bytes on disk
# Ends with 1 where that is above 0.01, anything is lost, or a call failed with other than OVERLOADED or a
# deadline. Needs a release build (scripts/build.sh) and pip for the client's requirements.
set -euo pipefail

invoked_from="${PWD}"
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/servers.sh
source scripts/servers.sh

readonly BIN="${KITH_BUILD_DIR:-build/release}/bin"
json="" plot="" work="${PWD}/build/soak" minutes=60 points=200000 pace=1 server=""

usage() {
  sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "$0" >&2
  exit 2
}

cleanup() {
  trap - EXIT
  [[ -z "${server}" ]] || stop_server "${server}" 60
}

main() {
  while (($#)); do
    case "$1" in
      --json | --plot | --work)
        printf -v "${1#--}" '%s' "$(cd "${invoked_from}" && realpath -m -- "${2:?}")"
        ;;
      --minutes | --points | --pace) printf -v "${1#--}" '%s' "${2:?}" ;;
      *) usage ;;
    esac
    shift 2
  done
  [[ -n "${json}" ]] || usage
  rm -rf "${work}"
  mkdir -p "${work}"
  trap cleanup EXIT
  trap 'exit 130' INT TERM
  bash scripts/python_venv.sh "${PWD}/build/python/venv"
  "${BIN}/kith" dataset make "${work}/soak" --count "${points}" --dimension 96 --queries 2000 --seed 5
  start_kithd "${work}/data" "${work}/kithd.log" 60
  PYTHONPATH=bench build/python/venv/bin/python -B bench/soak/soak.py --json "${json}" --pid "${server}" \
    --endpoint "${endpoint}" --http "${http}" --made "${work}/soak" \
    --data "${work}/data" --minutes "${minutes}" --pace "${pace}" ${plot:+--plot "${plot}"}
}

main "$@"
