// The server's configuration: a YAML file and, behind a zero byte, environment variables, one a
// line.
#include <set>

#include "common/config/load_config.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/scratch_file.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {

std::vector<std::string> Seeds() {
  const std::string full =
      "role: coordinator\ninsecure_listen: false\ndata:\n  directory: kith-data\n"
      "grpc:\n  listen: 127.0.0.1:7430\n  drain_seconds: 20\nhttp: {listen: \"[::1]:7431\"}\n"
      "cluster:\n  nodes:\n    - {name: shard-1, address: 127.0.0.1:7432}\n"
      "    - {name: shard-2, address: 127.0.0.1:7442}\nsearch:\n  engine: auto\n";
  return {full,
          "role: all\n" + std::string(1, '\0') + "KITH__ROLE=shard\nKITH__HTTP__LISTEN=::1:0\n",
          "a: &a [1, *a]\nsearch: {<<: *a, threads: 4}\n", "---\nrole: shard\n---\nrole: all\n",
          "storage: {write_buffer_mb: 64, block_cache_mb: 0x10}\nlog: {level: debug}\n"};
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith;
  static const fuzz::ScratchFile file("kithd.yaml");
  fuzz::FuzzInput input(data, size);
  file.Write(input.Until('\0'));
  config::ConfigInputs inputs;
  inputs.file = file.path();
  while (input.left() != 0) inputs.environment.emplace_back(input.Until('\n'));
  const auto loaded = config::LoadConfig(inputs);
  if (!loaded.ok()) {
    fuzz::Require(loaded.status().code() == absl::StatusCode::kInvalidArgument,
                  "a bad configuration is the caller's fault");
    return 0;
  }
  for (const std::string& line : config::DescribeConfig(*loaded)) {
    fuzz::Require(line.find('\n') == std::string::npos, "a value stays on its line");
  }
  return 0;
}
