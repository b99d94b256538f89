#!/usr/bin/env bash
# Kills a writing node again and again: scripts/crash_test.sh --mode kill|powercut|killcut --kills N --json FILE
# Builds what it needs. Run from anywhere; takes about a second a kill.
set -euo pipefail
cd "$(dirname "$0")/.."
build="${KITH_BUILD_DIR:-build/release}"
[ -f "$build/build.ninja" ] || cmake --preset release >/dev/null
ninja -C "$build" kith_crash_test >/dev/null
exec "$build/tests/kith_crash_test" "$@"
