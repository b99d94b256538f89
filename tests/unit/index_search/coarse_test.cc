#include "index/coarse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "index/list_groups.h"
#include "index/train.h"
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
    const float error = StepError(query);
    for (const uint32_t nprobe : {1u, 7u, 40u, 128u, 400u, 512u, 513u, 2000u}) {
      const std::vector<ProbedList> nearest = FirstOf(query, nprobe);
      ASSERT_EQ(nearest.size(), nprobe);
      std::set<uint32_t> lists;
      for (uint32_t i = 0; i < nprobe; ++i) {
        lists.insert(nearest[i].list);
        // A byte's step away at most from what floats would have chosen.
        ASSERT_LE(nearest[i].term, all[i].term + error) << nprobe << " " << i;
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
  for (int i = 0; i < 4; ++i) {
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

// Of so many that a query does not look at all: 8,163, the last group is short.
class GroupedCoarseTest : public ::testing::TestWithParam<Metric> {
 protected:
  static constexpr uint32_t kMany = 8163;

  GroupedCoarseTest()
      : version_(NoiseVersion(
            {.dimension = kDimension, .metric = GetParam(), .lists = kMany, .subspaces = 3},
            random_)) {
    TrainingControl control;
    Pace pace(control, 1);
    EXPECT_TRUE(GroupRows(kDimension, pace, version_->centroids));
    DeriveImages(*version_);
    flat_ = *version_;
    Group();
  }
  void Group() {
    version_->group_codes = GroupCodes({version_->centroids.data(), kMany, kDimension},
                                       version_->centroid_codes.range());
  }
  std::vector<float> Query() {
    std::normal_distribution<float> normal(0, 20);
    std::vector<float> query(kDimension);
    for (float& value : query) value = normal(random_);
    return query;
  }
  static std::set<uint32_t> Picked(const IndexVersion& version, const std::vector<float>& query,
                                   uint32_t nprobe) {
    CoarseStep step;
    CoarseStep* const steps[] = {&step};
    step.Bind(version, query.data());
    CoarseStep::Score(steps);
    step.Pick(nprobe);
    const std::set<uint32_t> lists(step.Rest().begin(), step.Rest().end());
    EXPECT_EQ(lists.size(), step.Rest().size());
    return lists;
  }

  std::mt19937 random_{4};
  std::shared_ptr<IndexVersion> version_;
  IndexVersion flat_;  // the same lists, not grouped
};

TEST_P(GroupedCoarseTest, AFewListsAreNearlyThoseOfAllAndManyAreThose) {
  for (const uint32_t nprobe : {1u, 16u, 100u, 192u, 5000u, kMany, kMany + 1000}) {
    size_t same = 0;
    size_t wanted = 0;
    for (int i = 0; i < 20; ++i) {
      const std::vector<float> query = Query();
      const std::set<uint32_t> grouped = Picked(*version_, query, nprobe);
      EXPECT_EQ(grouped.size(), std::min(nprobe, kMany));
      EXPECT_LT(*grouped.rbegin(), kMany) << "no padding";
      for (const uint32_t list : Picked(flat_, query, nprobe)) same += grouped.count(list);
      wanted += grouped.size();
    }
    // 192 lists need all groups, and then nothing is missing.
    const double least = nprobe >= 192 ? 1 : 0.8;
    EXPECT_GE(static_cast<double>(same), least * static_cast<double>(wanted)) << nprobe;
  }
}

TEST_P(GroupedCoarseTest, QueriesOfOneCallAreAnsweredAsAlone) {
  std::vector<std::vector<float>> queries;
  std::vector<CoarseStep> steps(11);
  std::vector<CoarseStep*> pointers;
  for (CoarseStep& step : steps) {
    queries.push_back(Query());
    pointers.push_back(&step);
  }
  for (size_t i = 0; i < steps.size(); ++i) steps[i].Bind(*version_, queries[i].data());
  CoarseStep::Score(pointers);
  for (size_t i = 0; i < steps.size(); ++i) {
    steps[i].Pick(40);
    const std::set<uint32_t> lists(steps[i].Rest().begin(), steps[i].Rest().end());
    EXPECT_EQ(lists, Picked(*version_, queries[i], 40)) << i;
  }
}

TEST_P(GroupedCoarseTest, ListsAndTermsBelongTogether) {
  const std::vector<float> query = Query();
  CoarseStep step;
  CoarseStep* const steps[] = {&step};
  step.Bind(*version_, query.data());
  CoarseStep::Score(steps);
  step.Pick(60);
  for (auto some = step.More(); !some.empty(); some = step.More()) {
    for (const ProbedList& probe : some) {
      double term = 0;
      for (uint32_t j = 0; j < kDimension; ++j) {
        const double c = version_->Centroid(probe.list)[j];
        term +=
            GetParam() == Metric::kInnerProduct ? -query[j] * c : (query[j] - c) * (query[j] - c);
      }
      EXPECT_NEAR(probe.term, term, 1e-2);
    }
  }
}

TEST_P(GroupedCoarseTest, OfEqualListsTheFirstArePicked) {
  std::fill(version_->centroids.begin(), version_->centroids.end(), 2.0f);
  DeriveImages(*version_);
  Group();
  const std::set<uint32_t> lists = Picked(*version_, Query(), 70);
  EXPECT_EQ(*lists.rbegin(), 69u);
}

INSTANTIATE_TEST_SUITE_P(Metrics, GroupedCoarseTest,
                         ::testing::Values(Metric::kL2, Metric::kInnerProduct, Metric::kCosine),
                         [](const auto& info) {
                           return info.param == Metric::kL2             ? "L2"
                                  : info.param == Metric::kInnerProduct ? "InnerProduct"
                                                                        : "Cosine";
                         });

INSTANTIATE_TEST_SUITE_P(Metrics, CoarseTest,
                         ::testing::Values(Metric::kL2, Metric::kInnerProduct, Metric::kCosine),
                         [](const auto& info) {
                           return info.param == Metric::kL2             ? "L2"
                                  : info.param == Metric::kInnerProduct ? "InnerProduct"
                                                                        : "Cosine";
                         });

}  // namespace
}  // namespace kith::index
