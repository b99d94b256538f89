#!/usr/bin/env bash
# Runs tests of the Python client with pytest:
#
#   tests/python_client/run.sh VENV [PYTEST ARGUMENT]...
#
# VENV is what scripts/python_venv.sh made; without it, or before it is whole, this ends with 77.
set -euo pipefail

readonly HERE="$(cd "$(dirname "$0")" && pwd)"

main() {
  local venv="$1"
  shift
  if [[ ! -e "${venv}/client.done" ]]; then
    echo "python_client: ${venv} is not there (scripts/python_venv.sh makes it); skipped" >&2
    exit 77
  fi
  cd "${HERE}"
  # Nothing is left in the source tree, and nothing is compiled twice.
  export PYTHONPYCACHEPREFIX="${venv}/pycache"
  exec "${venv}/bin/python" -m pytest -p no:cacheprovider --quiet -rs "$@"
}

main "$@"
