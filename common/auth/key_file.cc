#include "common/auth/key_file.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "common/auth/private_file.h"
#include "common/auth/reasons.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::auth {
namespace {

using Json = nlohmann::json;

constexpr size_t kPatternsMax = 256;
constexpr uint64_t kRateMax = 1'000'000'000;

absl::Status BadEntry(std::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest, message);
}

absl::Status SetBytes(const Json& value, size_t size, std::string& bytes) {
  const auto read = value.is_string() ? FromHex(value.get_ref<const std::string&>()) : std::nullopt;
  if (!read.has_value() || read->size() != size) {
    return BadEntry(fmt::format("is not {} bytes in hex", size));
  }
  bytes = *read;
  return absl::OkStatus();
}

absl::Status SetPatterns(const Json& value, std::vector<std::string>& patterns) {
  if (!value.is_array() || value.size() > kPatternsMax) {
    return BadEntry(fmt::format("is no list of at most {} names of collections", kPatternsMax));
  }
  for (const Json& one : value) {
    if (!one.is_string() || !IsPattern(one.get_ref<const std::string&>())) {
      return BadEntry("has an entry that is not 1 to 63 of a-z, 0-9, '_', '-' and '*'");
    }
    patterns.push_back(one.get<std::string>());
  }
  return absl::OkStatus();
}

absl::Status SetRate(const Json& value, uint64_t& rate) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > kRateMax) {
    return BadEntry(fmt::format("is no whole number from 0 to {}", kRateMax));
  }
  rate = value.get<uint64_t>();
  return absl::OkStatus();
}

absl::Status SetExpiry(const Json& value, std::optional<uint64_t>& expires) {
  if (value.is_string()) expires = ParseUnixMs(value.get_ref<const std::string&>());
  return expires.has_value() ? absl::OkStatus()
                             : BadEntry("is no time such as 2027-01-31T00:00:00Z, in UTC");
}

absl::Status SetId(const Json& value, std::string& id) {
  if (!value.is_string() || !IsKeyId(value.get_ref<const std::string&>())) {
    return BadEntry("is not 1 to 63 of a-z, 0-9, '.' and '-'");
  }
  id = value.get<std::string>();
  return absl::OkStatus();
}

absl::Status SetMember(const std::string& name, const Json& value, AccessKey& key) {
  if (name == "id") return SetId(value, key.id);
  if (name == "salt") return SetBytes(value, kSaltBytes, key.salt);
  if (name == "hash") return SetBytes(value, kHashBytes, key.hash);
  if (name == "read") return SetPatterns(value, key.scopes.read);
  if (name == "write") return SetPatterns(value, key.scopes.write);
  if (name == "admin") return SetPatterns(value, key.scopes.admin);
  if (name == "expires") return SetExpiry(value, key.expires_unix_ms);
  if (name == "requests_per_second") return SetRate(value, key.quota.requests_per_second);
  if (name == "vectors_per_second") return SetRate(value, key.quota.vectors_per_second);
  return BadEntry("is unknown");
}

absl::StatusOr<AccessKey> ParseLine(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return BadEntry("is no JSON object");
  AccessKey key;
  for (const auto& [name, value] : json.items()) {
    const absl::Status set = SetMember(name, value, key);
    if (!set.ok()) return BadEntry(fmt::format("\"{}\" {}", name, std::string(set.message())));
  }
  if (key.id.empty() || key.salt.empty() || key.hash.empty()) {
    return BadEntry("has no \"id\", no \"salt\" or no \"hash\"");
  }
  if (HighestRole(key.scopes) == Role::kAnyone) {
    return BadEntry("names no collection in \"read\", \"write\" or \"admin\": use [\"*\"] for all");
  }
  return key;
}

bool IsSkipped(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t\r");
  return first == std::string_view::npos || line[first] == '#';
}

// Calls visit(line, its number) until that fails.
template <typename Visit>
absl::Status ForEachLine(std::string_view text, Visit visit) {
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    KITH_RETURN_IF_ERROR(visit(text.substr(0, end), number));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return absl::OkStatus();
}

absl::Status InFile(const std::string& path, const absl::Status& status) {
  absl::Status named(status.code(), fmt::format("{}: {}", path, std::string(status.message())));
  named.SetPayload(ToAbsl(kReasonUrl), absl::Cord(ReasonOf(status)));
  return named;
}

}  // namespace

absl::StatusOr<std::vector<AccessKey>> ParseKeys(std::string_view text) {
  std::vector<AccessKey> keys;
  KITH_RETURN_IF_ERROR(ForEachLine(text, [&](std::string_view line, size_t number) {
    if (IsSkipped(line)) return absl::OkStatus();
    absl::StatusOr<AccessKey> key = ParseLine(line);
    if (!key.ok()) {
      return BadEntry(fmt::format("line {}: {}", number, std::string(key.status().message())));
    }
    for (const AccessKey& other : keys) {
      if (other.id == key->id) {
        return BadEntry(fmt::format("line {}: the id \"{}\" is there twice", number, key->id));
      }
    }
    keys.push_back(*std::move(key));
    return absl::OkStatus();
  }));
  return keys;
}

std::string KeyLine(const AccessKey& key) {
  nlohmann::ordered_json json = {{"id", key.id},
                                 {"salt", absl::BytesToHexString(key.salt)},
                                 {"hash", absl::BytesToHexString(key.hash)}};
  if (!key.scopes.read.empty()) json["read"] = key.scopes.read;
  if (!key.scopes.write.empty()) json["write"] = key.scopes.write;
  if (!key.scopes.admin.empty()) json["admin"] = key.scopes.admin;
  if (key.expires_unix_ms.has_value()) json["expires"] = FormatUnixMs(*key.expires_unix_ms);
  const Quota& quota = key.quota;
  if (quota.requests_per_second != 0) json["requests_per_second"] = quota.requests_per_second;
  if (quota.vectors_per_second != 0) json["vectors_per_second"] = quota.vectors_per_second;
  return json.dump() + "\n";
}

std::string FormatUnixMs(uint64_t unix_ms) {
  const auto seconds = static_cast<time_t>(unix_ms / 1000);
  struct tm utc {};
  gmtime_r(&seconds, &utc);
  char text[32];
  return std::string(text, strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc));
}

std::optional<uint64_t> ParseUnixMs(std::string_view text) {
  struct tm utc {};
  const std::string owned(text);
  const char* const end = strptime(owned.c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const time_t seconds = timegm(&utc);
  const auto unix_ms = static_cast<uint64_t>(seconds) * 1000;
  // What is no day of the calendar, such as February 30, would come back as another one.
  if (seconds < 0 || FormatUnixMs(unix_ms) != text) return std::nullopt;
  return unix_ms;
}

absl::StatusOr<std::vector<AccessKey>> ReadKeyFile(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const std::string text, ReadPrivateFile(path));
  absl::StatusOr<std::vector<AccessKey>> keys = ParseKeys(text);
  if (!keys.ok()) return InFile(path, keys.status());
  return keys;
}

absl::Status AddToKeyFile(const std::string& path, const AccessKey& key) {
  return ChangePrivateFile(path, [&](const std::string& text) -> absl::StatusOr<std::string> {
    const absl::StatusOr<std::vector<AccessKey>> keys = ParseKeys(text);
    if (!keys.ok()) return InFile(path, keys.status());
    for (const AccessKey& other : *keys) {
      if (other.id != key.id) continue;
      return absl::AlreadyExistsError(
          fmt::format("{} has a key \"{}\" already: choose another id, or revoke that one first",
                      path, key.id));
    }
    const char* const gap = text.empty() || text.back() == '\n' ? "" : "\n";
    return text + gap + KeyLine(key);
  });
}

absl::Status RemoveFromKeyFile(const std::string& path, std::string_view id) {
  return ChangePrivateFile(path, [&](const std::string& text) -> absl::StatusOr<std::string> {
    const absl::StatusOr<std::vector<AccessKey>> keys = ParseKeys(text);
    if (!keys.ok()) return InFile(path, keys.status());
    std::string kept;
    bool is_found = false;
    KITH_RETURN_IF_ERROR(ForEachLine(text, [&](std::string_view line, size_t) {
      const auto key = IsSkipped(line) ? absl::StatusOr<AccessKey>(BadEntry("")) : ParseLine(line);
      const bool is_it = key.ok() && key->id == id;
      is_found |= is_it;
      if (!is_it) kept += std::string(line) + "\n";
      return absl::OkStatus();
    }));
    if (is_found) return kept;
    return absl::NotFoundError(fmt::format("{} has no key \"{}\"", path, id));
  });
}

KeySet::KeySet(std::vector<AccessKey> keys) {
  for (AccessKey& key : keys) {
    std::string id = key.id;
    keys_.emplace(std::move(id), std::move(key));
  }
}

absl::StatusOr<const AccessKey*> KeySet::Authenticate(std::string_view text,
                                                      uint64_t now_unix_ms) const {
  // One answer for whatever is wrong: which ids there are is nobody's business.
  const auto bad = [] {
    return Error(absl::StatusCode::kUnauthenticated, reason::kBadKey,
                 "the key is none that this server knows: it was mistyped, revoked or made for "
                 "another server");
  };
  const std::optional<PresentedKey> presented = ParsePresentedKey(text);
  if (!presented.has_value()) return bad();
  const auto found = keys_.find(presented->id);
  if (found == keys_.end() || !HasSecret(found->second, presented->secret)) return bad();
  const AccessKey& key = found->second;
  if (key.expires_unix_ms.has_value() && now_unix_ms >= *key.expires_unix_ms) {
    return Error(absl::StatusCode::kUnauthenticated, reason::kKeyExpired,
                 fmt::format("the key \"{}\" was good until {}: ask for a new one", key.id,
                             FormatUnixMs(*key.expires_unix_ms)));
  }
  return &key;
}

}  // namespace kith::auth
