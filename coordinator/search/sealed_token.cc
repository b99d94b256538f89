#include "coordinator/search/sealed_token.h"

#include <xxhash.h>

#include <cstring>

#include "absl/strings/escaping.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

// kind u8 | incarnation 16 | asked u64 | body | XXH3-64 of what stands before it.
constexpr size_t kIncarnationAt = 1;
constexpr size_t kAskedAt = kIncarnationAt + 16;
constexpr size_t kBodyAt = kAskedAt + sizeof(uint64_t);

void AppendNumber(uint64_t number, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

uint64_t NumberAt(std::string_view bytes, size_t at) {
  uint64_t number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}

bool IsHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

absl::Status BadToken(std::string_view what) {
  return FieldError("page_token", reason::kBadPageToken, what);
}

std::string SealToken(const TokenSubject& subject, std::string_view body) {
  std::string bytes(1, static_cast<char>(subject.kind));
  bytes += subject.incarnation.view();
  AppendNumber(subject.asked, bytes);
  bytes += body;
  AppendNumber(XXH3_64bits(bytes.data(), bytes.size()), bytes);
  return absl::BytesToHexString(bytes);
}

absl::StatusOr<std::string> OpenToken(std::string_view token, const TokenSubject& subject,
                                      size_t body_bytes) {
  const size_t check_at = kBodyAt + body_bytes;
  if (token.size() != 2 * (check_at + sizeof(uint64_t)) || !IsHex(token)) {
    return BadToken("is no page token of this call; begin again without one");
  }
  const std::string bytes = absl::HexStringToBytes(ToAbsl(token));
  const std::string_view view = bytes;
  if (NumberAt(view, check_at) != XXH3_64bits(bytes.data(), check_at) ||
      view[0] != static_cast<char>(subject.kind)) {
    return BadToken(
        "was changed, or is of another call or another version of this server; begin again "
        "without one");
  }
  if (view.substr(kIncarnationAt, 16) != subject.incarnation.view()) {
    return BadToken(
        "is of another collection, or of an earlier one of that name; begin again "
        "without one");
  }
  if (NumberAt(view, kAskedAt) != subject.asked) {
    return BadToken(
        "is of a call with another filter or another change; send what was sent with the first "
        "call, or begin again without a token");
  }
  return bytes.substr(kBodyAt, body_bytes);
}

}  // namespace kith::coordinator
