#!/usr/bin/env bash
# Makes the fixture of a release, once, before it goes out:
#
#   tests/damage/make_fixture.sh RELEASE      tests/damage/fixture/RELEASE.tar.xz and RELEASE.answers.xz
#
# Both are checked in; fixture_test.py opens them from then on. While a release is not out its formats
# may change: remove its two files and make them again. Builds what it needs.
set -euo pipefail

[[ "${1:-}" =~ ^[0-9]+\.[0-9]+(\.[0-9]+)?$ ]] || {
  sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "$0" >&2
  exit 2
}
cd "$(dirname "$0")/../.."
# shellcheck source=tests/damage/prepare.sh
source tests/damage/prepare.sh
exec python3 -B tests/damage/make_fixture.py "$1"
