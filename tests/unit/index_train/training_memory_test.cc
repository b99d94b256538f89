// What training takes is what the plan says: nobody else checks before the machine does.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "index/plan.h"
#include "index/train.h"
#include "tests/unit/index_train/sample_points.h"

namespace kith::index {
namespace {

// Of /proc/self/status, in bytes; 0 where there is none.
uint64_t StatusBytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stoull(line.substr(field.size() + 1)) * 1024;
  }
  return 0;
}

// Makes VmHWM the memory of now.
bool ForgetPeak() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

class TrainingMemoryTest : public ::testing::TestWithParam<ElementType> {};

TEST_P(TrainingMemoryTest, ThePeakIsThatOfThePlan) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's own memory would be counted";
#endif
  constexpr size_t kCount = 80'000;
  IndexParameters parameters = {.dimension = 256,
                                .element_type = GetParam(),
                                .lists = 2000,
                                .subspaces = 32,
                                .plane_b = AutoPlaneB(GetParam(), Metric::kL2),
                                .plane_b_bytes = 256,
                                .seed = 1};
  const auto stored = Stored(ClusteredPoints(kCount, 256, 3), GetParam());
  malloc_trim(0);
  const uint64_t before = StatusBytes("VmRSS");
  if (!ForgetPeak() || before == 0) GTEST_SKIP() << "this system does not tell";
  ASSERT_TRUE(Train(parameters, stored, 2).ok());
  const auto peak = static_cast<double>(StatusBytes("VmHWM") - before);
  const auto planned = static_cast<double>(TrainingWorkBytes(parameters, kCount));
  EXPECT_LT(peak, 1.15 * planned);
  EXPECT_GT(peak, 0.7 * planned);
}

INSTANTIATE_TEST_SUITE_P(Types, TrainingMemoryTest,
                         ::testing::Values(ElementType::kF32, ElementType::kU8),
                         [](const auto& info) {
                           return info.param == ElementType::kU8 ? "U8" : "F32";
                         });

}  // namespace
}  // namespace kith::index
