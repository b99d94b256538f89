// The lists that the kernels pick are the lists that the CPU picks, with the same terms.
#include "index/coarse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/unit/index_gpu/card_collection.h"

namespace kith::index::gpu {
namespace {

using ::kith::testing::EmulatedCard;
using ::kith::testing::Schedule;

struct Case {
  const char* name;
  CollectionShape shape;
  uint32_t nprobe;
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

CollectionShape Shaped(Metric metric, ElementType type, uint32_t lists, uint32_t dimension) {
  CollectionShape shape;
  shape.metric = metric;
  shape.type = type;
  shape.lists = lists;
  shape.dimension = dimension;
  shape.points = 100;
  return shape;
}
CollectionShape Whole(uint32_t lists, uint32_t dimension) {
  CollectionShape shape = Shaped(Metric::kL2, ElementType::kU8, lists, dimension);
  shape.whole_centroids = true;
  return shape;
}

std::vector<ProbedList> OfCpu(const IndexVersion& version, const float* query, uint32_t nprobe) {
  CoarseStep step;
  step.Bind(version, query);
  CoarseStep* const steps[] = {&step};
  CoarseStep::Score(steps);
  step.Pick(nprobe);
  std::vector<ProbedList> lists;
  for (auto more = step.More(); !more.empty(); more = step.More()) {
    lists.insert(lists.end(), more.begin(), more.end());
  }
  std::sort(lists.begin(), lists.end(), [](const ProbedList& a, const ProbedList& b) {
    return a.term != b.term ? a.term < b.term : a.list < b.list;
  });
  return lists;
}

// Where the scratch of all batches is: the first query is asked once more, and the others' stays.
BatchView ScratchOf(ResidentIndex& index) {
  const Tombstones none;
  const auto running = index.Start({{}, none, 0, nullptr}, {0, 1});
  EXPECT_TRUE(running.ok());
  EXPECT_TRUE(index.Await(*running).ok());
  return running->view;
}

class CoarseOnCard : public ::testing::TestWithParam<Case> {};

TEST_P(CoarseOnCard, Picks_the_lists_of_the_cpu_in_order_of_the_same_terms) {
  const auto& [name, shape, nprobe] = GetParam();
  for (const Schedule schedule : {Schedule::kInOrder, Schedule::kShuffled}) {
    CardCollection collection(shape, 3);
    EmulatedCard card({.schedule = schedule});
    ResidentOptions options = collection.Options();
    options.limits.probes_max = 600;
    options.limits.entries_max = 1024;
    const auto index = LoadAll(card, collection, options);
    ASSERT_NE(index, nullptr);
    const IndexView view = collection.View();
    SearchOptions search;
    search.nprobe = nprobe;
    std::vector<std::vector<std::byte>> queries;
    std::vector<CardQuestion> questions;
    for (int i = 0; i < 8; ++i) queries.push_back(collection.RandomQuery());
    for (const auto& query : queries) questions.push_back({query.data(), &search});
    std::vector<CardAnswer> answers(queries.size());
    CardAsker asker;
    ASSERT_TRUE(asker.Ask(*index, {view, ScopeOf(*index, view)}, questions, answers).ok());
    const BatchView batch = ScratchOf(*index);
    for (uint32_t i = 0; i < queries.size(); ++i) {
      ExactQuery query;
      ASSERT_TRUE(query.Bind(view, queries[i].data()).ok());
      const auto expected = OfCpu(*collection.version, query.decoded(), nprobe);
      ASSERT_EQ(expected.size(), std::min(nprobe, shape.lists));
      for (uint32_t order = 0; order < expected.size(); ++order) {
        const Probe& probe = batch.probes[size_t{i} * batch.probes_max + order];
        ASSERT_EQ(probe.list, expected[order].list) << "query " << i << " probe " << order;
        ASSERT_EQ(probe.term, expected[order].term);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, CoarseOnCard,
    ::testing::Values(
        Case{"l2", Shaped(Metric::kL2, ElementType::kF32, 130, 24), 17},
        Case{"one_list", Shaped(Metric::kL2, ElementType::kF32, 1, 24), 1},
        Case{"all_lists", Shaped(Metric::kL2, ElementType::kF32, 65, 33), 65},
        Case{"one_of_many", Shaped(Metric::kL2, ElementType::kF32, 1000, 12), 1},
        Case{"odd_dimension", Shaped(Metric::kCosine, ElementType::kF32, 200, 37), 40},
        Case{"inner_product", Shaped(Metric::kInnerProduct, ElementType::kF32, 300, 64), 20},
        Case{"more_than_the_panels", Whole(256, 96), 100},
        Case{"whole_numbers", Whole(500, 16), 30},
        // 2,000 lists of 12 dimensions do not fit the scratch at once.
        Case{"more_than_the_scratch", Shaped(Metric::kL2, ElementType::kF32, 2000, 12), 500}));

TEST(CoarseOnCardTies, Lists_that_lie_alike_are_picked_by_their_numbers) {
  CollectionShape shape = Whole(200, 16);
  CardCollection collection(shape, 5);
  // Twenty centroids, ten times each.
  auto& centroids = collection.version->centroids;
  for (uint32_t list = 20; list < 200; ++list) {
    std::copy_n(&centroids[list % 20 * 16], 16, &centroids[list * 16]);
  }
  DeriveImages(*collection.version);
  EmulatedCard card({.schedule = Schedule::kShuffled});
  const auto index = LoadAll(card, collection, collection.Options());
  const IndexView view = collection.View();
  const auto vector = collection.RandomQuery();
  SearchOptions search;
  search.nprobe = 13;
  const CardQuestion question = {vector.data(), &search};
  CardAnswer answer;
  CardAsker asker;
  ASSERT_TRUE(asker.Ask(*index, {view, ScopeOf(*index, view)}, {&question, 1}, {&answer, 1}).ok());
  const BatchView batch = ScratchOf(*index);
  ExactQuery query;
  ASSERT_TRUE(query.Bind(view, vector.data()).ok());
  const auto expected = OfCpu(*collection.version, query.decoded(), 13);
  for (uint32_t order = 0; order < 13; ++order) {
    EXPECT_EQ(batch.probes[order].list, expected[order].list);
  }
}

}  // namespace
}  // namespace kith::index::gpu
