#ifndef KITH_COMMON_AUTH_KEY_FILE_H_
#define KITH_COMMON_AUTH_KEY_FILE_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/auth/access_key.h"

// A key file has one JSON object a line, a key each; lines that are empty or begin with '#' are
// skipped. docs/security.md has its members. `kith key` writes it.
namespace kith::auth {

// INVALID_ARGUMENT BAD_REQUEST naming the line: no object, an unknown or missing member, a value of
// another form, an id that is there twice.
absl::StatusOr<std::vector<AccessKey>> ParseKeys(std::string_view text);
std::string KeyLine(const AccessKey& key);  // with its newline

// "2026-11-26T03:45:08Z", in UTC.
std::string FormatUnixMs(uint64_t unix_ms);
std::optional<uint64_t> ParseUnixMs(std::string_view text);

// Of a file: as ReadPrivateFile and ParseKeys, with the path in the message.
absl::StatusOr<std::vector<AccessKey>> ReadKeyFile(const std::string& path);
// Adds the key, and makes the file where there is none. ALREADY_EXISTS where the id is taken.
absl::Status AddToKeyFile(const std::string& path, const AccessKey& key);
// NOT_FOUND where there is no such key. Comments and the other keys stay.
absl::Status RemoveFromKeyFile(const std::string& path, std::string_view id);

// What a server believes at one moment. Never changed once made.
class KeySet {
 public:
  explicit KeySet(std::vector<AccessKey> keys);

  // The key that the text is of. UNAUTHENTICATED BAD_KEY, or KEY_EXPIRED where it was once good.
  absl::StatusOr<const AccessKey*> Authenticate(std::string_view text, uint64_t now_unix_ms) const;
  size_t size() const { return keys_.size(); }

 private:
  std::map<std::string, AccessKey, std::less<>> keys_;
};

}  // namespace kith::auth

#endif  // KITH_COMMON_AUTH_KEY_FILE_H_
