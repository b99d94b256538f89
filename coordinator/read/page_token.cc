#include "coordinator/read/page_token.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "absl/strings/escaping.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

// version u8 | incarnation 16 | key 17 | XXH3-64 of what stands before it; in hex.
constexpr char kVersion = 1;
constexpr size_t kIncarnationAt = 1;
constexpr size_t kKeyAt = kIncarnationAt + 16;
constexpr size_t kCheckAt = kKeyAt + PointKey::kSize;
constexpr size_t kBytes = kCheckAt + sizeof(uint64_t);

uint64_t CheckOf(std::string_view bytes) { return XXH3_64bits(bytes.data(), kCheckAt); }

absl::Status BadToken(std::string_view what) {
  return FieldError("page_token", reason::kBadPageToken, what);
}

bool IsHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsWhole(std::string_view bytes) {
  uint64_t check = 0;
  std::memcpy(&check, bytes.data() + kCheckAt, sizeof(check));
  const auto kind = static_cast<uint8_t>(bytes[kKeyAt]);
  return check == CheckOf(bytes) && bytes[0] == kVersion &&
         (kind == PointKey::kNumber || kind == PointKey::kUuid);
}

}  // namespace

std::string PageToken(const Uuid& incarnation, const PointKey& last) {
  std::string bytes(1, kVersion);
  bytes += incarnation.view();
  bytes += last.view();
  const uint64_t check = CheckOf(bytes);
  bytes.append(reinterpret_cast<const char*>(&check), sizeof(check));
  return absl::BytesToHexString(bytes);
}

absl::StatusOr<PointKey> LastOf(std::string_view token, const Uuid& incarnation) {
  if (token.size() != 2 * kBytes || !IsHex(token)) {
    return BadToken("is no page token of this server; begin again without one");
  }
  const std::string bytes = absl::HexStringToBytes(ToAbsl(token));
  if (!IsWhole(bytes)) {
    return BadToken(
        "was changed, or is of another version of this server; begin again without "
        "one");
  }
  if (std::string_view(bytes).substr(kIncarnationAt, 16) != incarnation.view()) {
    return BadToken(
        "is of another collection, or of an earlier one of that name; begin again "
        "without one");
  }
  return PointKey::FromBytes(bytes.data() + kKeyAt);
}

}  // namespace kith::coordinator
