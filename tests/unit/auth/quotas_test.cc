#include "common/auth/quotas.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "common/auth/reasons.h"
#include "common/base/status.h"

namespace kith::auth {
namespace {

using std::chrono::milliseconds;

class QuotasTest : public ::testing::Test {
 protected:
  absl::Status Take(uint64_t vectors) { return quotas_.Take(key_, vectors, now_); }
  // How many calls of so many vectors are let in now.
  int LetIn(uint64_t vectors) {
    int count = 0;
    while (count < 100'000 && Take(vectors).ok()) ++count;
    return count;
  }
  static int64_t RetryMs(const absl::Status& status) {
    return std::atoll(FactOf(status, kRetryAfterMsFact).value_or("-1").c_str());
  }

  Quotas quotas_;
  AccessKey key_ = {
      .id = "k", .salt = "", .hash = "", .expires_unix_ms = {}, .scopes = {}, .quota = {}};
  Deadline now_ = Deadline{} + std::chrono::hours(1);
};

TEST_F(QuotasTest, WithoutAQuotaNothingIsRefused) { EXPECT_EQ(LetIn(1'000'000), 100'000); }

TEST_F(QuotasTest, ASecondsWorthOfRequestsComesAtOnceAndThenAtTheRate) {
  key_.quota.requests_per_second = 10;
  EXPECT_EQ(LetIn(0), 10);
  now_ += milliseconds(500);
  EXPECT_EQ(LetIn(0), 5);
  now_ += std::chrono::hours(1);
  EXPECT_EQ(LetIn(0), 10);
}

TEST_F(QuotasTest, TheRefusalSaysWhenToComeBackAndThenItIsLetIn) {
  key_.quota.requests_per_second = 4;
  EXPECT_EQ(LetIn(0), 4);
  const absl::Status refused = Take(0);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), reason::kQuotaExceeded);
  EXPECT_EQ(FactOf(refused, kQuotaFact), "requests_per_second");
  EXPECT_EQ(FactOf(refused, kKeyFact), "k");
  EXPECT_EQ(RetryMs(refused), 250);
  now_ += milliseconds(249);
  EXPECT_FALSE(Take(0).ok());
  now_ += milliseconds(1);
  EXPECT_TRUE(Take(0).ok());
}

TEST_F(QuotasTest, ABatchLargerThanTheQuotaIsLetInAndPaidForAfterwards) {
  key_.quota.vectors_per_second = 100;
  EXPECT_TRUE(Take(1000).ok());
  const absl::Status refused = Take(1);
  EXPECT_EQ(FactOf(refused, kQuotaFact), "vectors_per_second");
  EXPECT_EQ(RetryMs(refused), 9010);
  EXPECT_TRUE(Take(0).ok()) << "a call without vectors does not wait for them";
  now_ += milliseconds(9010);
  EXPECT_TRUE(Take(1).ok());
}

TEST_F(QuotasTest, WhatIsRefusedIsNotCounted) {
  key_.quota = {2, 10};
  EXPECT_TRUE(Take(10).ok());
  EXPECT_FALSE(Take(10).ok());
  EXPECT_TRUE(Take(0).ok()) << "the refused call took no request";
}

TEST_F(QuotasTest, EachKeyHasItsOwn) {
  key_.quota.requests_per_second = 1;
  EXPECT_EQ(LetIn(0), 1);
  key_.id = "other";
  EXPECT_EQ(LetIn(0), 1);
}

TEST_F(QuotasTest, AChangedRateHoldsFromThenOn) {
  key_.quota.requests_per_second = 100;
  EXPECT_EQ(LetIn(0), 100);
  key_.quota.requests_per_second = 1;
  now_ += std::chrono::seconds(10);
  EXPECT_EQ(LetIn(0), 1);
}

}  // namespace
}  // namespace kith::auth
