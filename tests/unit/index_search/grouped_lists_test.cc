// Above kUngroupedLists lists stand in groups; the smallest index that has them, whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "index/encoder.h"
#include "index/list_groups.h"
#include "index/plan.h"
#include "index/search.h"
#include "index/train.h"
#include "tests/support/named_kernels.h"
#include "tests/unit/index_train/sample_points.h"

namespace kith::index {
namespace {

constexpr uint32_t kDimension = 6;
constexpr uint32_t kLists = kUngroupedLists + 40;  // the last group has 40

std::vector<std::byte> Points() {
  return Stored(ClusteredPoints(36'000, kDimension, 3), ElementType::kF32);
}

IndexParameters Parameters(Metric metric, uint32_t lists = kLists) {
  return {.dimension = kDimension,
          .metric = metric,
          .element_type = ElementType::kF32,
          .lists = lists,
          .subspaces = 3,
          .plane_b = PlaneB::kResidual,
          .plane_b_bytes = kDimension,
          .seed = 5};
}

struct Index {
  explicit Index(Metric metric)
      : stored(Points()),
        rows(stored, ElementType::kF32, kDimension),
        version(*Train(Parameters(metric), stored, 2)),
        segments{ListSegment::FromEncoded(*version,
                                          EncodeRows(*version, rows.table(), rows.All(), 2))} {}

  std::vector<Hit> Ask(const float* query, const SearchOptions& options) {
    const IndexView view = {.metric = version->parameters.metric,
                            .element_type = ElementType::kF32,
                            .dimension = kDimension,
                            .rows = rows.table(),
                            .version = version.get(),
                            .segments = segments,
                            .indexed_end = rows.table().row_end};
    EXPECT_TRUE(Search({view, query}, options, workspace, answer).ok());
    return answer.hits;
  }

  const std::vector<std::byte> stored;
  const Rows rows;
  std::shared_ptr<const IndexVersion> version;
  std::vector<std::shared_ptr<const ListSegment>> segments;
  SearchWorkspace workspace;
  SearchAnswer answer;
};

class GroupedLists : public ::testing::TestWithParam<Metric> {};

TEST_P(GroupedLists, ASearchFindsWhatAnExactOneFinds) {
  Index index(GetParam());
  EXPECT_EQ(index.version->group_codes.centroids(), GroupsOf(kLists));
  const auto queries = ClusteredPoints(60, kDimension, 3);
  size_t found = 0;
  for (size_t i = 0; i < 60; ++i) {
    const float* query = &queries[i * kDimension];
    const auto truth = index.Ask(query, {.limit = 10, .exact = true});
    const auto near = index.Ask(query, {.limit = 10, .nprobe = 256});
    for (const Hit& hit : near) {
      found +=
          std::any_of(truth.begin(), truth.end(), [&](const Hit& t) { return t.row == hit.row; });
    }
    if (i < 5) {  // all lists: whatever groups are near
      const auto all = index.Ask(
          query, {.limit = 10, .nprobe = kLists, .refine = kUnlimited, .rerank = kUnlimited});
      ASSERT_EQ(all.size(), truth.size());
      for (size_t k = 0; k < all.size(); ++k) EXPECT_EQ(all[k].row, truth[k].row);
      EXPECT_EQ(index.answer.work.lists_probed, kLists);
    }
  }
  EXPECT_GT(found, 560u);
}

INSTANTIATE_TEST_SUITE_P(Metrics, GroupedLists,
                         ::testing::Values(Metric::kL2, Metric::kInnerProduct),
                         [](const auto& info) {
                           return info.param == Metric::kL2 ? "L2" : "InnerProduct";
                         });

TEST(GroupedListsTest, AVersionComesBackWithItsGroupsAndHoldsNoBytesForThem) {
  const auto stored = Points();
  const auto version = *Train(Parameters(Metric::kL2), stored, 2);
  const std::string artifact = SerializeIndexVersion(*version);
  const auto parsed = *ParseIndexVersion(artifact);
  EXPECT_EQ(parsed->group_codes.centroids(), GroupsOf(kLists));
  EXPECT_EQ(parsed->hash, version->hash);
  const auto one_less = *Train(Parameters(Metric::kL2, kUngroupedLists), stored, 2);
  EXPECT_EQ(one_less->group_codes.centroids(), 0u);
  EXPECT_EQ(artifact.size() - SerializeIndexVersion(*one_less).size(), 40u * kDimension * 4);
  // Neighbours in number are neighbours.
  const auto step = [](const IndexVersion& of) {
    double sum = 0;
    for (uint32_t list = 0; list + 1 < kUngroupedLists; ++list) {
      for (uint32_t j = 0; j < kDimension; ++j) {
        const double difference = of.Centroid(list)[j] - of.Centroid(list + 1)[j];
        sum += difference * difference;
      }
    }
    return sum;
  };
  EXPECT_LT(step(*version), 0.2 * step(*one_less));
}

// Under every kernel table: CMakeLists.txt runs this under each.
TEST(GroupedListsTest, TrainingGivesTheBytesWrittenDownHereForAnyNumberOfThreads) {
  KITH_RUN_UNDER_NAMED_KERNELS();
  const auto stored = Points();
  const auto parameters = Parameters(Metric::kL2);
  EXPECT_EQ((*Train(parameters, stored, 2))->hash, "3d828d3c012dbd34b9197dac92b565b2") << 2;
  EXPECT_EQ((*Train(parameters, stored, 1))->hash, "3d828d3c012dbd34b9197dac92b565b2") << 1;
}

TEST(GroupedListsTest, ThePlanCountsTheMeansOfGroups) {
  IndexParameters parameters = Parameters(Metric::kL2);
  parameters.dimension = 96;
  IndexVersion version;
  version.parameters = parameters;
  version.centroids.resize(size_t{kLists} * 96);
  for (size_t i = 0; i < version.centroids.size(); ++i) {
    version.centroids[i] = static_cast<float>(i % 251) / 3;
  }
  version.codebooks.resize(256 * 96);
  DeriveImages(version);
  const auto held = static_cast<double>(
      (version.centroids.size() + version.codebooks.size() + version.codebook_columns.size()) * 4 +
      version.centroid_codes.memory_bytes() + version.group_codes.memory_bytes());
  EXPECT_NEAR(static_cast<double>(PlanBytes(parameters, 0, 1).quantizer), held, 0.03 * held);
  IndexParameters one_less = parameters;
  one_less.lists = kUngroupedLists;
  const uint64_t of_lists = uint64_t{40} * (96 * 4 + 96 + 13);
  EXPECT_EQ(PlanBytes(parameters, 0, 1).quantizer - PlanBytes(one_less, 0, 1).quantizer,
            of_lists + GroupsOf(kLists) * (96 + 13));
}

}  // namespace
}  // namespace kith::index
