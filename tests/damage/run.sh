#!/usr/bin/env bash
# Damages copies of a data directory, file by file, and compares a thousand answers of each with those
# of the whole one:
#
#   tests/damage/run.sh --cases N [--json FILE] [--seed S] [--size POINTS] [--only CASE]
#
# Builds what it needs; run from anywhere, paths are the caller's. About three seconds a case. Ends with
# 1 where an answer was wrong, or damage was not told with its remedy. KITH_BUILD_DIR puts the build
# elsewhere than build/release.
set -euo pipefail

usage() {
  sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "$0" >&2
  exit 2
}

words=()
while (($#)); do
  case "$1" in
    --json)
      [[ -n "${2:-}" ]] || usage
      words+=("$1" "$(realpath -m -- "$2")")
      # Found out now, and not after the cases.
      if ! : >>"${words[-1]}"; then
        echo "damage: $2 cannot be written" >&2
        exit 1
      fi
      shift 2
      ;;
    --cases | --seed | --size | --only)
      [[ "${2:-}" =~ ^[0-9]+$ ]] || usage
      words+=("$1" "$2")
      shift 2
      ;;
    *) usage ;;
  esac
done

cd "$(dirname "$0")/../.."
# shellcheck source=tests/damage/prepare.sh
source tests/damage/prepare.sh
exec python3 -B tests/damage/damage_run.py "${words[@]}"
