# shellcheck shell=bash
# For sourcing from the root of the repository: builds what the cases of damage need, and tells their programs where it is.

readonly BUILD_DIR="${KITH_BUILD_DIR:-build/release}"
KITH_BUILD_DIR="${BUILD_DIR}" bash scripts/build.sh release kithd kith damage_probe >&2
KITHD="$(realpath "${BUILD_DIR}/bin/kithd")"
KITH="$(realpath "${BUILD_DIR}/bin/kith")"
DAMAGE_PROBE="$(realpath "${BUILD_DIR}/tests/damage_probe")"
export KITHD KITH DAMAGE_PROBE
