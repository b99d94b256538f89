#ifndef KITH_COMMON_CONFIG_FIELDS_H_
#define KITH_COMMON_CONFIG_FIELDS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/config/server_config.h"

namespace kith::config {

// One key: how its text becomes a member of ServerConfig and back. `set` checks type and range;
// its error is what is wrong, without the key, which the caller knows with its place.
struct Field {
  std::string path;  // "storage.write_buffer_mb"
  std::function<absl::Status(ServerConfig&, const std::string& text)> set;
  std::function<std::string(const ServerConfig&)> show;
  bool takes_list = false;  // a file may write a list
};

// Every key there is, in the order of deploy/kithd.yaml.
std::vector<Field> AllFields();

// "KITH__STORAGE__WRITE_BUFFER_MB".
std::string EnvironmentName(std::string_view path);

// The most similar of `known`, empty where none is similar at all.
std::string Nearest(std::string_view text, const std::vector<std::string>& known);

}  // namespace kith::config

#endif  // KITH_COMMON_CONFIG_FIELDS_H_
