#!/usr/bin/env bash
# Configures and builds one preset of CMakePresets.json, everything in it, or the targets named.
#
#   scripts/build.sh [preset [target...]]     preset: release (default), dev, asan, tsan, fuzz, cuda
#
# KITH_BUILD_DIR puts the build elsewhere than build/PRESET; KITH_JOBS limits the compilers that run
# at a time (default: one a core, fewer where memory is short).
set -euo pipefail
cd "$(dirname "$0")/.."

default_jobs() {
  # The generated protobuf code takes about 1 GB a compiler.
  local cores memory_gb
  cores="$(nproc)"
  memory_gb="$(awk '/MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)"
  ((memory_gb >= 1)) || memory_gb=1
  echo $((cores < memory_gb ? cores : memory_gb))
}

main() {
  local preset="${1:-release}"
  shift || true
  local build_dir="${KITH_BUILD_DIR:-build/${preset}}"
  local started=${SECONDS}
  cmake --preset "${preset}" -B "${build_dir}" >"/dev/null"
  cmake --build "${build_dir}" --parallel "${KITH_JOBS:-$(default_jobs)}" ${1:+--target "$@"}
  echo "build: ${preset} in ${build_dir} ready after $((SECONDS - started)) s"
}

main "$@"
