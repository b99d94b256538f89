#include "common/telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/telemetry/log.h"
#include "common/telemetry/request_metrics.h"
#include "common/telemetry/search_metrics.h"

namespace kith::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(MetricsTest, TheSameFamilyAndLabelsAreTheSameSeries) {
  Metrics metrics;
  metrics.GetCounter({"kith_things_total", "Things."}, {{"kind", "a"}}).Add(2);
  metrics.GetCounter({"kith_things_total", "Things."}, {{"kind", "a"}}).Add();
  metrics.GetCounter({"kith_things_total", "Things."}, {{"kind", "b"}}).Add();
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("# HELP kith_things_total Things."));
  EXPECT_THAT(text, HasSubstr("# TYPE kith_things_total counter"));
  EXPECT_THAT(text, HasSubstr("kith_things_total{kind=\"a\"} 3"));
  EXPECT_THAT(text, HasSubstr("kith_things_total{kind=\"b\"} 1"));
}

TEST(MetricsTest, PulledGaugesAreAskedAtEachScrapeAndLeaveNothingBehind) {
  Metrics metrics;
  std::vector<Sample> now = {{{{"collection", "a"}}, 5}, {{{"collection", "b"}}, 6}};
  metrics.PullGauges({"kith_points", "Live points."}, [&] { return now; });
  EXPECT_THAT(metrics.Text(), HasSubstr("kith_points{collection=\"b\"} 6"));
  now = {{{{"collection", "a"}}, 7}};
  EXPECT_THAT(metrics.Text(), HasSubstr("kith_points{collection=\"a\"} 7"));
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("collection=\"b\"")));
  metrics.ClearPulls();
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("kith_points")));
}

TEST(MetricsTest, APulledCounterSaysThatItIsOne) {
  Metrics metrics;
  metrics.PullCounters({"kith_failures_total", "Failures."}, [] {
    return std::vector<Sample>{{{}, 3}};
  });
  EXPECT_THAT(metrics.Text(),
              HasSubstr("# TYPE kith_failures_total counter\nkith_failures_total 3"));
}

TEST(RequestMetricsTest, CallsAreCountedByMethodAndCodeAndTimedByMethod) {
  Metrics metrics;
  RequestMetrics requests(metrics);
  requests.Observe("Search", "OK", std::chrono::milliseconds(3));
  requests.Observe("Search", "OK", std::chrono::milliseconds(3));
  requests.Observe("Search", "NOT_FOUND", std::chrono::microseconds(40));
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("kith_requests_total{code=\"OK\",method=\"Search\"} 2"));
  EXPECT_THAT(text, HasSubstr("kith_requests_total{code=\"NOT_FOUND\",method=\"Search\"} 1"));
  EXPECT_THAT(text, HasSubstr("kith_request_duration_seconds_count{method=\"Search\"} 3"));
  EXPECT_THAT(text,
              HasSubstr("kith_request_duration_seconds_bucket{method=\"Search\",le=\"5e-05\"} 1"));
}

TEST(SearchMetricsTest, AStageThatTookTimeShowsUnderItsName) {
  Metrics metrics;
  SearchMetrics searches(metrics);
  SearchObservation search;
  search.scan_ns = 3'000'000;
  search.coverage = 0.5;
  searches.Observe(search);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("kith_search_stage_duration_seconds_sum{stage=\"scan\"} 0.003"));
  EXPECT_THAT(text, HasSubstr("kith_search_coverage_ratio_sum 0.5"));
}

TEST(LogTest, ValuesFromOutsideCannotForgeALine) {
  EXPECT_EQ(LogValue("plain-1.2"), "plain-1.2");
  EXPECT_EQ(LogValue(""), "\"\"");
  EXPECT_EQ(LogValue("two words"), "\"two words\"");
  EXPECT_EQ(LogValue("a\nlevel=error"), "\"a\\x0alevel=error\"");
  EXPECT_EQ(LogValue("say \"x\\\""), "\"say \\\"x\\\\\\\"\"");
}

TEST(LogTest, ABadLevelOrFileIsRefusedByName) {
  EXPECT_THAT(std::string(SetUpLog({.level = "loud", .file = ""}).message()),
              HasSubstr("log.level"));
  EXPECT_THAT(std::string(SetUpLog({.level = "info", .file = "/proc/none/x.log"}).message()),
              HasSubstr("log.file"));
  EXPECT_TRUE(SetUpLog({.level = "warning", .file = ""}).ok());
}

}  // namespace
}  // namespace kith::telemetry
