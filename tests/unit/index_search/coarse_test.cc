#include "index/coarse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/unit/index_search/fabricated_index.h"

namespace kith::index {
namespace {

constexpr uint32_t kLists = 2048;
constexpr uint32_t kDimension = 12;

class CoarseTest : public ::testing::TestWithParam<Metric> {
 protected:
  CoarseTest()
      : version_(NoiseVersion(
            {.dimension = kDimension, .metric = GetParam(), .lists = kLists, .subspaces = 3},
            random_)) {}

  // By definition, in double.
  double Term(const std::vector<float>& query, uint32_t list) const {
    const float* centroid = version_->Centroid(list);
    double term = 0;
    for (uint32_t j = 0; j < kDimension; ++j) {
      const double difference = double{query[j]} - centroid[j];
      term += GetParam() == Metric::kInnerProduct ? -double{query[j]} * centroid[j]
                                                  : difference * difference;
    }
    return term;
  }
  // The full sort against what sampling finds, for every number of lists at which it samples.
  void ExpectFirstOfAll(const std::vector<float>& query) {
    CoarseStep step;
    const std::vector<ProbedList> all = step.Nearest(*version_, query.data(), kLists);
    ASSERT_EQ(all.size(), kLists);
    for (uint32_t i = 0; i < kLists; ++i) {
      ASSERT_NEAR(all[i].term, Term(query, all[i].list), 1e-2);
      if (i > 0) {
        ASSERT_LT(std::pair(all[i - 1].term, all[i - 1].list), std::pair(all[i].term, all[i].list));
      }
    }
    for (const uint32_t nprobe : {1u, 7u, 40u, 128u, 400u, 512u, 513u, 2000u}) {
      const std::vector<ProbedList>& nearest = step.Nearest(*version_, query.data(), nprobe);
      ASSERT_EQ(nearest.size(), nprobe);
      for (uint32_t i = 0; i < nprobe; ++i) {
        // Lists are chosen by a rounder number than they are sorted by.
        ASSERT_NEAR(nearest[i].term, all[i].term, 1e-2) << nprobe << " " << i;
        ASSERT_NEAR(nearest[i].term, Term(query, nearest[i].list), 1e-2);
      }
    }
  }

  std::mt19937 random_{4};
  std::shared_ptr<IndexVersion> version_;
};

TEST_P(CoarseTest, ASampledCutFindsTheFirstOfAllLists) {
  for (int i = 0; i < 20; ++i) {
    std::vector<float> query(kDimension);
    std::normal_distribution<float> normal(0, 20);
    for (float& value : query) value = normal(random_);
    ExpectFirstOfAll(query);
  }
}

TEST_P(CoarseTest, ASampleThatLiesNearerThanTheRestCostsASecondPassAndNoList) {
  // The sample is every eighth list: just these lie at the query, so the cut they give is far too
  // low for many lists.
  const std::vector<float> query(kDimension, 3);
  for (uint32_t list = 0; list < kLists; list += 8) {
    for (uint32_t j = 0; j < kDimension; ++j) {
      version_->centroids[list * kDimension + j] = 60 + 0.001f * static_cast<float>(list);
      if (GetParam() != Metric::kInnerProduct) version_->centroids[list * kDimension + j] -= 57;
    }
  }
  DeriveImages(*version_);
  ExpectFirstOfAll(query);
}

TEST_P(CoarseTest, TermsKeepTheirDigitsFarFromTheOrigin) {
  if (GetParam() == Metric::kInnerProduct) GTEST_SKIP() << "its terms are products";
  for (float& value : version_->centroids) value += 30'000;
  DeriveImages(*version_);
  const std::vector<float> query(kDimension, 30'005);
  CoarseStep step;
  for (const ProbedList& probe : step.Nearest(*version_, query.data(), 100)) {
    const double term = Term(query, probe.list);
    EXPECT_NEAR(probe.term, term, 1e-5 * term);  // floats of norms of 1e10 are 1024 apart
  }
}

INSTANTIATE_TEST_SUITE_P(Metrics, CoarseTest,
                         ::testing::Values(Metric::kL2, Metric::kInnerProduct, Metric::kCosine),
                         [](const auto& info) {
                           return info.param == Metric::kL2             ? "L2"
                                  : info.param == Metric::kInnerProduct ? "InnerProduct"
                                                                        : "Cosine";
                         });

}  // namespace
}  // namespace kith::index
