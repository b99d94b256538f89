#!/usr/bin/env bash
# The restore drill: a server with points, an index and a writer; two backups; the data directory lost;
# restored into an empty one, with equal digests. Prints what it does and what the commands say.
#
#   scripts/backup_drill.sh [POINTS [FOLDER]]     POINTS: 20000; FOLDER for everything: a new one
#
# KITH_BUILD_DIR says where the programs are (build/release).
set -euo pipefail
cd "$(dirname "$0")/.."

readonly BIN="${KITH_BUILD_DIR:-build/release}/bin"
readonly POINTS="${1:-20000}"
FOLDER="${2:-$(mktemp -d -t kith-drill-XXXXXX)}"
SERVER=""

stop_server() {
  [[ -z "${SERVER}" ]] && return
  kill "$1" "${SERVER}" 2>/dev/null || true
  wait "${SERVER}" 2>/dev/null || true
  SERVER=""
}

finish() {
  stop_server -TERM
  [[ -n "${KEEP:-}" ]] || rm -rf "${FOLDER}"
}

say() { printf '\n# %s\n' "$1"; }

# A command as a user types it, and what it says.
run() {
  printf '$ %s\n' "$*"
  "$@" --endpoint "${ENDPOINT}"
}

kith() { "${BIN}/kith" "$@"; }

start_server() {
  local log="${FOLDER}/kithd-$1.log"
  KITH__BACKUP__DIRECTORY="${FOLDER}/store" KITH__STORAGE__DISK_RESERVE_MB=64 "${BIN}/kithd" \
    --data "${FOLDER}/$1" --listen 127.0.0.1:0 --http 127.0.0.1:0 >"${log}" 2>&1 &
  SERVER=$!
  for _ in $(seq 600); do
    grep -q 'event=ready' "${log}" && break
    kill -0 "${SERVER}" 2>/dev/null || { cat "${log}" >&2; exit 1; }
    sleep 0.1
  done
  ENDPOINT="127.0.0.1:$(sed -n 's/.*event=listening what=clients .*port=\([0-9]*\).*/\1/p' "${log}")"
}

digest_of() {
  kith collection verify "$1" --json - --endpoint "${ENDPOINT}" |
    python3 -c 'import json, sys; print(",".join(s["digest"] for s in json.load(sys.stdin)["shards"]))'
}

fill() {
  kith dataset make "${FOLDER}/made" --count "${POINTS}" --dimension 32 --queries 10 --threads 1 \
    >/dev/null 2>&1
  kith collection create photos --dimension 32 --metric l2 --dtype f32 --shards 2 \
    --endpoint "${ENDPOINT}" >/dev/null
  kith import photos "${FOLDER}/made.base.fbin" --endpoint "${ENDPOINT}" >/dev/null 2>&1
  kith collection train photos --endpoint "${ENDPOINT}" >/dev/null 2>&1
}

main() {
  mkdir -p "${FOLDER}/store"
  trap finish EXIT
  say "A server with ${POINTS} points in two shards, and a trained index ($(uname -sm), $(nproc) cores)"
  start_server data
  fill
  run kith collection verify photos
  local before
  before="$(digest_of photos)"
  say "A backup; then some points go, and another backup, of which only what is new is stored"
  run kith backup create first
  run kith delete photos 1 2 3
  run kith backup create second
  run kith backup list
  run kith backup verify first
  say "The machine is lost: the server is killed, its data directory is gone"
  stop_server -KILL
  rm -rf "${FOLDER:?}/data"
  say "An empty server, and what the operator types"
  start_server new
  run kith backup list
  run kith backup restore first
  run kith collection verify photos
  local after
  after="$(digest_of photos)"
  say "Digests before: ${before}"
  say "Digests after:  ${after}"
  [[ "${before}" == "${after}" ]] || { say "THEY DIFFER"; exit 1; }
  say "They are equal"
}

main
