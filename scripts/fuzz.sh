#!/usr/bin/env bash
# Fuzzes one of the decoders of bytes from outside with libFuzzer (docs/fuzzing.md).
#
#   scripts/fuzz.sh --list
#   scripts/fuzz.sh --target T --seconds S [--keep BYTES]
#
# Needs clang: scripts/install_dependencies.sh --fuzz. Starts from tests/fuzz/corpus/T and from what
# earlier runs left in build/fuzz/corpus/T, and ends with a line of figures: 0 where nothing broke, 1
# where something did; the input then lies in build/fuzz/findings. --keep puts into
# tests/fuzz/corpus/T what reaches more than is there, smallest first, so many bytes at most.
#
# KITH_BUILD_DIR puts the build elsewhere than build/fuzz; KITH_NICE: how nice the fuzzer is (10).
set -euo pipefail
cd "$(dirname "$0")/.."

readonly BUILD_DIR="${KITH_BUILD_DIR:-build/fuzz}"
# Any single allocation of more is a finding, and so is an input that takes twenty seconds.
readonly LIMITS=(-malloc_limit_mb=256 -rss_limit_mb=2560 -timeout=20)

usage() {
  echo "usage: scripts/fuzz.sh --list | --target T --seconds S [--keep BYTES]" >&2
  exit 2
}

list_targets() {
  sed -n 's/^kith_fuzz(\([a-z_]*\) .*/\1/p' tests/fuzz/CMakeLists.txt
}

# Scratch directories of the targets are made in memory where there is room for that.
scratch() {
  if [[ -d /dev/shm && -w /dev/shm ]]; then echo /dev/shm; else echo "${TMPDIR:-/tmp}"; fi
}

fuzz() { # target seconds
  local target="$1" seconds="$2" leaks=1
  local work="${BUILD_DIR}/corpus/${target}" log="${BUILD_DIR}/${target}.log" ended=0
  mkdir -p "${work}" "${BUILD_DIR}/findings"
  # Where threads of servers hold memory between inputs, every second input would look like a leak.
  case "${target}" in request | node_request | http_bytes) leaks=0 ;; esac
  local before
  before="$(find "${BUILD_DIR}/findings" -name "${target}-*" | wc -l)"
  TMPDIR="$(scratch)" nice -n "${KITH_NICE:-10}" "${BUILD_DIR}/bin/fuzz_${target}" \
    "-max_total_time=${seconds}" "${LIMITS[@]}" -print_final_stats=1 -reload=0 \
    "-detect_leaks=${leaks}" \
    "-artifact_prefix=${BUILD_DIR}/findings/${target}-" "${work}" "tests/fuzz/corpus/${target}" \
    >"${log}" 2>&1 || ended=$?
  local found
  found=$(($(find "${BUILD_DIR}/findings" -name "${target}-*" | wc -l) - before))
  if ((ended != 0)); then grep -m1 -E 'ERROR|runtime error|fuzz: broken' "${log}" || tail -5 "${log}"; fi
  awk -v target="${target}" -v found="${found}" '
    / cov: / { for (i = 1; i < NF; ++i) { if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") ft = $(i + 1) } }
    /^Done [0-9]+ runs in/ { seconds = $5 }
    /^stat::number_of_executed_units/ { runs = $2 }
    END { printf "fuzz: %s: %s s, %s executions, coverage %s edges and %s features, %s findings\n",
          target, seconds == "" ? "ended early" : seconds, runs, cov, ft, found }' "${log}"
  return $((ended != 0))
}

# What of build/fuzz/corpus reaches more than the repository's corpus, smallest first.
keep() { # target bytes
  local target="$1" left="$2" merged file size
  merged="$(mktemp -d)"
  cp "tests/fuzz/corpus/${target}"/* "${merged}/"
  TMPDIR="$(scratch)" "${BUILD_DIR}/bin/fuzz_${target}" -merge=1 "${LIMITS[@]}" "${merged}" \
    "${BUILD_DIR}/corpus/${target}" >/dev/null 2>&1
  while read -r size file; do
    [[ -e "tests/fuzz/corpus/${target}/${file}" ]] && continue
    ((left -= size)) || true
    ((left >= 0)) || break
    cp "${merged}/${file}" "tests/fuzz/corpus/${target}/"
  done < <(find "${merged}" -type f -printf '%s %f\n' | sort -n)
  rm -r "${merged}"
}

main() {
  local target="" seconds="" kept=""
  while (($#)); do
    case "$1" in
      --list) list_targets; return ;;
      --target) target="${2:-}"; shift 2 || usage ;;
      --seconds) seconds="${2:-}"; shift 2 || usage ;;
      --keep) kept="${2:-}"; shift 2 || usage ;;
      *) usage ;;
    esac
  done
  [[ "${seconds}" =~ ^[1-9][0-9]*$ && "${kept:-1}" =~ ^[1-9][0-9]*$ ]] || usage
  local targets
  targets="$(list_targets | paste -sd' ')"
  if [[ " ${targets} " != *" ${target} "* ]]; then
    echo "fuzz: there is no target \"${target}\"; there are: ${targets}" >&2
    exit 2
  fi
  if ! command -v clang++-16 >/dev/null; then
    echo "fuzz: clang++-16 is missing: scripts/install_dependencies.sh --fuzz installs it" >&2
    exit 3
  fi
  KITH_BUILD_DIR="${BUILD_DIR}" bash scripts/build.sh fuzz "fuzz_${target}"
  local ended=0
  fuzz "${target}" "${seconds}" || ended=$?
  if [[ -n "${kept}" ]]; then keep "${target}" "${kept}"; fi
  return "${ended}"
}

main "$@"
