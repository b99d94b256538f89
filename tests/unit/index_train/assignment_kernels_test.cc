#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "index/kernels/kernel_table.h"
#include "tests/unit/index_train/guarded_bytes.h"

namespace kith::index {
namespace {

class AssignmentKernelsTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    table_ = FindKernels(GetParam());
    if (table_ == nullptr) GTEST_SKIP() << "this machine has no " << GetParam();
  }

  static uint8_t& Byte(std::vector<uint8_t>& bytes, size_t width, size_t vector, size_t j) {
    constexpr size_t kLanes = BytePanels::kLanes;
    return bytes[vector / kLanes * kLanes * width + j / 4 * 4 * kLanes + vector % kLanes * 4 +
                 j % 4];
  }

  static void ExpectByDefinition(const BytePanels& panels, const int8_t* query, uint32_t nearest,
                                 const PanelCandidate* candidates) {
    constexpr size_t kLanes = BytePanels::kLanes;
    constexpr int32_t kNever = std::numeric_limits<int32_t>::max();
    PanelCandidate best = {kNever, 0};
    std::vector<PanelCandidate> classes(PanelCandidate::kClasses, best);
    for (uint32_t v = 0; v < panels.panels * kLanes; ++v) {
      int32_t score = panels.bias[v];
      for (size_t j = 0; j < panels.width; ++j) {
        score += panels.bytes[v / kLanes * kLanes * panels.width + j / 4 * 4 * kLanes +
                              v % kLanes * 4 + j % 4] *
                 query[j];
      }
      if (score < best.score) best = {score, v};
      PanelCandidate& of_class = classes[v % PanelCandidate::kClasses];
      if (score < of_class.score) of_class = {score, v};
    }
    ASSERT_EQ(nearest, best.vector);
    for (size_t i = 0; i < classes.size(); ++i) {
      ASSERT_EQ(candidates[i].score, classes[i].score) << i;
      ASSERT_EQ(candidates[i].vector, classes[i].vector) << i;
    }
  }

  const KernelTable* table_ = nullptr;
  std::mt19937 bits_{20};
};

TEST_P(AssignmentKernelsTest, ByteCodesAreTheNearestWithinTheRange) {
  for (size_t n = 0; n <= 70; ++n) {
    std::vector<float> values(n);
    std::vector<float> low(n);
    std::vector<float> inverse(n);
    for (size_t j = 0; j < n; ++j) {
      values[j] = static_cast<float>(bits_() % 4000) * 0.1f - 100;
      low[j] = static_cast<float>(bits_() % 100) - 50;
      inverse[j] = 0.5f + static_cast<float>(bits_() % 100) * 0.01f;
    }
    if (n > 9) values[9] = std::nanf("");
    if (n > 33) values[33] = std::numeric_limits<float>::infinity();
    const GuardedCopy<float> guarded_values(values, n);
    const GuardedCopy<float> guarded_low(low, n);
    const GuardedCopy<float> guarded_inverse(inverse, n);
    std::vector<int8_t> out(n + 1, 77);
    table_->byte_codes(guarded_values.data(), guarded_low.data(), guarded_inverse.data(), n,
                       out.data());
    for (size_t j = 0; j < n; ++j) {
      const float scaled = (values[j] - low[j]) * inverse[j] + 0.5f;
      const int expected = !(scaled > 0) ? 0 : scaled > 255 ? 255 : static_cast<int>(scaled);
      ASSERT_EQ(out[j], expected - 128) << n << " " << j;
    }
    EXPECT_EQ(out[n], 77) << "nothing behind is written";
  }
}

TEST_P(AssignmentKernelsTest, NearestAndCandidatesFollowTheirDefinition) {
  for (const size_t width : {4, 8, 20, 128, 4096}) {
    for (const size_t panels : {1, 3, 40}) {
      if (width * panels > 20'000) continue;
      const size_t vectors = panels * BytePanels::kLanes;
      std::vector<uint8_t> bytes(vectors * width);
      std::vector<int32_t> bias(vectors);
      // Few values, so that many are equal.
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(254 + bits_() % 2);
      for (int32_t& value : bias) value = static_cast<int32_t>(bits_() % 3);
      for (size_t v = vectors - 5; v < vectors; ++v) {  // padding
        bias[v] = std::numeric_limits<int32_t>::max();
        for (size_t j = 0; j < width; ++j) Byte(bytes, width, v, j) = 0;
      }
      constexpr size_t kQueries = 391;  // more than a block, and a rest
      std::vector<int8_t> queries(kQueries * width);
      for (int8_t& value : queries) value = static_cast<int8_t>(bits_() % 2);
      const BytePanels all = {bytes.data(), bias.data(), panels, width};
      std::vector<uint32_t> nearest(kQueries);
      std::vector<PanelCandidate> candidates(kQueries * PanelCandidate::kClasses);
      table_->panel_nearest(all, queries.data(), kQueries, nearest.data());
      table_->panel_candidates(all, queries.data(), kQueries, candidates.data());
      for (size_t q = 0; q < kQueries; q += 13) {
        ExpectByDefinition(all, &queries[q * width], nearest[q],
                           &candidates[q * PanelCandidate::kClasses]);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, AssignmentKernelsTest,
                         ::testing::Values("portable", "avx2", "avx512"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace kith::index
