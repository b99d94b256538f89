#!/usr/bin/env bash
# Ranges to their end, and deep answers, on SIFT's million:
#
#   bench/ranges/run.sh --json FILE [--data DIR] [--work DIR] [--queries N]
#
# --data has sift1m.base.u8bin and sift1m.query.u8bin (default: the shared data beside this clone); where they are
# absent this says so and ends with 77. The true neighbours are computed by `exact`. For 10, 100, 1,000 and 10,000
# of them FILE gets a row: of the range that the last of them borders, the share that is found, rounds and lists of
# the last one, and milliseconds a query; of one answer of so many, recall under the lists of ten neighbours and under
# 2, 4, 8 and 16 times as many, and where page_depth names so many.
#
# Needs a release build (scripts/build.sh) and pip's index for the Python client.
set -euo pipefail

invoked_from="${PWD}"
cd "$(dirname "$0")/../.."
# shellcheck source=bench/sift_bench.sh
source bench/sift_bench.sh

data="../shared/data/vectors" json="" work="${PWD}/build/ranges" queries=200

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
      --queries) printf -v "${1#--}" '%s' "${2:?}" ;;
      *) usage ;;
    esac
    shift 2
  done
  measure_sift ranges --queries "${queries}"
}

main "$@"
