#ifndef KITH_COMMON_AUTH_ACCESS_KEY_H_
#define KITH_COMMON_AUTH_ACCESS_KEY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/auth/scopes.h"

namespace kith::auth {

// What a key may use; 0: no limit.
struct Quota {
  uint64_t requests_per_second = 0;
  uint64_t vectors_per_second = 0;

  bool operator==(const Quota&) const = default;
};

inline constexpr size_t kSaltBytes = 16;
inline constexpr size_t kHashBytes = 32;

// A key as the server keeps it. The text that a client presents is "kith_ID_SECRET": the id finds
// the entry, the secret is 32 random bytes in hex. Of it only SHA-256(salt + secret) is kept: with
// 256 bits of randomness there is nothing to guess, so a slow hash would only make every call slow.
struct AccessKey {
  std::string id;    // 1 to 63 of a-z, 0-9, '.' and '-': audit lines and metrics name it
  std::string salt;  // kSaltBytes
  std::string hash;  // kHashBytes
  std::optional<uint64_t> expires_unix_ms;
  Scopes scopes;
  Quota quota;

  bool operator==(const AccessKey&) const = default;
};

bool IsKeyId(std::string_view text);

// Sets salt and hash from the system's randomness and gives the text of the key, which nothing can
// give again. Empty where the system has no randomness.
std::string NewSecret(AccessKey& key);

struct PresentedKey {
  std::string_view id;
  std::string_view secret;
};
// Nothing where the text is no key; both view it.
std::optional<PresentedKey> ParsePresentedKey(std::string_view text);

// Takes as long whatever the secret is.
bool HasSecret(const AccessKey& key, std::string_view secret);

// The bytes of lower-case hex digits, two each; nothing where the text is no such digits.
std::optional<std::string> FromHex(std::string_view text);

}  // namespace kith::auth

#endif  // KITH_COMMON_AUTH_ACCESS_KEY_H_
