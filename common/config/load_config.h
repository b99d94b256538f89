#ifndef KITH_COMMON_CONFIG_LOAD_CONFIG_H_
#define KITH_COMMON_CONFIG_LOAD_CONFIG_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config/server_config.h"

namespace kith::config {

// A value given on the command line; stronger than the environment, which is stronger than the
// file.
struct FlagValue {
  std::string flag;  // "--data"
  std::string path;  // "data.directory"
  std::string text;
};

struct ConfigInputs {
  std::string file;                      // empty: none
  std::vector<std::string> environment;  // "NAME=value"; those named KITH__... are read
  std::vector<FlagValue> flags;
};

struct LoadedConfig {
  ServerConfig config;
  std::map<std::string, std::string> sources;  // by key: "file kithd.yaml:12", ...; else a default
};

// Errors are INVALID_ARGUMENT and name the key, its place (file and line, variable or flag), what
// was expected and, for an unknown key, the nearest known one.
absl::StatusOr<LoadedConfig> LoadConfig(const ConfigInputs& inputs);

// One line a key: "storage.write_buffer_mb=64 source=default". No key holds a secret.
std::vector<std::string> DescribeConfig(const LoadedConfig& loaded);

}  // namespace kith::config

#endif  // KITH_COMMON_CONFIG_LOAD_CONFIG_H_
