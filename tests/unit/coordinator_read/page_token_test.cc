#include "coordinator/read/page_token.h"

#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

const Uuid kIncarnation{{1, 2, 3}};

void ExpectRefused(std::string_view token, const Uuid& incarnation, std::string_view words) {
  const absl::Status status = LastOf(token, incarnation).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << token;
  EXPECT_EQ(ReasonOf(status), reason::kBadPageToken);
  EXPECT_EQ(FactOf(status, kFieldFact), "page_token");
  EXPECT_NE(std::string(status.message()).find(words), std::string::npos) << status;
}

TEST(PageToken, GivesBackThePointThatItWasMadeOf) {
  for (const PointKey& key : {PointKey::FromNumber(0), PointKey::FromNumber(~uint64_t{0}),
                              PointKey::FromUuid("0123456789abcdef")}) {
    const auto last = LastOf(PageToken(kIncarnation, key), kIncarnation);
    ASSERT_TRUE(last.ok()) << last.status();
    EXPECT_EQ(*last, key);
  }
}

TEST(PageToken, OfAnotherIncarnationIsRefused) {
  ExpectRefused(PageToken(kIncarnation, PointKey::FromNumber(7)), Uuid{{9}}, "another collection");
}

TEST(PageToken, IsRefusedWhereAnyOfItsDigitsWasChanged) {
  const std::string token = PageToken(kIncarnation, PointKey::FromNumber(7));
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == '0' ? '1' : '0';
    ExpectRefused(changed, kIncarnation, "was changed");
  }
}

TEST(PageToken, IsRefusedWhereItIsNoneAtAll) {
  const std::string token = PageToken(kIncarnation, PointKey::FromNumber(7));
  for (const std::string& text :
       {std::string("garbage"), token.substr(1), token + "00", std::string(token.size(), 'z'),
        std::string(token.size(), '\0')}) {
    ExpectRefused(text, kIncarnation, "no page token");
  }
}

}  // namespace
}  // namespace kith::coordinator
