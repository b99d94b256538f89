#!/usr/bin/env bash
# Compiles the GPU kernels for every architecture that kith supports and prints, for each kernel, its
# registers, shared memory and spills. It needs no card.
#
#   scripts/check_cuda.sh
#
# Ends with 1 where something does not compile, warns, or spills registers; with 0, and one line that
# says so, where there is no nvcc or one older than 12.8 (the first that knows sm_100).
# KITH_NVCC names another nvcc.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly NVCC="${KITH_NVCC:-nvcc}"
readonly ARCHITECTURES=(80 90a 100)
readonly OLDEST=12.8

version_of() { "${NVCC}" --version | sed -n 's/.*release \([0-9.]*\),.*/\1/p'; }

# "index/gpu/scan_kernels.cu sm_90a QueryKernel<1, 6>: 80 registers, 0 bytes of spills"
report() {
  local source="$1" architecture="$2"
  c++filt | awk -v source="${source}" -v architecture="sm_${architecture}" '
    /Compiling entry function/ {
      name = $0
      sub(/^[^\047]*\047/, "", name); sub(/\047 for \047.*$/, "", name)
      sub(/\(kith::.*$/, "", name); gsub(/kith::index::gpu::|\(anonymous namespace\)::|_INTERNAL[^:]*::/, "", name)
      sub(/^void /, "", name); gsub(/\(unsigned int\)/, "", name)
    }
    /bytes spill stores/ { spills = $5 + $9; if ($5 + $9 + 0 > 0) bad = 1 }
    /Used [0-9]+ registers/ {
      for (i = 1; i <= NF; ++i) if ($i == "Used") registers = $(i + 1)
      printf "%s %s %s: %s registers, %d bytes of spills\n", source, architecture, name, registers, spills
    }
    /warning|error/ { print; bad = 1 }
    END { exit bad }'
}

compile() {
  local source="$1" architecture="$2" output
  if ! output="$("${NVCC}" -std=c++20 -O3 --fmad=false -I. -Xptxas -v -Xcompiler -Wall,-Wextra --diag-suppress=2810 \
    -gencode="arch=compute_${architecture},code=sm_${architecture}" \
    -c "${source}" -o "${work}/kernel.o" 2>&1)"; then
    echo "${output}"
    return 1
  fi
  report "${source}" "${architecture}" <<<"${output}"
}

main() {
  if ! command -v "${NVCC}" >/dev/null 2>&1; then
    echo "check_cuda: no ${NVCC} on this machine: the GPU kernels were not compiled"
    exit 0
  fi
  local version failed=0 kernels=0 line
  version="$(version_of)"
  if [[ "$(printf '%s\n' "${OLDEST}" "${version}" | sort -V | head -1)" != "${OLDEST}" ]]; then
    echo "check_cuda: ${NVCC} is ${version}, older than ${OLDEST}: the GPU kernels were not compiled"
    exit 0
  fi
  work="$(mktemp -d)"
  trap 'rm -rf "${work}"' EXIT
  for source in index/gpu/*.cu bench/gpu/*.cu; do
    for architecture in "${ARCHITECTURES[@]}"; do
      if ! compile "${source}" "${architecture}" >"${work}/out"; then
        failed=1
        echo "check_cuda: ${source} for sm_${architecture}: it does not compile, warns, or spills"
      fi
      cat "${work}/out"
      line="$(grep -c ' registers, ' "${work}/out" || true)"
      kernels=$((kernels + line))
    done
  done
  ((failed == 0)) || exit 1
  echo "check_cuda: nvcc ${version}, ${ARCHITECTURES[*]/#/sm_}: ${kernels} kernels, none spills"
}

main "$@"
