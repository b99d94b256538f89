#!/usr/bin/env bash
# Searches under filters of 50 %, 5 %, 0.5 % and 0.05 %, on SIFT's million:
#
#   bench/filters/run.sh --json FILE [--data DIR] [--work DIR] [--queries N] [--rounds R]
#
# --data has sift1m.base.u8bin, sift1m.query.u8bin and sift1m.gt.ibin (default: the shared data beside this
# clone); where they are absent this says so and ends with 77. Points get fields that have nothing to do with their
# vectors, and fields that have everything to do with them: bands of their distance to one corner. Each filter is
# asked for by a match and, uncorrelated, by a range over a million distinct values. The true neighbours under a
# filter are computed by `exact`. Filtered and unfiltered runs of the same queries take turns, one batch each, so
# that the engine is what is measured and not the way to it; qps are the best of R rounds.
#
# FILE gets a row for each: selectivity, correlated, condition, recall_at_10, qps, unfiltered_qps, ratio,
# strategy, lists_probed, first_filter_us (finding what passes, the first time). Needs a release build
# (scripts/build.sh) and pip's index for the Python client.
set -euo pipefail

invoked_from="${PWD}"
cd "$(dirname "$0")/../.."
# shellcheck source=bench/sift_bench.sh
source bench/sift_bench.sh

data="../shared/data/vectors" json="" work="${PWD}/build/filters" queries=1000 rounds=5

usage() {
  sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "$0" >&2
  exit 2
}

main() {
  while (($#)); do
    case "$1" in
      --json | --data | --work)
        printf -v "${1#--}" '%s' "$(cd "${invoked_from}" && realpath -m -- "${2:?}")"
        ;;
      --queries | --rounds) printf -v "${1#--}" '%s' "${2:?}" ;;
      *) usage ;;
    esac
    shift 2
  done
  measure_sift filters --queries "${queries}" --rounds "${rounds}"
}

main "$@"
