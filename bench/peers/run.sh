#!/usr/bin/env bash
# Kith and its peers on the same data, the same truth and the same number of threads, in one command:
#
#   bench/peers/run.sh --base F --queries F --truth F --threads T --batch B --json FILE
#       [--systems kith,kith-grpc,faiss,hnswlib,usearch] [--index TEXT]...
#       [--lists N] [--subspaces M]... [--measured N] [--rounds N] [--build-threads N] [--lock FILE]
#
# --base, --queries   .u8bin or .fbin of the same dimension; --truth: .ibin, 10 neighbours or more
# --threads --batch   threads that search, and queries a call: 1 and 1 is the main case
# --json FILE         the report; FILE with .md: its tables; with .svg: recall against rate
# --index TEXT        of the peers' indexes, only those with this in their name (again: or that): graphs
#                     of many millions take hours to build
# --lists             of every inverted file (default: about 4 * sqrt(rows), as the engine chooses)
# --subspaces         bytes of plane A of another index of Kith's, beside the default one (again: one more)
# --measured          queries that measure (default 4000, or as many as there are beside the tuning ones)
# --rounds            of measuring, the systems by turns (default 3)
# --lock FILE         held while indexes are built or measured, let go every few minutes: for a machine
#                     that is shared with others who hold the same file
#
# Peers come from their Python packages, pinned in requirements.txt, into build/peers/venv; one that
# cannot be had is named in the report as not run. Indexes are built once and kept in
# build/peers/indexes (KITH_PEERS_WORK puts them elsewhere). Kith's own programs are built first
# (KITH_BUILD_DIR as for scripts/build.sh). README.md says how it is measured.
set -euo pipefail

readonly HERE="$(cd "$(dirname "$0")" && pwd)"
readonly ROOT="$(cd "${HERE}/../.." && pwd)"
readonly BUILD_DIR="${KITH_BUILD_DIR:-${ROOT}/build/release}"
readonly WORK="${KITH_PEERS_WORK:-${ROOT}/build/peers}"
readonly VENV="${WORK}/venv"

# One by one: a package that cannot be had must not keep the others away.
install_peers() {
  [[ -x "${VENV}/bin/python" ]] || python3 -m venv "${VENV}"
  local line
  while read -r line; do
    if ! grep -qxF "${line}" "${VENV}/installed" 2>/dev/null; then
      echo "peers: installing ${line}" >&2
      if "${VENV}/bin/pip" install --quiet --disable-pip-version-check "${line}" \
        >>"${WORK}/pip.log" 2>&1; then
        echo "${line}" >>"${VENV}/installed"
      else
        echo "peers: ${line} cannot be installed; ${WORK}/pip.log says why" >&2
      fi
    fi
  done < <(grep -v '^#' "${HERE}/requirements.txt")
}

# Also where they are there: they may be of another day's source.
build_kith() {
  "${ROOT}/scripts/build.sh" release kith kithd kith_library_bench >&2
}

main() {
  if (($# == 0)) || [[ "$1" == "--help" || "$1" == "-h" ]]; then
    sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "$0" >&2
    exit 2
  fi
  python3 -B "${HERE}/harness.py" --check "$@" || exit $?
  mkdir -p "${WORK}"
  install_peers
  build_kith
  exec "${VENV}/bin/python" -B "${HERE}/harness.py" "$@"
}

main "$@"
