#!/usr/bin/env bash
# Makes a virtual environment with the Python client of this clone, built and installed as a user
# would, and with what its tests need (clients/python/requirements-test.txt):
#
#   scripts/python_venv.sh DIR
#
# Ends with 77, after a message, where pip reaches no package index: a test that needs the environment
# is then skipped. With everything in place it does nothing; after a change of the client only the
# client is installed again.
set -euo pipefail

readonly ROOT="$(cd "$(dirname "$0")/.." && pwd)"
readonly CLIENT="${ROOT}/clients/python"
readonly REQUIREMENTS="${CLIENT}/requirements-test.txt"
readonly SKIPPED=77
# Small, and among the requirements: if even this cannot be had, there is no index.
readonly PROBE="packaging==26.4"

hash_of() { cat "$@" | sha256sum | cut -d' ' -f1; }

# Of the client: whatever its wheel is made of.
client_hash() {
  local files
  mapfile -t files < <(find "${CLIENT}/src" "${CLIENT}/pyproject.toml" "${CLIENT}/hatch_build.py" \
    "${CLIENT}/README.md" "${ROOT}/proto/kith" -type f -not -path '*/__pycache__/*' \
    -not -path "${CLIENT}/src/kith/v1/*" | sort)
  hash_of "${files[@]}"
}

is_done() { [[ "$(cat "${VENV}/$1" 2>/dev/null)" == "$2" ]]; }

pip_install() {
  "${VENV}/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check "$@"
}

make_environment() {
  rm -rf "${VENV}"
  python3 -m venv "${VENV}"
  if ! pip_install --requirement "${REQUIREMENTS}"; then
    pip_install "${PROBE}" && return 1
    echo "python_venv: pip reaches no package index; skipping what needs the Python client" >&2
    exit "${SKIPPED}"
  fi
  hash_of "${REQUIREMENTS}" >"${VENV}/requirements.done"
}

install_client() {
  rm -f "${VENV}/client.done"
  # Built in an environment of its own (PEP 517), as `pip install ./clients/python` does.
  pip_install --force-reinstall --no-deps "${CLIENT}"
  "${VENV}/bin/python" -m pip check
  echo "$1" >"${VENV}/client.done"
}

main() {
  if (($# != 1)); then
    echo "usage: scripts/python_venv.sh DIR" >&2
    exit 2
  fi
  readonly VENV="$1"
  mkdir -p "$(dirname "${VENV}")"
  exec 9>"${VENV}.lock"
  flock 9
  is_done requirements.done "$(hash_of "${REQUIREMENTS}")" || make_environment
  local client
  client="$(client_hash)"
  is_done client.done "${client}" || install_client "${client}"
}

main "$@"
