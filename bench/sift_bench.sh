# shellcheck shell=bash
# For sourcing from the root of the repository: what the benches have in common that put SIFT's million into a kithd
# of their own and measure it with their measure.py. The caller sets data, json and work, and has a `usage`.

# shellcheck source=scripts/servers.sh
source scripts/servers.sh

readonly BIN="${KITH_BUILD_DIR:-build/release}/bin"
readonly SKIPPED=77
server=""

cleanup() {
  trap - EXIT
  [[ -z "${server}" ]] || stop_server "${server}" 60
}

# measure_sift NAME OPTION...: runs bench/NAME/measure.py with the options; ends with 77 where there is no SIFT.
measure_sift() {
  local name="$1"
  shift
  [[ -n "${json}" ]] || usage
  if [[ ! -r "${data}/sift1m.base.u8bin" || ! -r "${data}/sift1m.query.u8bin" ]]; then
    echo "${name}: ${data} has no sift1m.base.u8bin and sift1m.query.u8bin; skipping" >&2
    exit "${SKIPPED}"
  fi
  rm -rf "${work}"
  mkdir -p "${work}"
  bash scripts/python_venv.sh build/python/venv
  trap cleanup EXIT
  trap 'exit 130' INT TERM
  start_kithd "${work}/data" "${work}/kithd.log" 60
  build/python/venv/bin/python "bench/${name}/measure.py" --endpoint "${endpoint}" \
    --data "${data}" --json "${json}" "$@"
}
