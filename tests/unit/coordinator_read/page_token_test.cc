#include "coordinator/read/page_token.h"

#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

const PageSubject kSubject{Uuid{{1, 2, 3}}};

void ExpectRefused(std::string_view token, const PageSubject& subject, std::string_view words) {
  const absl::Status status = LastOf(token, subject).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << token;
  EXPECT_EQ(ReasonOf(status), reason::kBadPageToken);
  EXPECT_EQ(FactOf(status, kFieldFact), "page_token");
  EXPECT_NE(std::string(status.message()).find(words), std::string::npos) << status;
}

TEST(PageToken, GivesBackThePointThatItWasMadeOf) {
  for (const PointKey& key : {PointKey::FromNumber(0), PointKey::FromNumber(~uint64_t{0}),
                              PointKey::FromUuid("0123456789abcdef")}) {
    const auto last = LastOf(PageToken(kSubject, key), kSubject);
    ASSERT_TRUE(last.ok()) << last.status();
    EXPECT_EQ(*last, key);
  }
}

TEST(PageToken, OfAnotherIncarnationIsRefused) {
  ExpectRefused(PageToken(kSubject, PointKey::FromNumber(7)), {Uuid{{9}}}, "another collection");
}

TEST(PageToken, OfAnotherFilterIsRefused) {
  Filter red;
  red.kind = Filter::Kind::kMatch;
  red.field = "color";
  red.values = {std::string("red")};
  Filter blue = red;
  blue.values = {std::string("blue")};
  const PageSubject of_red{kSubject.incarnation, &red};
  const std::string token = PageToken(of_red, PointKey::FromNumber(7));
  EXPECT_TRUE(LastOf(token, of_red).ok());
  ExpectRefused(token, {kSubject.incarnation, &blue}, "another filter");
  ExpectRefused(token, kSubject, "another filter");
  ExpectRefused(PageToken(kSubject, PointKey::FromNumber(7)), of_red, "another filter");
}

TEST(PageToken, IsRefusedWhereAnyOfItsDigitsWasChanged) {
  const std::string token = PageToken(kSubject, PointKey::FromNumber(7));
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == '0' ? '1' : '0';
    ExpectRefused(changed, kSubject, "was changed");
  }
}

TEST(PageToken, IsRefusedWhereItIsNoneAtAll) {
  const std::string token = PageToken(kSubject, PointKey::FromNumber(7));
  for (const std::string& text :
       {std::string("garbage"), token.substr(1), token + "00", std::string(token.size(), 'z'),
        std::string(token.size(), '\0')}) {
    ExpectRefused(text, kSubject, "no page token");
  }
}

}  // namespace
}  // namespace kith::coordinator
