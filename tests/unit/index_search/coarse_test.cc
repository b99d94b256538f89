#include "index/coarse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <utility>
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
  std::vector<ProbedList> FirstOf(const std::vector<float>& query, uint32_t nprobe) {
    CoarseStep step;
    CoarseStep* const steps[] = {&step};
    step.Bind(*version_, query.data());
    CoarseStep::Score(steps);
    step.Pick(nprobe);
    std::vector<ProbedList> all;
    for (auto some = step.More(); !some.empty(); some = step.More()) {
      all.insert(all.end(), some.begin(), some.end());
    }
    std::sort(all.begin(), all.end(), [](const ProbedList& a, const ProbedList& b) {
      return std::pair(a.term, a.list) < std::pair(b.term, b.list);
    });
    return all;
  }
  // What sampling and selection find against the full sort, for numbers of lists at which it
  // samples and others.
  void ExpectFirstOfAll(const std::vector<float>& query) {
    const std::vector<ProbedList> all = FirstOf(query, kLists);
    ASSERT_EQ(all.size(), kLists);
    for (uint32_t i = 0; i < kLists; ++i) {
      ASSERT_NEAR(all[i].term, Term(query, all[i].list), 1e-2);
      if (i > 0) {
        ASSERT_LT(std::pair(all[i - 1].term, all[i - 1].list), std::pair(all[i].term, all[i].list));
      }
    }
    for (const uint32_t nprobe : {1u, 7u, 40u, 128u, 400u, 512u, 513u, 2000u}) {
      const std::vector<ProbedList> nearest = FirstOf(query, nprobe);
      ASSERT_EQ(nearest.size(), nprobe);
      std::set<uint32_t> lists;
      for (uint32_t i = 0; i < nprobe; ++i) {
        lists.insert(nearest[i].list);
        // A byte's step away at most from what floats would have chosen.
        ASSERT_LE(nearest[i].term, all[i].term + StepError(query)) << nprobe << " " << i;
        ASSERT_NEAR(nearest[i].term, Term(query, nearest[i].list), 1e-2);
      }
      ASSERT_EQ(lists.size(), nprobe);
    }
  }
  // How far the byte codes can mislead about a term: generously, twice the errors of half a step in
  // every dimension.
  float StepError(const std::vector<float>& query) const {
    const auto [low, high] =
        std::minmax_element(version_->centroids.begin(), version_->centroids.end());
    const float step = (*high - *low) / 255;
    float longest = 0;
    for (const float value : query) longest = std::max(longest, std::abs(value));
    longest = std::max({longest, std::abs(*low), std::abs(*high)});
    return 2 * 2 * kDimension * step * 2 * longest;
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
  for (const ProbedList& probe : FirstOf(query, 100)) {
    const double term = Term(query, probe.list);
    EXPECT_NEAR(probe.term, term, 1e-5 * term);  // floats of norms of 1e10 are 1024 apart
  }
}

TEST_P(CoarseTest, ListsAreHandedOutNearestFirstAFewAtATime) {
  const std::vector<float> query(kDimension, 3);
  CoarseStep step;
  CoarseStep* const steps[] = {&step};
  step.Bind(*version_, query.data());
  CoarseStep::Score(steps);
  step.Pick(200);
  EXPECT_EQ(step.Rest().size(), 200u);
  std::set<uint32_t> lists;
  float farthest = -std::numeric_limits<float>::infinity();
  for (auto some = step.More(); !some.empty(); some = step.More()) {
    EXPECT_LT(some.size(), 100u);
    // Ordered among themselves, and after those before, but for the bytes' error.
    EXPECT_TRUE(std::is_sorted(some.begin(), some.end(),
                               [](const auto& a, const auto& b) { return a.term < b.term; }));
    EXPECT_GT(some.front().term, farthest - StepError(query));
    farthest = some.back().term;
    for (const ProbedList& probe : some) lists.insert(probe.list);
    EXPECT_EQ(lists.size() + step.Rest().size(), 200u);
  }
  EXPECT_EQ(lists.size(), 200u);
}

TEST_P(CoarseTest, OfCentroidsAndQueriesInBytesTheTermsAreExact) {
  if (GetParam() == Metric::kInnerProduct) GTEST_SKIP() << "its terms are products";
  for (float& value : version_->centroids) value = static_cast<float>(random_() % 256);
  DeriveImages(*version_);
  ASSERT_TRUE(version_->centroid_codes.exact());
  std::vector<float> query(kDimension);
  for (float& value : query) value = static_cast<float>(random_() % 256);
  const std::vector<ProbedList> all = FirstOf(query, kLists);
  for (uint32_t i = 0; i < kLists; ++i) {
    ASSERT_EQ(all[i].term, static_cast<float>(Term(query, all[i].list)));
  }
  // A query between the bytes is measured in floats.
  query[3] += 0.5f;
  for (const ProbedList& probe : FirstOf(query, 100)) {
    ASSERT_EQ(probe.term, static_cast<float>(Term(query, probe.list)));
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
