#include "coordinator/read/page_token.h"

#include <xxhash.h>

#include "coordinator/search/sealed_token.h"

namespace kith::coordinator {
namespace {

TokenSubject SubjectOf(const PageSubject& page) {
  TokenSubject subject{TokenKind::kPage, page.incarnation, 0};
  if (page.filter == nullptr) return subject;
  const std::string bytes = FilterBytes(*page.filter);
  subject.asked = XXH3_64bits(bytes.data(), bytes.size());
  return subject;
}

}  // namespace

std::string PageToken(const PageSubject& subject, const PointKey& last) {
  return SealToken(SubjectOf(subject), last.view());
}

absl::StatusOr<PointKey> LastOf(std::string_view token, const PageSubject& subject) {
  const absl::StatusOr<std::string> body = OpenToken(token, SubjectOf(subject), PointKey::kSize);
  if (!body.ok()) return body.status();
  const auto kind = static_cast<uint8_t>(body->front());
  if (kind == PointKey::kNumber || kind == PointKey::kUuid)
    return PointKey::FromBytes(body->data());
  return BadToken("was changed; begin again without one");
}

}  // namespace kith::coordinator
