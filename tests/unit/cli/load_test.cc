#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "cli/dataset/random.h"
#include "cli/load/histogram.h"
#include "cli/load/latency_target.h"
#include "cli/load/load_tally.h"
#include "cli/load/mix.h"
#include "cli/load/rate_search.h"
#include "cli/load/schedule.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using ::testing::HasSubstr;

TEST(Histogram, IsNeverFurtherOffThanItsPrecision) {
  for (const int bits : {Histogram::kFineBits, Histogram::kCoarseBits}) {
    Histogram histogram(bits);
    std::vector<uint64_t> values;
    RandomStream random(1, 2, 3);
    for (int i = 0; i < 20'000; ++i) {
      // From nanoseconds to hours, evenly over the powers of two.
      values.push_back(static_cast<uint64_t>(std::exp2(43 * random.Uniform())));
      histogram.Add(values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double share : {0.0001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
      const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
      const auto exact = static_cast<double>(values[std::max<size_t>(1, rank) - 1]);
      const auto got = static_cast<double>(histogram.Percentile(share));
      EXPECT_GE(got, exact) << share;
      EXPECT_LE(got, exact * (1 + std::exp2(-bits))) << share << " of " << bits << " bits";
    }
    EXPECT_EQ(histogram.max(), values.back());
    EXPECT_EQ(histogram.count(), values.size());
  }
}

TEST(Histogram, IsExactForSmallValuesAndTheSlowest) {
  Histogram histogram;
  for (uint64_t value = 0; value < 100; ++value) histogram.Add(value);
  EXPECT_EQ(histogram.Percentile(0.5), 49u);
  EXPECT_EQ(histogram.Percentile(1), 99u);
  EXPECT_DOUBLE_EQ(histogram.mean(), 49.5);
  histogram.Add(123'456'789);
  EXPECT_EQ(histogram.Percentile(1), 123'456'789u);
  histogram.Add(~uint64_t{0});
  EXPECT_EQ(histogram.max(), Histogram::kValueMax);
  EXPECT_EQ(Histogram().Percentile(0.5), 0u);
}

TEST(Histogram, MergesAsIfAllHadBeenAddedToOne) {
  Histogram a, b, all;
  for (uint64_t i = 1; i < 1000; ++i) {
    (i % 3 == 0 ? a : b).Add(i * i * i);
    all.Add(i * i * i);
  }
  a.Merge(b);
  EXPECT_EQ(a.count(), all.count());
  for (const double share : {0.1, 0.5, 0.99}) EXPECT_EQ(a.Percentile(share), all.Percentile(share));
}

TEST(Schedule, DealsConstantArrivalsOutWithoutDrift) {
  std::vector<nanoseconds> all;
  for (uint32_t sender = 0; sender < 3; ++sender) {
    Schedule schedule({300, Arrivals::kConstant, 1, 3, sender});
    for (int i = 0; i < 100'000; ++i) all.push_back(schedule.Next());
  }
  std::sort(all.begin(), all.end());
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(all[i].count()), static_cast<double>(i) / 300 * 1e9, 1.0) << i;
  }
}

TEST(Schedule, SpreadsPoissonArrivalsAsTheirRateAsks) {
  Schedule schedule({1000, Arrivals::kPoisson, 7, 2, 1});  // half of 1,000 a second
  nanoseconds last{0};
  double sum = 0, squares = 0;
  constexpr int kArrivals = 50'000;
  for (int i = 0; i < kArrivals; ++i) {
    const nanoseconds at = schedule.Next();
    const double gap = static_cast<double>((at - last).count()) / 1e9;
    EXPECT_GE(gap, 0);
    sum += gap;
    squares += gap * gap;
    last = at;
  }
  const double mean = sum / kArrivals;
  EXPECT_NEAR(mean, 1.0 / 500, 0.02 / 500);
  // An exponential's standard deviation is its mean.
  EXPECT_NEAR(std::sqrt(squares / kArrivals - mean * mean), mean, 0.03 * mean);
}

TEST(Mix, ReadsPartsAndDrawsThemByTheirShares) {
  const auto mix = ParseMix("search=0.7,search_batch:64=0.2,upsert:256=0.1");
  ASSERT_TRUE(mix.ok()) << mix.status();
  ASSERT_EQ(mix->size(), 3u);
  EXPECT_EQ((*mix)[1].Name(), "search_batch:64");
  EXPECT_EQ((*mix)[2].items, 256u);
  MixDraw draw(*mix, 1, 0);
  std::map<size_t, int> drawn;
  for (int i = 0; i < 100'000; ++i) ++drawn[draw.Next()];
  EXPECT_NEAR(drawn[0], 70'000, 1000);
  EXPECT_NEAR(drawn[1], 20'000, 1000);
  EXPECT_NEAR(drawn[2], 10'000, 1000);
}

TEST(Mix, RefusesNonsenseAndSaysWhatToWrite) {
  const auto told = [](const char* text) {
    const auto mix = ParseMix(text);
    EXPECT_FALSE(mix.ok()) << text;
    const std::string message(mix.status().message());
    EXPECT_THAT(message, HasSubstr("--mix")) << text;
    return message;
  };
  EXPECT_THAT(told(""), HasSubstr("no =SHARE"));
  EXPECT_THAT(told("search"), HasSubstr("no =SHARE"));
  EXPECT_THAT(told("delete=1"), HasSubstr("there are search, search_batch and upsert"));
  EXPECT_THAT(told("search:3=1"), HasSubstr("takes no size"));
  EXPECT_THAT(told("search_batch=1"), HasSubstr("size from 1 to 1024"));
  EXPECT_THAT(told("search_batch:2000=1"), HasSubstr("size from 1 to 1024"));
  EXPECT_THAT(told("upsert:0=1"), HasSubstr("size from 1 to 10000"));
  EXPECT_THAT(told("upsert:4x=1"), HasSubstr("size from 1 to 10000"));
  EXPECT_THAT(told("search=nan"), HasSubstr("no number above 0"));
  EXPECT_THAT(told("search=-1"), HasSubstr("no number above 0"));
  EXPECT_THAT(told("search=0.5"), HasSubstr("sum to 0.5"));
  EXPECT_THAT(told("search=0.5,search=0.5"), HasSubstr("twice"));
  EXPECT_THAT(told("search=0.5,,upsert:1=0.5"), HasSubstr("no =SHARE"));
}

TEST(LatencyTarget, ReadsAPercentileAndATime) {
  const auto target = ParseLatencyTarget("p99.9=1.5ms");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->share, 0.999);
  EXPECT_EQ(target->nanoseconds, 1'500'000u);
  EXPECT_EQ(ParseLatencyTarget("max=2s")->nanoseconds, 2'000'000'000u);
  for (const char* bad :
       {"", "p99", "p98=2ms", "p99=2", "p99=ms", "p99=0ms", "p99=2h", "p99=90s"}) {
    EXPECT_THAT(std::string(ParseLatencyTarget(bad).status().message()), HasSubstr("p99=20ms"))
        << bad;
  }
}

// What the search finds where every rate up to `limit` is sustained.
double Found(double limit, const RateSearch::Options& options) {
  RateSearch search(options);
  int tries = 0;
  while (const auto rate = search.Next()) {
    EXPECT_LT(++tries, 60);
    *rate <= limit ? search.Sustained(*rate) : search.NotSustained(*rate);
  }
  return search.best();
}

TEST(RateSearch, FindsTheLimitToItsPrecisionFromBelowAndAbove) {
  for (const double limit : {1.5, 37.0, 100.0, 12'345.0}) {
    const double found = Found(limit, {100, 1, 1e6, 0.05});
    EXPECT_LE(found, limit);
    EXPECT_GE(found, limit * 0.94) << limit;
  }
  EXPECT_EQ(Found(1e9, {100, 1, 5000, 0.05}), 5000);
  EXPECT_EQ(Found(0.1, {100, 1, 5000, 0.05}), 0);
}

TEST(LoadTally, KeepsErrorsByCodeAndReasonAndIntervalsByWhenCallsWereDue) {
  LoadTally tally(3, std::chrono::seconds(1));
  CallOutcome good;
  good.is_search = true;
  good.coverage = 0.75;
  tally.Add(good, milliseconds(1500), milliseconds(700));
  CallOutcome bad;
  bad.status = Error(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "no");
  tally.Add(bad, milliseconds(2500), milliseconds(1));
  tally.AddUnsent(milliseconds(99'999));
  LoadTally other(3, std::chrono::seconds(1));
  other.Add(bad, milliseconds(100), milliseconds(1));
  tally.Merge(other);
  EXPECT_EQ(tally.answered(), 1u);
  EXPECT_EQ(tally.failed(), 2u);
  EXPECT_EQ(tally.unsent(), 1u);
  EXPECT_EQ(tally.errors().at({"RESOURCE_EXHAUSTED", "QUEUE_FULL"}), 2u);
  EXPECT_EQ(tally.coverage().below_one, 1u);
  EXPECT_EQ(tally.coverage().min, 0.75);
  EXPECT_EQ(tally.intervals()[1].latency.count(), 1u) << "not when it was answered";
  EXPECT_EQ(tally.intervals()[2].errors, 2u);
  EXPECT_EQ(tally.intervals()[0].errors, 1u);
}

}  // namespace
}  // namespace kith::cli
