#!/usr/bin/env bash
# Builds the tests of whatever has threads with ThreadSanitizer, and passes them: any report fails the
# test that made it (CONTRIBUTING.md, "ThreadSanitizer").
#
#   scripts/tsan.sh [TEST...]      all that are labelled tsan, or those named; not part of CI, for its time
#
# Which tests: cmake/sanitizers.cmake; what counts as a report: tests/tsan/run.py and tests/tsan.supp.
# KITH_BUILD_DIR puts the build elsewhere than build/tsan; KITH_JOBS limits the compilers and the tests
# that run at a time.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly BUILD_DIR="${KITH_BUILD_DIR:-build/tsan}"

# ThreadSanitizer of GCC 12 knows no address space that is shuffled by more than 28 bits.
without_much_shuffling() {
  local bits
  bits="$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)"
  if ((bits > 28)); then setarch "$(uname -m)" --addr-no-randomize "$@"; else "$@"; fi
}

main() {
  local started=${SECONDS} failed=0 names
  local which=(--label-regex '^tsan$' --label-exclude '^(bench|long)$')
  if (($# > 0)); then
    names="$(IFS='|' && echo "$*")"
    which+=(--tests-regex "^(${names})\$")
  fi
  KITH_BUILD_DIR="${BUILD_DIR}" bash scripts/build.sh tsan "${@:-kith_tsan_tests}"
  without_much_shuffling ctest --test-dir "${BUILD_DIR}" --output-on-failure --no-tests=error \
    --parallel "${KITH_JOBS:-$(nproc)}" "${which[@]}" || failed=$?
  awk -v seconds=$((SECONDS - started)) '
    /^tsan: .* reports, and / { ++tests; ours += $3; theirs += $6 }
    END { printf "tsan: %d binaries, %d reports, %d of libraries left out; %d s\n",
          tests, ours, theirs, seconds }' "${BUILD_DIR}/Testing/Temporary/LastTest.log"
  return "${failed}"
}

main "$@"
