#include "coordinator/search/coverage.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

ShardProgress Whole(ShardId shard, uint64_t points) {
  return {shard, absl::OkStatus(), points, 1024, points, points};
}

ShardProgress Failed(ShardId shard, uint64_t points, const char* reason = reason::kNotReady) {
  return {shard, Error(absl::StatusCode::kUnavailable, reason, "no"), points, 1024, 0, 0};
}

TEST(Coverage, OfAnEmptyCollectionIsWhole) {
  EXPECT_EQ(MeasureCoverage(std::vector{Whole(1, 0), Whole(2, 0)}).ratio, 1);
}

TEST(Coverage, WeighsShardsByTheirPoints) {
  const Coverage coverage = MeasureCoverage(std::vector{Whole(1, 300), Failed(2, 100)});
  EXPECT_EQ(coverage.ratio, 0.75);
  EXPECT_EQ(coverage.points_searched, 300u);
  EXPECT_EQ(coverage.points_total, 400u);
  EXPECT_EQ(coverage.shards_ok, 1u);
  EXPECT_EQ(coverage.shards_total, 2u);
  ASSERT_EQ(coverage.failed.size(), 1u);
  EXPECT_EQ(coverage.failed[0].shard, 2u);
  EXPECT_EQ(coverage.failed[0].reason, reason::kNotReady);
}

TEST(Coverage, CountsTheFinishedShareOfAShardThatRanOutOfTime) {
  ShardProgress half = Whole(1, 100);
  half.codes_planned = 40;
  half.codes_done = 10;
  const Coverage coverage = MeasureCoverage(std::vector{half, Whole(2, 100)});
  EXPECT_EQ(coverage.ratio, 0.625);
  EXPECT_EQ(coverage.failed[0].reason, reason::kDeadline);
  EXPECT_EQ(coverage.shards_ok, 1u);
}

TEST(Coverage, IsBelowOneHoweverLittleIsMissing) {
  ShardProgress nearly = Whole(1, 1'000'000'000);
  nearly.codes_done -= 1;
  const Coverage coverage = MeasureCoverage(std::vector{nearly, Whole(2, 1'000'000'000)});
  EXPECT_LT(coverage.ratio, 1);
  EXPECT_FALSE(CheckCoverage(coverage, 1).ok());
}

TEST(Coverage, NeverTakesALoadingShardForAnEmptyOne) {
  // Nobody has heard of the failed shard yet: it weighs what its slots hold elsewhere.
  EXPECT_EQ(MeasureCoverage(std::vector{Whole(1, 500), Failed(2, 0)}).ratio, 0.5);
  EXPECT_EQ(MeasureCoverage(std::vector{Failed(1, 0)}).ratio, 0);
  EXPECT_LT(MeasureCoverage(std::vector{Whole(1, 0), Failed(2, 0)}).ratio, 1);
}

TEST(Coverage, BelowTheMinimumIsAnErrorThatSaysWhatIsMissing) {
  const Coverage coverage = MeasureCoverage(std::vector{Whole(1, 300), Failed(2, 100)});
  EXPECT_TRUE(CheckCoverage(coverage, 0.75).ok());
  EXPECT_TRUE(CheckCoverage(coverage, 0).ok());
  const absl::Status status = CheckCoverage(coverage, 0.76);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), reason::kCoverageBelowMinimum);
  EXPECT_EQ(FactOf(status, "coverage"), "0.750000");
  EXPECT_EQ(FactOf(status, "points_searched"), "300");
  EXPECT_EQ(FactOf(status, "points_total"), "400");
  EXPECT_EQ(FactOf(status, "shards_failed"), "2:NOT_READY");
}

TEST(Coverage, NamesAFewShardsOfMany) {
  std::vector<ShardProgress> shards;
  for (ShardId i = 0; i < 256; ++i) shards.push_back(Failed(i, 10, reason::kDeadline));
  const absl::Status status = CheckCoverage(MeasureCoverage(shards), 1);
  EXPECT_LT(FactOf(status, "shards_failed")->size(), 500u);
}

}  // namespace
}  // namespace kith::coordinator
