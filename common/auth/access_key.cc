#include "common/auth/access_key.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "absl/strings/escaping.h"
#include "common/base/status.h"

namespace kith::auth {
namespace {

constexpr std::string_view kPrefix = "kith_";
constexpr size_t kSecretBytes = 32;
constexpr size_t kIdBytesMax = 63;

std::string HashOf(std::string_view salt, std::string_view secret) {
  std::string text(salt);
  text += secret;
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  OPENSSL_cleanse(text.data(), text.size());
  return hash;
}

std::string RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  const int made =
      RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  return made == 1 ? bytes : std::string();
}

}  // namespace

bool IsKeyId(std::string_view text) {
  return !text.empty() && text.size() <= kIdBytesMax &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string_view::npos;
}

std::string NewSecret(AccessKey& key) {
  const std::string salt = RandomBytes(kSaltBytes);
  const std::string secret = absl::BytesToHexString(RandomBytes(kSecretBytes));
  if (salt.empty() || secret.empty()) return "";
  key.salt = salt;
  key.hash = HashOf(salt, secret);
  return std::string(kPrefix) + key.id + "_" + secret;
}

std::optional<PresentedKey> ParsePresentedKey(std::string_view text) {
  if (text.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const size_t end = text.find('_');
  if (end == std::string_view::npos) return std::nullopt;
  const PresentedKey key = {text.substr(0, end), text.substr(end + 1)};
  if (!IsKeyId(key.id) || key.secret.size() != 2 * kSecretBytes) return std::nullopt;
  return key;
}

bool HasSecret(const AccessKey& key, std::string_view secret) {
  const std::string hash = HashOf(key.salt, secret);
  return hash.size() == key.hash.size() &&
         CRYPTO_memcmp(hash.data(), key.hash.data(), hash.size()) == 0;
}

std::optional<std::string> FromHex(std::string_view text) {
  const bool is_hex =
      text.size() % 2 == 0 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!is_hex) return std::nullopt;
  return absl::HexStringToBytes(ToAbsl(text));
}

}  // namespace kith::auth
