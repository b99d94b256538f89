#include "common/base/status.h"

#include <gtest/gtest.h>

#include <map>

#include "common/base/reasons.h"

namespace kith {
namespace {

TEST(StatusTest, AnErrorKeepsItsReasonAndFacts) {
  absl::Status status = Error(absl::StatusCode::kResourceExhausted, reason::kDiskFull, "full",
                              {{"free_bytes", "17"}, {kRetryAfterMsFact, "500"}});
  SetFact(status, "node", "a");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), reason::kDiskFull);
  EXPECT_EQ(FactOf(status, "free_bytes"), "17");
  EXPECT_EQ(FactOf(status, "absent"), std::nullopt);
  std::map<std::string, std::string> facts;
  ForEachFact(status, [&](std::string_view key, const std::string& value) {
    facts[std::string(key)] = value;
  });
  EXPECT_EQ(facts, (std::map<std::string, std::string>{
                       {"free_bytes", "17"}, {"retry_after_ms", "500"}, {"node", "a"}}));
}

TEST(StatusTest, AFieldErrorNamesTheFieldInMessageAndFact) {
  const absl::Status status = FieldError("points[3].vector", reason::kBadVector, "is empty");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(status.message()), "points[3].vector: is empty");
  EXPECT_EQ(FactOf(status, kFieldFact), "points[3].vector");
}

TEST(StatusTest, AStatusWithoutAReasonHasAnEmptyOne) {
  EXPECT_EQ(ReasonOf(absl::InternalError("x")), "");
  EXPECT_EQ(ReasonOf(absl::OkStatus()), "");
}

TEST(StatusTest, TheMacrosPassErrorsOnAndValuesThrough) {
  const auto half = [](int value) -> absl::StatusOr<int> {
    if (value % 2 != 0) return absl::InvalidArgumentError("odd");
    return value / 2;
  };
  const auto quarter = [&](int value) -> absl::StatusOr<int> {
    KITH_ASSIGN_OR_RETURN(const int once, half(value));
    KITH_RETURN_IF_ERROR(half(once).status());
    return once / 2;
  };
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(7).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(quarter(6).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace kith
