#!/usr/bin/env bash
# Builds the engine on a machine with nvcc, cmake and a C++ compiler, proves it against the processor and
# measures it on the card, from nothing but this repository:
#
#   bench/gpu/run.sh [--parts lookup,scan,contract,recall,search,peers] [--points N] [--wheels DIR] --json FILE
#
# contract: the card's answers against the processor's, to the bit, and once more under compute-sanitizer
# where that is installed. lookup, scan: what the hardware gives. recall: points made and indexed by the
# engine. search: 96 dimensions, as many as memory holds up to a billion, made on the card. peers: FAISS
# and cuVS from a folder of wheels, with all that they need, over the points of recall, which it brings with it
# (bench/gpu/peers.py). --points: of recall (1,000,000) and of search (as many as fit).
# Any part is left out by naming the others; each ends within minutes. What could not be run is named so.
#
# KITH_GPU_REHEARSE=1 builds everything even where there is no driver.
#
# Ends with 0, 1 where a part failed, 2 for wrong arguments, 3 where there is no card.
set -euo pipefail
cd "$(dirname "$0")/../.."

parts=lookup,scan,contract,recall,search,peers
points=0
wheels=""
json=""
readonly BUILD="${KITH_BUILD_DIR:-build/engine}"

usage() {
  echo "bench/gpu/run.sh: $1" >&2
  sed -n '5s/^# *//p' bench/gpu/run.sh >&2
  exit 2
}

parse() {
  while (($# > 0)); do
    [[ $# -ge 2 ]] || usage "$1 needs a value"
    case "$1" in
      --parts) parts="$2" ;;
      --points) points="$2" ;;
      --wheels) wheels="$2" ;;
      --json) json="$2" ;;
      *) usage "there is no option $1" ;;
    esac
    shift 2
  done
  [[ -n "${json}" ]] || usage "--json FILE is missing"
  [[ "${points}" =~ ^[0-9]+$ ]] || usage "--points takes a number"
  local part
  for part in ${parts//,/ }; do
    [[ " lookup scan contract recall search peers " == *" ${part} "* ]] || usage "no part ${part}"
  done
}

has() { [[ ",${parts}," == *",$1,"* ]]; }

no_card() {
  echo "bench/gpu/run.sh: there is no card: $1" >&2
  exit 3
}

# The architecture of the card alone: the others would only take time.
architecture() {
  local capability
  capability="$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -1)"
  case "${capability}" in
    9.0) echo 90a-real ;;
    8.*) echo 80-real ;;
    10.*) echo 100-real ;;
    *) echo "80-real;90a-real;100-real" ;;
  esac
}

build() {
  local generator=()
  if command -v ninja >/dev/null; then generator=(-G Ninja); fi
  cmake -S . -B "${BUILD}" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DKITH_ENGINE_ONLY=ON \
    -DKITH_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES="$(architecture)" >"${BUILD}.log" 2>&1 ||
    { cat "${BUILD}.log" >&2; exit 1; }
  cmake --build "${BUILD}" --parallel "${KITH_JOBS:-$(nproc)}" >>"${BUILD}.log" 2>&1 ||
    { tail -40 "${BUILD}.log" >&2; exit 1; }
}

# A line of the results: part, whether it passed, in words.
note() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"${work}/checks"; }

contract() {
  if "${BUILD}/tests/kith_card_contract" --card 0 --seeds 3 | tee "${work}/contract"; then
    note contract passed "$(tail -1 "${work}/contract")"
  else
    note contract failed "$(tail -1 "${work}/contract")"
    failed=1
  fi
  if ! command -v compute-sanitizer >/dev/null; then
    note compute-sanitizer "not run" "it is not installed"
  elif compute-sanitizer --error-exitcode 9 --log-file "${work}/sanitizer" \
    "${BUILD}/tests/kith_card_contract" --card 0 --seeds 1 >/dev/null; then
    note compute-sanitizer passed "memcheck, the contract once"
  elif grep -q "not supported" "${work}/sanitizer"; then
    note compute-sanitizer "not run" "$(grep -m1 'not supported' "${work}/sanitizer")"
  else
    note compute-sanitizer failed "$(grep -m1 '=========' "${work}/sanitizer")"
    failed=1
  fi
}

measure() {
  local measured="" part
  for part in lookup scan recall search; do
    if has "${part}" || [[ "${part}" == recall && -n "${data}" ]]; then
      measured+="${measured:+,}${part}"
    fi
  done
  [[ -n "${measured}" ]] || return 0
  local folder=()
  if [[ -n "${data}" ]]; then folder=(--peers-folder "${data}"); fi
  "${BUILD}/bin/kith_gpu_bench" --parts "${measured}" --points "${points}" "${folder[@]}" \
    --json "${work}/figures.json" || failed=1
}

# A folder for the points where peers can be measured over them; else says why they cannot.
prepare_peers() {
  if [[ -z "${wheels}" ]]; then
    note peers "not run" "no --wheels DIR with FAISS and cuVS"
  elif ! compgen -G "${wheels}/*.whl" >/dev/null; then
    note peers "not run" "there is no wheel in ${wheels}"
  elif ! python3 -m pip install --quiet --no-index --no-deps --no-compile --target "${work}/site" \
    "${wheels}"/*.whl >"${work}/pip" 2>&1; then
    note peers "not run" "pip: $(tail -1 "${work}/pip")"
  else
    data="${work}/data"
    mkdir "${data}"
  fi
}

# Beside the packages that the machine's python3 has.
peers() {
  if [[ ! -s "${data}/kith.tsv" ]]; then
    note peers "not run" "the engine's own rates are missing"
  elif PYTHONPATH="${work}/site" python3 bench/gpu/peers.py --data "${data}" \
    --json "${work}/peers.json" | tee "${work}/peers"; then
    note peers passed "$(paste -sd';' "${work}/peers")"
  else
    note peers "not run" "$(paste -sd';' "${work}/peers")"
  fi
}

# One JSON of the figures and the checks, without anything but awk.
merge() {
  {
    echo '{'
    echo '  "checks": ['
    awk -F'\t' '{ gsub(/["\\]/, ""); printf "%s    {\"part\": \"%s\", \"result\": \"%s\", \"what\": \"%s\"}", comma, $1, $2, $3; comma = ",\n" } END { print "" }' \
      "${work}/checks"
    echo '  ],'
    echo '  "measured":'
    if [[ -s "${work}/figures.json" ]]; then cat "${work}/figures.json"; else echo null; fi
    echo '  ,'
    echo '  "peers":'
    if [[ -s "${work}/peers.json" ]]; then cat "${work}/peers.json"; else echo null; fi
    echo '}'
  } >"${json}"
  awk -F'\t' '{ printf "%-18s %-8s %s\n", $1, $2, $3 }' "${work}/checks"
}

main() {
  parse "$@"
  command -v nvcc >/dev/null || no_card "there is not even nvcc to build for one"
  if [[ ! -e /dev/nvidiactl && ! -e /proc/driver/nvidia && "${KITH_GPU_REHEARSE:-0}" != 1 ]] &&
    ! command -v nvidia-smi >/dev/null; then
    no_card "there is no NVIDIA driver on this machine"
  fi
  mkdir -p "${BUILD}"
  build
  # The program itself says best why there is none.
  local why
  if ! why="$("${BUILD}/bin/kith_gpu_bench" --parts none --json /dev/null 2>&1)"; then
    no_card "${why#kith_gpu_bench: }"
  fi
  work="$(mktemp -d)"
  trap 'rm -rf "${work}"' EXIT
  failed=0
  : >"${work}/checks"
  data=""
  if has contract; then contract; fi
  if has peers; then prepare_peers; fi
  measure
  if [[ -n "${data}" ]]; then peers; fi
  merge
  exit "${failed}"
}

main "$@"
