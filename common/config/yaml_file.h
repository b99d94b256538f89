#ifndef KITH_COMMON_CONFIG_YAML_FILE_H_
#define KITH_COMMON_CONFIG_YAML_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace kith::config {

// One value of a YAML file: its dotted key and its text. A list of {name, address} maps becomes
// "name=address,name=address".
struct YamlValue {
  std::string path;
  std::string text;
  int line = 0;
  bool is_section = false;  // a key without a value: fine where it names a section
  bool is_list = false;
};

// The only user of the YAML library, which throws. INVALID_ARGUMENT with file and line.
absl::StatusOr<std::vector<YamlValue>> ReadYaml(const std::string& file);

}  // namespace kith::config

#endif  // KITH_COMMON_CONFIG_YAML_FILE_H_
