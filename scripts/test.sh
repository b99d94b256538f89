#!/usr/bin/env bash
# Builds everything and passes every test, from a fresh clone on a fresh Debian 12, with nothing from
# outside the repository but apt packages, and pip packages for the tests of the Python client and of
# the HDF5 converter (which are skipped where pip reaches no index):
#
#   scripts/test.sh
#
# 1. the release build and all its tests except those labelled bench or long;
# 2. the unit tests of index, shard and common once more under AddressSanitizer and
#    UndefinedBehaviorSanitizer (the label `asan`, the target kith_asan_tests);
# 3. the GPU kernels for every architecture, where there is nvcc 12.8 or newer (scripts/check_cuda.sh).
#
# KITH_TEST_SKIP_ASAN=1 leaves the second out. KITH_BUILD_DIR and KITH_ASAN_BUILD_DIR put the builds
# elsewhere than build/release and build/asan.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly RELEASE_DIR="${KITH_BUILD_DIR:-build/release}"
readonly ASAN_DIR="${KITH_ASAN_BUILD_DIR:-build/asan}"
# Tests start their own threads, so no more of them at a time than cores.
jobs="$(nproc)"
readonly jobs

run_tests() {
  ctest --test-dir "$1" --output-on-failure --no-tests=error --parallel "${jobs}" "${@:2}"
}

test_release() {
  KITH_BUILD_DIR="${RELEASE_DIR}" bash scripts/build.sh release
  run_tests "${RELEASE_DIR}" --label-exclude '^(bench|long)$'
}

test_asan() {
  KITH_BUILD_DIR="${ASAN_DIR}" bash scripts/build.sh asan kith_asan_tests
  # A leak, an overflow or an undefined shift ends the test that did it.
  ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1" \
    UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1" \
    run_tests "${ASAN_DIR}" --label-regex '^asan$' --label-exclude '^(bench|long)$'
}

# All of its output only where something is wrong: a line a kernel and architecture is much.
check_cuda() {
  local output
  if ! output="$(bash scripts/check_cuda.sh 2>&1)"; then
    echo "${output}"
    return 1
  fi
  tail -1 <<<"${output}"
}

main() {
  local started=${SECONDS}
  bash scripts/install_dependencies.sh
  test_release
  local release_s=$((SECONDS - started)) asan_s="skipped"
  if [[ "${KITH_TEST_SKIP_ASAN:-0}" != 1 ]]; then
    local asan_started=${SECONDS}
    test_asan
    asan_s="$((SECONDS - asan_started)) s"
  fi
  check_cuda
  echo "test: all passed; release ${release_s} s, asan and ubsan ${asan_s}, in all" \
    "$((SECONDS - started)) s"
}

main "$@"
