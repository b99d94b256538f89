#ifndef KITH_COORDINATOR_SEARCH_SEALED_TOKEN_H_
#define KITH_COORDINATOR_SEARCH_SEALED_TOKEN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"

// What a caller carries from one call to the next, so that the server need not keep it.
namespace kith::coordinator {

enum class TokenKind : uint8_t { kPage = 2, kSelection = 3 };

// What a token is of: it holds for no other.
struct TokenSubject {
  TokenKind kind = TokenKind::kPage;
  Uuid incarnation;
  uint64_t asked = 0;  // a hash of what else must be the same in the next call; 0: nothing
};

// Hexadecimal, with a checksum against accidents; no secret.
std::string SealToken(const TokenSubject& subject, std::string_view body);

// INVALID_ARGUMENT BAD_PAGE_TOKEN naming page_token: nothing that SealToken made of so large a
// body, changed since, or of another subject.
absl::StatusOr<std::string> OpenToken(std::string_view token, const TokenSubject& subject,
                                      size_t body_bytes);
absl::Status BadToken(std::string_view what);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_SEALED_TOKEN_H_
