#!/usr/bin/env bash
# The restore drill: a server with points and an index; two backups; the data directory lost;
# restored into an empty one, with equal digests. Prints what it does and what the commands say.
#
#   scripts/backup_drill.sh [POINTS [FOLDER]]     POINTS: 20000; FOLDER for everything: a new one
#
# KITH_BUILD_DIR says where the programs are (build/release).
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/servers.sh
source scripts/servers.sh

readonly BIN="${KITH_BUILD_DIR:-build/release}/bin"
readonly POINTS="${1:-20000}"
readonly FOLDER="${2:-$(mktemp -d -t kith-drill-XXXXXX)}"
server="" endpoint=""

finish() {
  [[ -z "${server}" ]] || stop_server "${server}" 60
  [[ -n "${KEEP:-}" ]] || rm -rf "${FOLDER}"
}

remark() { printf '\n# %s\n' "$1"; }

# A command as a user types it, and what it says.
run() {
  printf '$ %s\n' "$*"
  "$@" --endpoint "${endpoint}"
}

kith() { "${BIN}/kith" "$@"; }

start() {
  start_kithd "${FOLDER}/$1" "${FOLDER}/kithd-$1.log" 60 env \
    KITH__BACKUP__DIRECTORY="${FOLDER}/store" KITH__STORAGE__DISK_RESERVE_MB=64
}

digest_of() {
  kith collection verify "$1" --json - --endpoint "${endpoint}" |
    python3 -c 'import json, sys; print(",".join(s["digest"] for s in json.load(sys.stdin)["shards"]))'
}

fill() {
  kith dataset make "${FOLDER}/made" --count "${POINTS}" --dimension 32 --queries 10 --threads 1 \
    >/dev/null 2>&1
  kith collection create photos --dimension 32 --metric l2 --dtype f32 --shards 2 \
    --endpoint "${endpoint}" >/dev/null
  kith import photos "${FOLDER}/made.base.fbin" --endpoint "${endpoint}" >/dev/null 2>&1
  kith collection train photos --endpoint "${endpoint}" >/dev/null 2>&1
}

main() {
  mkdir -p "${FOLDER}/store"
  trap finish EXIT
  remark "A server with ${POINTS} points in two shards, and a trained index ($(uname -sm), $(nproc) cores)"
  start data
  fill
  run kith collection verify photos
  local before
  before="$(digest_of photos)"
  remark "A backup; then some points go, and another backup, of which only what is new is stored"
  run kith backup create first
  run kith delete photos 1 2 3
  run kith backup create second
  run kith backup list
  run kith backup verify first
  remark "The machine is lost: the server is killed, its data directory is gone"
  kill -KILL "${server}"
  wait "${server}" 2>/dev/null || true
  rm -rf "${FOLDER:?}/data"
  remark "An empty server, and what the operator types"
  start new
  run kith backup list
  run kith backup restore first
  run kith collection verify photos
  local after
  after="$(digest_of photos)"
  remark "Digests before: ${before}"
  remark "Digests after:  ${after}"
  [[ "${before}" == "${after}" ]] || { remark "THEY DIFFER"; exit 1; }
  remark "They are equal"
}

main
