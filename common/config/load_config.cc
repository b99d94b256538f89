#include "common/config/load_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/config/fields.h"
#include "common/config/listen_address.h"
#include "common/config/yaml_file.h"
#include "common/telemetry/log.h"

namespace kith::config {
namespace {

constexpr std::string_view kPrefix = "KITH__";

absl::Status Wrong(std::string_view place, std::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("{}: {}", place, message));
}

std::string DidYouMean(const std::string& nearest) {
  return nearest.empty() ? std::string("; deploy/kithd.yaml lists all of them")
                         : fmt::format("; did you mean \"{}\"?", nearest);
}

// Whether a directory is the other one, or below it; symbolic links are followed where they exist.
bool LiesIn(const std::string& inner, const std::string& outer) {
  std::error_code error;
  const auto absolute = [&error](const std::string& path) {
    const auto found = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
    return (error ? std::filesystem::path(path).lexically_normal() : found) / "";
  };
  const std::filesystem::path in = absolute(inner);
  const std::filesystem::path out = absolute(outer);
  return in.native().starts_with(out.native());
}

// Takes values from the weakest source to the strongest.
class Loader {
 public:
  absl::Status ReadFile(const std::string& file) {
    KITH_ASSIGN_OR_RETURN(const std::vector<YamlValue> values, ReadYaml(file));
    for (const YamlValue& value : values) {
      const std::string place = fmt::format("{}:{}", file, value.line);
      const Field* field = Find(value.path);
      if (value.is_section && IsSection(value.path)) continue;
      if (field == nullptr) return Unknown(place, value.path);
      if (value.is_section) return Wrong(place, value.path + " has no value");
      if (value.is_list && !field->takes_list) {
        return Wrong(place, value.path + " is a list; expected one value");
      }
      KITH_RETURN_IF_ERROR(Set(*field, value.text, place, "file " + place));
    }
    return absl::OkStatus();
  }

  absl::Status ReadVariable(const std::string& variable) {
    const size_t equals = variable.find('=');
    if (variable.compare(0, kPrefix.size(), kPrefix) != 0 || equals == std::string::npos) {
      return absl::OkStatus();
    }
    const std::string name = variable.substr(0, equals);
    std::vector<std::string> names;
    for (const Field& field : fields_) {
      names.push_back(EnvironmentName(field.path));
      if (names.back() == name) {
        return Set(field, variable.substr(equals + 1), name, "env " + name);
      }
    }
    return Wrong(name, "unknown variable" + DidYouMean(Nearest(name, names)));
  }

  absl::Status ReadFlag(const FlagValue& value) {
    const Field* field = Find(value.path);
    if (field == nullptr) return Unknown(value.flag, value.path);
    return Set(*field, value.text, value.flag, "flag " + value.flag);
  }

  absl::StatusOr<LoadedConfig> Finish() {
    const ServerConfig& c = loaded_.config;
    KITH_RETURN_IF_ERROR(CheckTls("grpc", c.grpc.tls));
    KITH_RETURN_IF_ERROR(CheckTls("http", c.http.tls));
    KITH_RETURN_IF_ERROR(CheckTls("node", c.node.tls));
    if (c.node.tls.is_on() && !c.node.tls.is_mutual()) {
      return Wrong(PlaceOf("node.tls.certificate_file"),
                   "node.tls needs client_ca_file too: there are no keys between nodes, so a "
                   "certificate of that authority is what lets a node in");
    }
    KITH_RETURN_IF_ERROR(CheckListen());
    KITH_RETURN_IF_ERROR(CheckPorts());
    KITH_RETURN_IF_ERROR(CheckCluster());
    KITH_RETURN_IF_ERROR(CheckBackup());
    return std::move(loaded_);
  }

 private:
  const Field* Find(const std::string& path) const {
    const auto found = std::find_if(fields_.begin(), fields_.end(),
                                    [&](const Field& field) { return field.path == path; });
    return found == fields_.end() ? nullptr : &*found;
  }

  bool IsSection(const std::string& path) const {
    return std::any_of(fields_.begin(), fields_.end(), [&](const Field& field) {
      return field.path.compare(0, path.size() + 1, path + ".") == 0;
    });
  }

  absl::Status Unknown(std::string_view place, const std::string& path) const {
    std::vector<std::string> known;
    for (const Field& field : fields_) known.push_back(field.path);
    return Wrong(place,
                 fmt::format("unknown key \"{}\"{}", path, DidYouMean(Nearest(path, known))));
  }

  absl::Status Set(const Field& field, const std::string& text, std::string_view place,
                   std::string source) {
    const absl::Status set = field.set(loaded_.config, text);
    if (!set.ok()) {
      return Wrong(place, fmt::format("{} {}", field.path, std::string(set.message())));
    }
    loaded_.sources[field.path] = std::move(source);
    return absl::OkStatus();
  }

  // Where a value came from, for errors that only show when all are known.
  std::string PlaceOf(const std::string& path) const {
    const auto found = loaded_.sources.find(path);
    return found == loaded_.sources.end() ? "default" : found->second;
  }

  absl::Status CheckTls(const std::string& section, const auth::TlsFiles& tls) const {
    const std::string path = section + ".tls.certificate_file";
    if (tls.is_on() == !tls.key_file.empty() && (tls.is_on() || tls.client_ca_file.empty())) {
      return absl::OkStatus();
    }
    return Wrong(PlaceOf(tls.is_on() ? path : section + ".tls.key_file"),
                 fmt::format("{0}.tls needs both certificate_file and key_file, or neither; "
                             "client_ca_file needs them too",
                             section));
  }

  absl::Status CheckListen() const {
    if (loaded_.config.insecure_listen) return absl::OkStatus();
    for (const OpenPort& port : OpenPorts(loaded_.config)) {
      return Wrong(PlaceOf(port.field),
                   fmt::format("{} is {}, which other machines can reach, and {}. "
                               "docs/security.md says how to guard it. Or use 127.0.0.1, or write "
                               "\"insecure_listen: true\" where the network itself is trusted",
                               port.field, port.address, port.why));
    }
    return absl::OkStatus();
  }

  absl::Status CheckPorts() const {
    const ServerConfig& c = loaded_.config;
    std::vector<std::pair<std::string, std::string>> used = {{"http.listen", c.http.listen}};
    if (c.role != Role::kShard) used.emplace_back("grpc.listen", c.grpc.listen);
    if (c.role == Role::kShard) used.emplace_back("node.listen", c.node.listen);
    const bool same = used[0].second == used[1].second && !used[0].second.ends_with(":0");
    if (!same) return absl::OkStatus();
    return Wrong(PlaceOf(used[1].first), fmt::format("{} and {} are both {}; they need a port each",
                                                     used[0].first, used[1].first, used[0].second));
  }

  absl::Status CheckCluster() const {
    const ServerConfig& c = loaded_.config;
    if (c.role == Role::kCoordinator && c.cluster.nodes.empty()) {
      return Wrong(PlaceOf("role"),
                   "role coordinator needs cluster.nodes, a list of {name: ..., address: "
                   "host:port} of its shard nodes; for everything in one process use role all");
    }
    if (c.role == Role::kAll && !c.cluster.nodes.empty()) {
      return Wrong(PlaceOf("cluster.nodes"),
                   "cluster.nodes has no meaning under role all, which is its own only node; use "
                   "role coordinator");
    }
    return absl::OkStatus();
  }

  // A backup below the data goes with the data; data below the store would be taken for a part of
  // it.
  absl::Status CheckBackup() const {
    const ServerConfig& c = loaded_.config;
    if (c.backup.directory.empty()) return absl::OkStatus();
    if (c.role != Role::kAll) {
      return Wrong(PlaceOf("backup.directory"),
                   fmt::format("backup.directory has no meaning under role {}: backups are made "
                               "under role all alone",
                               RoleName(c.role)));
    }
    if (!LiesIn(c.backup.directory, c.data.directory) &&
        !LiesIn(c.data.directory, c.backup.directory)) {
      return absl::OkStatus();
    }
    return Wrong(PlaceOf("backup.directory"),
                 fmt::format("backup.directory {} and data.directory {} lie in one another; keep "
                             "backups elsewhere, best on another disk",
                             c.backup.directory, c.data.directory));
  }

  const std::vector<Field> fields_ = AllFields();
  LoadedConfig loaded_;
};

}  // namespace

absl::StatusOr<LoadedConfig> LoadConfig(const ConfigInputs& inputs) {
  Loader loader;
  if (!inputs.file.empty()) KITH_RETURN_IF_ERROR(loader.ReadFile(inputs.file));
  for (const std::string& variable : inputs.environment) {
    KITH_RETURN_IF_ERROR(loader.ReadVariable(variable));
  }
  for (const FlagValue& flag : inputs.flags) KITH_RETURN_IF_ERROR(loader.ReadFlag(flag));
  return loader.Finish();
}

std::vector<std::string> DescribeConfig(const LoadedConfig& loaded) {
  std::vector<std::string> lines;
  for (const Field& field : AllFields()) {
    const auto source = loaded.sources.find(field.path);
    lines.push_back(fmt::format(
        "{}={} source={}", field.path, telemetry::LogValue(field.show(loaded.config)),
        source == loaded.sources.end() ? "default" : telemetry::LogValue(source->second)));
  }
  return lines;
}

}  // namespace kith::config
