#include "common/config/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/config/listen_address.h"

namespace kith::config {
namespace {

constexpr uint64_t kThreadsMax = 1024;
constexpr uint64_t kMegabytesMax = 1 << 20;  // a terabyte

struct Range {
  uint64_t min = 0;
  uint64_t max = 0;
};

absl::Status Wrong(std::string_view text) { return absl::InvalidArgumentError(ToAbsl(text)); }

// Where a member is: a function, because the members are nested.
template <typename Member>
using Locate = Member& (*)(ServerConfig&);

template <typename Member>
const Member& In(Locate<Member> locate, const ServerConfig& config) {
  return locate(const_cast<ServerConfig&>(config));  // NOLINT: only read here
}

Field Number(std::string path, Locate<uint64_t> locate, Range range) {
  return {
      std::move(path),
      [=](ServerConfig& config, const std::string& text) {
        uint64_t value = 0;
        const bool digits =
            !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
        if (!digits || !absl::SimpleAtoi(text, &value) || value < range.min || value > range.max) {
          return Wrong(fmt::format("is \"{}\"; expected a whole number from {} to {}", text,
                                   range.min, range.max));
        }
        locate(config) = value;
        return absl::OkStatus();
      },
      [=](const ServerConfig& config) { return std::to_string(In(locate, config)); }};
}

Field Switch(std::string path, Locate<bool> locate) {
  return {std::move(path),
          [=](ServerConfig& config, const std::string& text) {
            if (text != "true" && text != "false") {
              return Wrong(fmt::format("is \"{}\"; expected true or false", text));
            }
            locate(config) = text == "true";
            return absl::OkStatus();
          },
          [=](const ServerConfig& config) { return In(locate, config) ? "true" : "false"; }};
}

using Check = absl::Status (*)(const std::string& text);

Field Text(std::string path, Locate<std::string> locate, Check check) {
  return {std::move(path),
          [=](ServerConfig& config, const std::string& text) {
            KITH_RETURN_IF_ERROR(check(text));
            locate(config) = text;
            return absl::OkStatus();
          },
          [=](const ServerConfig& config) { return In(locate, config); }};
}

absl::Status AnyText(const std::string&) { return absl::OkStatus(); }

absl::Status NotEmpty(const std::string& text) {
  return text.empty() ? Wrong("is empty") : absl::OkStatus();
}

absl::Status IsAddress(const std::string& text) {
  const auto address = ListenAddress::Parse("", text);
  if (address.ok()) return absl::OkStatus();
  return Wrong(
      fmt::format("is \"{}\"; expected host:port, such as 127.0.0.1:7430 or [::1]:7430, "
                  "with a port from 0 to 65535",
                  text));
}

// To listen on port 0 means any free one; nobody can be called there.
absl::Status HasAPort(const std::string& text) {
  const auto address = ListenAddress::Parse("", text);
  if (!address.ok() || address->port != 0) return absl::OkStatus();
  return Wrong(fmt::format("is \"{}\"; expected the port on which the node listens", text));
}

absl::Status IsName(const std::string& text) {
  const bool good = !text.empty() && text.size() <= 63 &&
                    std::all_of(text.begin(), text.end(), [](unsigned char c) {
                      return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
                    });
  if (good) return absl::OkStatus();
  return Wrong(fmt::format("is \"{}\"; expected 1 to 63 letters, digits, '-', '_' or '.'", text));
}

absl::Status IsLevel(const std::string& text) {
  for (const char* level : {"trace", "debug", "info", "warning", "error", "off"}) {
    if (text == level) return absl::OkStatus();
  }
  return Wrong(fmt::format("is \"{}\"; expected trace, debug, info, warning, error or off", text));
}

absl::Status IsEngine(const std::string& text) {
  if (text == "cpu" || text == "gpu" || text == "auto") return absl::OkStatus();
  return Wrong(fmt::format("is \"{}\"; expected cpu, gpu or auto", text));
}

absl::Status IsDevice(const std::string& text) {
  uint32_t number = 0;
  if (text == "auto" || text == "all" || absl::SimpleAtoi(text, &number)) return absl::OkStatus();
  return Wrong(fmt::format("is \"{}\"; expected auto, all or the number of a card, from 0", text));
}

Field RoleField() {
  return {"role",
          [](ServerConfig& config, const std::string& text) {
            for (const Role role : {Role::kAll, Role::kCoordinator, Role::kShard}) {
              if (text != RoleName(role)) continue;
              config.role = role;
              return absl::OkStatus();
            }
            return Wrong(fmt::format("is \"{}\"; expected all, coordinator or shard", text));
          },
          [](const ServerConfig& config) { return RoleName(config.role); }};
}

// As text "name=host:port,name=host:port"; a file writes a list, which becomes that text.
absl::Status SetNodes(ServerConfig& config, const std::string& text) {
  std::vector<NodeAddress> nodes;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string entry = text.substr(begin, end - begin);
    begin = end + 1;
    const size_t equals = entry.find('=');
    if (equals == std::string::npos) {
      return Wrong(fmt::format("has the entry \"{}\"; expected name=host:port", entry));
    }
    const NodeAddress node{entry.substr(0, equals), entry.substr(equals + 1)};
    for (const absl::Status& checked :
         {IsName(node.name), IsAddress(node.address), HasAPort(node.address)}) {
      if (!checked.ok())
        return Wrong(fmt::format("has an entry that {}", std::string(checked.message())));
    }
    for (const NodeAddress& other : nodes) {
      if (other.name == node.name || other.address == node.address) {
        return Wrong(fmt::format("has \"{}\" and \"{}={}\"; names and addresses must differ", entry,
                                 other.name, other.address));
      }
    }
    nodes.push_back(node);
  }
  config.cluster.nodes = std::move(nodes);
  return absl::OkStatus();
}

std::string ShowNodes(const ServerConfig& config) {
  std::string text;
  for (const NodeAddress& node : config.cluster.nodes) {
    if (!text.empty()) text += ',';
    text += node.name + '=' + node.address;
  }
  return text;
}

template <auto kSection>
void AddTls(const std::string& section, std::vector<Field>& fields) {
  using C = ServerConfig;
  fields.push_back(Text(
      section + ".tls.certificate_file",
      [](C& c) -> std::string& { return (c.*kSection).tls.certificate_file; }, AnyText));
  fields.push_back(Text(
      section + ".tls.key_file", [](C& c) -> std::string& { return (c.*kSection).tls.key_file; },
      AnyText));
  fields.push_back(Text(
      section + ".tls.client_ca_file",
      [](C& c) -> std::string& { return (c.*kSection).tls.client_ca_file; }, AnyText));
}

// What a process takes of its machine, and what it leaves behind.
void AddUpkeep(std::vector<Field>& fields) {
  using C = ServerConfig;
  const std::vector<Field> upkeep = {
      Number("maintenance.threads", [](C& c) -> uint64_t& { return c.maintenance.threads; },
             {1, kThreadsMax}),
      Number("maintenance.encode_threads",
             [](C& c) -> uint64_t& { return c.maintenance.encode_threads; }, {0, kThreadsMax}),
      Number("maintenance.scrub_mb_per_second",
             [](C& c) -> uint64_t& { return c.maintenance.scrub_mb_per_second; }, {0, 100'000}),
      Number("maintenance.scrub_minutes",
             [](C& c) -> uint64_t& { return c.maintenance.scrub_minutes; }, {0, 1'000'000}),
      Number("storage.write_buffer_mb", [](C& c) -> uint64_t& { return c.storage.write_buffer_mb; },
             {1, kMegabytesMax}),
      Number("storage.block_cache_mb", [](C& c) -> uint64_t& { return c.storage.block_cache_mb; },
             {1, kMegabytesMax}),
      Number("storage.log_buffer_mb", [](C& c) -> uint64_t& { return c.storage.log_buffer_mb; },
             {1, 4096}),
      Number("storage.disk_reserve_mb", [](C& c) -> uint64_t& { return c.storage.disk_reserve_mb; },
             {0, kMegabytesMax}),
      Number("storage.checkpoint_log_mb",
             [](C& c) -> uint64_t& { return c.storage.checkpoint_log_mb; }, {1, kMegabytesMax}),
      Number("storage.checkpoint_seconds",
             [](C& c) -> uint64_t& { return c.storage.checkpoint_seconds; }, {1, 86'400}),
      Number("storage.log_max_mb", [](C& c) -> uint64_t& { return c.storage.log_max_mb; },
             {16, kMegabytesMax}),
      Text(
          "backup.directory", [](C& c) -> std::string& { return c.backup.directory; }, AnyText),
      Number("backup.mb_per_second", [](C& c) -> uint64_t& { return c.backup.mb_per_second; },
             {1, kMegabytesMax}),
      Text(
          "log.level", [](C& c) -> std::string& { return c.log.level; }, IsLevel),
      Text(
          "log.file", [](C& c) -> std::string& { return c.log.file; }, AnyText),
      Number("limits.memory_mb", [](C& c) -> uint64_t& { return c.limits.memory_mb; },
             {0, uint64_t{1} << 30}),
  };
  fields.insert(fields.end(), upkeep.begin(), upkeep.end());
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

}  // namespace

const char* RoleName(Role role) {
  switch (role) {
    case Role::kCoordinator:
      return "coordinator";
    case Role::kShard:
      return "shard";
    case Role::kAll:
      break;
  }
  return "all";
}

std::vector<Field> AllFields() {
  using C = ServerConfig;
  std::vector<Field> fields = {
      RoleField(),
      Switch("insecure_listen", [](C& c) -> bool& { return c.insecure_listen; }),
      Text(
          "data.directory", [](C& c) -> std::string& { return c.data.directory; }, NotEmpty),
      Text(
          "auth.keys_file", [](C& c) -> std::string& { return c.auth.keys_file; }, AnyText),
      Text(
          "auth.audit_file", [](C& c) -> std::string& { return c.auth.audit_file; }, AnyText),
      Text(
          "grpc.listen", [](C& c) -> std::string& { return c.grpc.listen; }, IsAddress),
      Number("grpc.drain_seconds", [](C& c) -> uint64_t& { return c.grpc.drain_seconds; },
             {0, 600}),
      Text(
          "http.listen", [](C& c) -> std::string& { return c.http.listen; }, IsAddress),
      Text(
          "node.listen", [](C& c) -> std::string& { return c.node.listen; }, IsAddress),
      Text(
          "node.name", [](C& c) -> std::string& { return c.node.name; }, IsName),
      {"cluster.nodes", SetNodes, ShowNodes, /*takes_list=*/true},
      Number("collections.default_shards",
             [](C& c) -> uint64_t& { return c.collections.default_shards; },
             {1, limits::kShardsMax}),
      Number("search.threads", [](C& c) -> uint64_t& { return c.search.threads; },
             {0, kThreadsMax}),
      Number("search.wait_target_ms", [](C& c) -> uint64_t& { return c.search.wait_target_ms; },
             {0, 60'000}),
      Text(
          "search.engine", [](C& c) -> std::string& { return c.search.engine; }, IsEngine),
      Switch("search.require_gpu", [](C& c) -> bool& { return c.search.require_gpu; }),
      Text(
          "search.gpu_device", [](C& c) -> std::string& { return c.search.gpu_device; }, IsDevice),
      Number("search.gpu_wait_us", [](C& c) -> uint64_t& { return c.search.gpu_wait_us; },
             {0, 100'000}),
      Number("search.gpu_batch", [](C& c) -> uint64_t& { return c.search.gpu_batch; }, {1, 65'536}),
      Number("recall.one_in", [](C& c) -> uint64_t& { return c.recall.one_in; },
             {0, 1'000'000'000}),
      Number("recall.per_second", [](C& c) -> uint64_t& { return c.recall.per_second; }, {1, 1000}),
      Number("recall.window", [](C& c) -> uint64_t& { return c.recall.window; }, {1, 1'000'000}),
  };
  AddUpkeep(fields);
  AddTls<&C::grpc>("grpc", fields);
  AddTls<&C::http>("http", fields);
  AddTls<&C::node>("node", fields);
  return fields;
}

std::string EnvironmentName(std::string_view path) {
  std::string name = "KITH__";
  for (const char c : path) {
    name += c == '.'
                ? std::string("__")
                : std::string(1, static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  }
  return name;
}

std::string Nearest(std::string_view text, const std::vector<std::string>& known) {
  std::string nearest;
  size_t least = text.size() / 2 + 1;
  for (const std::string& one : known) {
    const size_t distance = EditDistance(text, one);
    if (distance >= least) continue;
    least = distance;
    nearest = one;
  }
  return nearest;
}

}  // namespace kith::config
