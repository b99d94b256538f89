#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <sstream>

#include "cli/load/capacity_run.h"

namespace kith::cli {
namespace {

using std::chrono::nanoseconds;
using ::testing::HasSubstr;

constexpr double kServiceNs = 4e6;  // 250 calls a second

// A server that answers one call at a time, and the client before it, by arithmetic.
struct Simulation {
  double fails_above = 1e9;   // calls a second, from where one in a hundred fails
  double client_max = 1e9;    // calls a second, from where the client sends late
  double slower_later = 1.0;  // factor of the service time in steps longer than the first
  int steps = 0;
  nanoseconds first_duration{};

  absl::StatusOr<LoadReport> operator()(const LoadOptions& load) {
    if (steps++ == 0) first_duration = load.duration;
    const double service = kServiceNs * (load.duration > first_duration ? slower_later : 1.0);
    const double gap = 1e9 / load.rate;
    const double length = std::chrono::duration<double, std::nano>(load.duration).count();
    const auto due = static_cast<uint64_t>(length / gap);
    LoadReport report;
    report.options = load;
    report.counts.due = due;
    LoadTally& tally = report.counts.kinds.emplace_back(1, load.duration);
    double free_at = 0;
    for (uint64_t i = 0; i < due; ++i) {
      const double at = static_cast<double>(i) * gap;
      report.counts.lag.Add(load.rate > client_max ? 500'000'000 : 1000);
      if (load.rate > fails_above && i % 100 == 0) {
        tally.AddUnsent(nanoseconds(0));
        continue;
      }
      free_at = std::max(free_at, at) + service;
      tally.Add({}, nanoseconds(0), nanoseconds(std::llround(free_at - at)));
    }
    report.seconds = std::max(length, free_at) / 1e9;
    return report;
  }
};

class CapacityTest : public ::testing::Test {
 protected:
  CapacityTest() {
    options_.load.mix = {MixPart{}};
    options_.load.duration = std::chrono::seconds(10);
    options_.target = *ParseLatencyTarget("p90=60ms");
    options_.search.first = 60;
  }
  CapacityReport Find() {
    const auto found = FindCapacity(options_, std::ref(simulation_), progress_);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.value_or(CapacityReport{});
  }
  std::string FirstFailure(const CapacityReport& report) {
    const auto failed = std::find_if(report.steps.begin(), report.steps.end(),
                                     [](const auto& step) { return !step.why_not.empty(); });
    return failed == report.steps.end() ? "" : failed->why_not;
  }

  CapacityOptions options_;
  Simulation simulation_;
  std::ostringstream progress_;
};

TEST_F(CapacityTest, IsWhereTheTargetBreaksToThePrecisionAskedFor) {
  const CapacityReport report = Find();
  EXPECT_GE(report.rate, 250 * 0.94);
  // Where the queue grows so slowly that nine tenths of ten seconds keep the target.
  EXPECT_LE(report.rate, 252);
  EXPECT_FALSE(report.client_limited);
  EXPECT_THAT(FirstFailure(report), HasSubstr(" ms"));
}

TEST_F(CapacityTest, IsConfirmedByAStepTwiceAsLong) {
  const CapacityReport report = Find();
  ASSERT_GT(report.steps.size(), 3u);
  const CapacityStep& last = report.steps.back();
  EXPECT_EQ(last.report.options.rate, report.rate);
  EXPECT_EQ(last.report.options.duration, std::chrono::seconds(20));
  EXPECT_EQ(last.why_not, "");
  EXPECT_EQ(report.steps.front().report.options.rate, 60);
  EXPECT_THAT(progress_.str(), HasSubstr("60 calls/s: sustained\n120 calls/s: sustained\n"));
}

TEST_F(CapacityTest, GoesBackWhereALongerStepIsNotSustained) {
  simulation_.slower_later = 1.1;  // 227 a second
  const CapacityReport report = Find();
  EXPECT_LE(report.rate, 229);
  EXPECT_GE(report.rate, 227 * 0.9);
}

TEST_F(CapacityTest, IsNoneWhereNoLongerStepIsSustained) {
  simulation_.slower_later = 2;  // steps back end far above 125
  EXPECT_EQ(Find().rate, 0);
}

TEST_F(CapacityTest, EndsWhereCallsFail) {
  simulation_.fails_above = 100;
  const CapacityReport report = Find();
  EXPECT_LE(report.rate, 100);
  EXPECT_GE(report.rate, 94);
  EXPECT_THAT(FirstFailure(report), HasSubstr(" % failed"));
}

TEST_F(CapacityTest, EndsWhereLessIsAnsweredThanAsked) {
  options_.target = *ParseLatencyTarget("p90=60s");
  const CapacityReport report = Find();
  EXPECT_LE(report.rate, 250 / 0.97);
  EXPECT_GE(report.rate, 250 * 0.94);
  EXPECT_THAT(FirstFailure(report), HasSubstr("only 250 a second were answered"));
}

TEST_F(CapacityTest, SaysThatTheClientGaveOut) {
  simulation_.client_max = 200;
  const CapacityReport report = Find();
  EXPECT_TRUE(report.client_limited);
  EXPECT_LE(report.rate, 200);
  EXPECT_GE(report.rate, 188);
  EXPECT_THAT(FirstFailure(report), HasSubstr("the client did not keep the schedule"));
}

TEST_F(CapacityTest, EndsWithTheFirstErrorOfAStep) {
  const auto fail = [](const LoadOptions&) -> absl::StatusOr<LoadReport> {
    return absl::CancelledError("interrupted");
  };
  EXPECT_EQ(FindCapacity(options_, fail, progress_).status(), absl::CancelledError("interrupted"));
  EXPECT_EQ(progress_.str(), "");
}

}  // namespace
}  // namespace kith::cli
