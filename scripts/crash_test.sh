#!/usr/bin/env bash
# Kills a writing node again and again and looks for what was lost.
#
#   scripts/crash_test.sh --mode kill|powercut|killcut --kills N [--json FILE] [--seed S] [--directory D]
#
# Builds what it needs; run from anywhere, paths are the caller's. Takes about a second a kill, and then
# some for the seeded faults that must be caught. KITH_BUILD_DIR puts the build elsewhere than
# build/release.
set -euo pipefail

usage() {
  sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "$0" >&2
  exit 2
}

invoked_from="${PWD}"
words=()
while (($#)); do
  case "$1" in
    --json | --directory)
      [[ -n "${2:-}" ]] || usage
      words+=("$1" "$(cd "${invoked_from}" && realpath -m -- "$2")")
      # Found out now, and not after the kills.
      if [[ "$1" == --json ]] && ! : >>"${words[-1]}"; then
        echo "crash_test: $2 cannot be written" >&2
        exit 1
      fi
      shift 2
      ;;
    -h | --help) usage ;;
    *)
      words+=("$1")
      shift
      ;;
  esac
done

cd "$(dirname "$0")/.."
readonly BUILD_DIR="${KITH_BUILD_DIR:-build/release}"
KITH_BUILD_DIR="${BUILD_DIR}" bash scripts/build.sh release kith_crash_test >&2
exec "${BUILD_DIR}/tests/kith_crash_test" "${words[@]}"
