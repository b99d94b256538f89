#include "cli/commands/key_commands.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "cli/console/json_output.h"
#include "cli/console/table.h"
#include "common/auth/key_file.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

using auth::AccessKey;

constexpr uint64_t kDayMs = 24ull * 3600 * 1000;
constexpr uint64_t kDaysMax = 36'500;

struct KeyOptions {
  std::string file;
  std::string id;
  std::string expires;
  std::string json;
  auth::Scopes scopes;
  auth::Quota quota;
};

uint64_t NowMs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

// "90d", or a time. Nothing where it is neither.
std::optional<uint64_t> ExpiryOf(const std::string& text) {
  uint64_t days = 0;
  const bool is_days = text.size() > 1 && text.back() == 'd' &&
                       absl::SimpleAtoi(text.substr(0, text.size() - 1), &days) && days > 0 &&
                       days <= kDaysMax;
  if (is_days) return NowMs() / 1000 * 1000 + days * kDayMs;
  return auth::ParseUnixMs(text);
}

absl::Status CheckPatterns(const char* option, const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    if (auth::IsPattern(pattern)) continue;
    return UsageError(option, fmt::format("\"{}\" is no name of a collection; '*' stands for any "
                                          "text in it",
                                          pattern));
  }
  return absl::OkStatus();
}

absl::StatusOr<AccessKey> KeyFrom(const KeyOptions& options) {
  AccessKey key;
  if (!auth::IsKeyId(options.id)) {
    return UsageError("ID",
                      fmt::format("\"{}\" is not 1 to 63 of a-z, 0-9, '.' and '-'", options.id));
  }
  key.id = options.id;
  KITH_RETURN_IF_ERROR(CheckPatterns("--read", options.scopes.read));
  KITH_RETURN_IF_ERROR(CheckPatterns("--write", options.scopes.write));
  KITH_RETURN_IF_ERROR(CheckPatterns("--admin", options.scopes.admin));
  if (auth::HighestRole(options.scopes) == auth::Role::kAnyone) {
    return UsageError("--read",
                      "say what the key may do: --read, --write or --admin, each with a "
                      "collection or '*'");
  }
  key.scopes = options.scopes;
  key.quota = options.quota;
  if (options.expires.empty()) return key;
  key.expires_unix_ms = ExpiryOf(options.expires);
  if (!key.expires_unix_ms.has_value() || *key.expires_unix_ms <= NowMs()) {
    return UsageError("--expires", fmt::format("\"{}\" is neither days such as 90d nor a time to "
                                               "come such as 2027-01-31T00:00:00Z",
                                               options.expires));
  }
  return key;
}

absl::Status Create(const KeyOptions& options, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(AccessKey key, KeyFrom(options));
  const std::string text = auth::NewSecret(key);
  if (text.empty()) return absl::InternalError("the system has no randomness");
  KITH_RETURN_IF_ERROR(auth::AddToKeyFile(options.file, key));
  terminal.out << text << "\n";
  terminal.err << fmt::format(
      "kith: added \"{}\" to {}. This is its key; nothing can show it again.\n", key.id,
      options.file);
  return absl::OkStatus();
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text.empty() ? "-" : text;
}

std::string ExpiryText(const AccessKey& key) {
  if (!key.expires_unix_ms.has_value()) return "never";
  const char* const said = *key.expires_unix_ms <= NowMs() ? " (over)" : "";
  return auth::FormatUnixMs(*key.expires_unix_ms) + said;
}

std::string RateText(uint64_t rate) { return rate == 0 ? "-" : std::to_string(rate); }

Json ToJson(const AccessKey& key) {
  Json json = {{"id", key.id},
               {"read", key.scopes.read},
               {"write", key.scopes.write},
               {"admin", key.scopes.admin},
               {"requests_per_second", key.quota.requests_per_second},
               {"vectors_per_second", key.quota.vectors_per_second}};
  if (key.expires_unix_ms.has_value()) json["expires"] = auth::FormatUnixMs(*key.expires_unix_ms);
  return json;
}

absl::Status List(const KeyOptions& options, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const std::vector<AccessKey> keys, auth::ReadKeyFile(options.file));
  Table table({"ID", "READ", "WRITE", "ADMIN", "REQUESTS/S", "VECTORS/S", "EXPIRES"});
  Json json = Json::array();
  for (const AccessKey& key : keys) {
    table.Add({key.id, Joined(key.scopes.read), Joined(key.scopes.write), Joined(key.scopes.admin),
               RateText(key.quota.requests_per_second), RateText(key.quota.vectors_per_second),
               ExpiryText(key)});
    json.push_back(ToJson(key));
  }
  if (options.json != "-") table.Print(terminal.out);
  return WriteJson(json, options.json, terminal);
}

absl::Status Revoke(const KeyOptions& options, Terminal& terminal) {
  KITH_RETURN_IF_ERROR(auth::RemoveFromKeyFile(options.file, options.id));
  terminal.out << fmt::format("removed \"{}\": servers refuse it within seconds\n", options.id);
  return absl::OkStatus();
}

CLI::App* AddOne(CLI::App& keys, const char* name, const char* help, KeyOptions& options) {
  CLI::App* const command = keys.add_subcommand(name, help);
  command->add_option("--file", options.file, "The server's auth.keys_file")->required();
  return command;
}

void AddCreate(CLI::App& keys, Action& action) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* const create = AddOne(keys, "create", "Make a key and print it, once", *options);
  create->add_option("ID", options->id, "Its name, in audit lines and metrics")->required();
  create->add_option("--read", options->scopes.read, "Collections it may read; '*' is any text");
  create->add_option("--write", options->scopes.write, "Collections it may write and read");
  create->add_option("--admin", options->scopes.admin, "Collections it may do everything with");
  create->add_option("--expires", options->expires, "Days such as 90d, or 2027-01-31T00:00:00Z");
  create->add_option("--requests-per-second", options->quota.requests_per_second,
                     "Calls that it may make; 0: no limit");
  create->add_option("--vectors-per-second", options->quota.vectors_per_second,
                     "Vectors and points that its calls may be about; 0: no limit");
  create->footer(
      "Example:\n  kith key create app --file /etc/kith/keys --read 'photos-*' --expires 90d "
      "> app.key");
  OnParsed(*create, action, options, Create);
}

}  // namespace

void AddKeyCommands(CLI::App& app, Action& action) {
  CLI::App* const keys = app.add_subcommand("key", "Keys of a server, in its file of keys");
  keys->require_subcommand(1);
  AddCreate(*keys, action);

  auto list_options = std::make_shared<KeyOptions>();
  CLI::App* const list = AddOne(*keys, "list", "What each key may do", *list_options);
  AddJson(*list, list_options->json);
  OnParsed(*list, action, list_options, List);

  auto revoke_options = std::make_shared<KeyOptions>();
  CLI::App* const revoke = AddOne(*keys, "revoke", "Take a key out of the file", *revoke_options);
  revoke->add_option("ID", revoke_options->id, "The key's name")->required();
  OnParsed(*revoke, action, revoke_options, Revoke);
}

}  // namespace kith::cli
