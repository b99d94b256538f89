#include "kithd/card_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/gpu/emulated_card.h"

namespace kith::kithd {
namespace {

using ::kith::testing::EmulatedCard;
using ::testing::HasSubstr;

TEST(CardMetricsTest, EachCardHasItsFiguresUnderItsNumber) {
  std::vector<std::unique_ptr<shard::CardWorker>> workers;
  for (const uint32_t ordinal : {0u, 3u}) {
    auto card = std::make_unique<EmulatedCard>(EmulatedCard::Options{.ordinal = ordinal});
    workers.push_back(
        std::make_unique<shard::CardWorker>(std::move(card), shard::CardWorkerOptions()));
  }
  telemetry::Metrics metrics;
  AddCardMetrics(metrics, std::make_shared<shard::CardPool>(std::move(workers)));
  const std::string text = metrics.Text();
  for (const char* line : {
           "kith_gpu_info{device=\"3\",name=\"emulated\"} 1",
           "kith_gpu_lost{device=\"0\"} 0",
           "kith_gpu_memory_bytes{device=\"3\",part=\"codes\"} 0",
           "kith_gpu_memory_total_bytes{device=\"0\"} 1073741824",
           "kith_gpu_batches_overlapped_total{device=\"3\"} 0",
           "kith_gpu_queries_total{device=\"0\",engine=\"gpu\"} 0",
           "kith_gpu_queries_total{device=\"3\",engine=\"cpu\"} 0",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace kith::kithd
