#!/usr/bin/env bash
# Installs what a build of kith needs on Debian 12, by name, with apt. Nothing else is fetched.
#
#   scripts/install_dependencies.sh           installs what is missing (root, or sudo)
#   scripts/install_dependencies.sh --check   says what is missing and ends with 1 if anything is
#   scripts/install_dependencies.sh --fuzz    also what the fuzzers are built with (scripts/fuzz.sh)
#
# With everything present it asks dpkg and leaves: no network, no root.
set -euo pipefail

readonly PACKAGES=(
  # The compiler and the build.
  g++ cmake ninja-build ccache mold pkg-config python3
  # Where the Python client's tests install it.
  python3-venv
  # gRPC and Protobuf; what their CMake files look for comes with them.
  libgrpc++-dev libgrpc-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libabsl-dev
  # Keys of clients, certificates, digests of backups; the program makes certificates of a test.
  libssl-dev openssl
  # The truth on disk.
  librocksdb-dev
  # The server's allocator.
  libjemalloc-dev
  # Payloads with indexed fields; the command line's reports.
  nlohmann-json3-dev
  # Operation: metrics, logs, command line, configuration, HTTP, checksums.
  prometheus-cpp-dev libspdlog-dev libfmt-dev libcli11-dev libyaml-cpp-dev libcpp-httplib-dev
  libxxhash-dev
  # Tests and measurements.
  libgtest-dev libgmock-dev libbenchmark-dev
)

# Optional: clang with its run-time libraries, for the preset fuzz; the symbolizer of its reports.
readonly FUZZ_PACKAGES=(clang-16 libclang-rt-16-dev llvm-16)

# What the code was written and tested against: docs/dependencies.md has the whole table. A package
# whose version does not start like this may compile and still behave differently.
readonly PINS=(
  "libgrpc++-dev 1.51."
  "libprotobuf-dev 3.21."
  "librocksdb-dev 7.8."
  "libjemalloc-dev 5.3."
  "libabsl-dev 20220623."
  "libyaml-cpp-dev 0.7."
  "libcpp-httplib-dev 0.11."
)
readonly FUZZ_PINS=("clang-16 16.0.")

installed() {
  # "install ok installed" and nothing less: a half-configured package does not count.
  [[ "$(dpkg-query --show --showformat='${Status}' "$1" 2>/dev/null)" == "install ok installed" ]]
}

list_missing() { # package...
  local package
  for package in "$@"; do
    installed "${package}" || printf '%s\n' "${package}"
  done
}

as_root() {
  if [[ "$(id -u)" -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo --preserve-env=DEBIAN_FRONTEND "$@"
  else
    echo "install_dependencies: needs root to run '$*': run it as root, or install sudo" >&2
    return 1
  fi
}

check_pins() { # pin...
  local pin package prefix version wrong=0
  for pin in "$@"; do
    read -r package prefix <<<"${pin}"
    version="$(dpkg-query --show --showformat='${Version}' "${package}")"
    version="${version#*:}" # without the epoch
    if [[ "${version}" != "${prefix}"* ]]; then
      echo "install_dependencies: ${package} is ${version}, kith is built and tested with" \
        "${prefix}x (Debian 12)" >&2
      wrong=1
    fi
  done
  if ((wrong)); then
    echo "install_dependencies: use Debian 12 (bookworm), in a container for instance; to try" \
      "these versions all the same set KITH_ANY_VERSIONS=1" >&2
    [[ "${KITH_ANY_VERSIONS:-0}" == 1 ]]
  fi
}

main() {
  if ! command -v dpkg-query >/dev/null; then
    echo "install_dependencies: no dpkg here: kith is built on Debian 12 (bookworm);" \
      "docs/dependencies.md names the libraries for other systems" >&2
    return 1
  fi
  local missing packages=("${PACKAGES[@]}") pins=("${PINS[@]}")
  if [[ "${1:-}" == "--fuzz" ]]; then
    packages+=("${FUZZ_PACKAGES[@]}")
    pins+=("${FUZZ_PINS[@]}")
  fi
  mapfile -t missing < <(list_missing "${packages[@]}")
  if [[ "${1:-}" == "--check" ]]; then
    ((${#missing[@]} == 0)) || printf 'missing: %s\n' "${missing[*]}"
    return $((${#missing[@]} > 0))
  fi
  if ((${#missing[@]})); then
    echo "install_dependencies: installing ${#missing[@]} packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get update --quiet
    as_root apt-get install --yes --quiet --no-install-recommends "${missing[@]}"
  else
    echo "install_dependencies: everything is here"
  fi
  check_pins "${pins[@]}"
}

main "$@"
