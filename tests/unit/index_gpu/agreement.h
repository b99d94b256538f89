#ifndef KITH_TESTS_UNIT_INDEX_GPU_AGREEMENT_H_
#define KITH_TESTS_UNIT_INDEX_GPU_AGREEMENT_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/index_gpu/card_collection.h"

// Searches with a card beside those without one.
namespace kith::index::gpu {

struct Asked {
  std::vector<SearchAnswer> of_card;
  std::vector<SearchAnswer> of_cpu;
  std::vector<CardAnswer> raw;
};

inline Asked AskBoth(ResidentIndex& index, CardCollection& collection, const SearchOptions& options,
                     uint32_t count) {
  const IndexView view = collection.View();
  std::vector<std::vector<std::byte>> queries;
  std::vector<CardQuestion> questions;
  for (uint32_t i = 0; i < count; ++i) queries.push_back(collection.RandomQuery());
  for (const auto& query : queries) questions.push_back({query.data(), &options});
  Asked asked;
  asked.raw.resize(count);
  asked.of_card.resize(count);
  asked.of_cpu.resize(count);
  CardAsker asker;
  SearchWorkspace workspace;
  CardFinisher finisher(workspace);
  const CardScope scope = ScopeOf(index, view);
  EXPECT_TRUE(asker.Ask(index, {view, scope}, questions, asked.raw).ok());
  for (uint32_t i = 0; i < count; ++i) {
    EXPECT_TRUE(finisher.Finish({view, scope}, questions[i], asked.raw[i], asked.of_card[i]).ok());
    EXPECT_TRUE(Search({view, queries[i].data()}, options, workspace, asked.of_cpu[i]).ok());
  }
  return asked;
}

// Where ranks of plane A or B tie at a cut, the CPU goes on with those of the smaller keys and the
// card with all of them: its hits are as near or nearer.
inline bool IsTied(const CardAnswer& answer, const SearchOptions& options) {
  return answer.result.found > std::max(options.refine, options.limit) ||
         answer.hits.size() > std::max(options.rerank, options.limit);
}
inline uint32_t ExpectSameHitsButForTies(const Asked& asked, const SearchOptions& options) {
  uint32_t tied = 0;
  for (size_t i = 0; i < asked.of_card.size(); ++i) {
    const auto& card = asked.of_card[i].hits;
    const auto& cpu = asked.of_cpu[i].hits;
    EXPECT_EQ(card.size(), cpu.size());
    const bool is_tied = IsTied(asked.raw[i], options);
    tied += is_tied;
    for (size_t hit = 0; hit < std::min(card.size(), cpu.size()); ++hit) {
      EXPECT_LE(card[hit].rank, cpu[hit].rank) << "query " << i << " hit " << hit;
      if (is_tied) continue;
      EXPECT_EQ(card[hit].row, cpu[hit].row) << "query " << i << " hit " << hit;
      EXPECT_EQ(card[hit].rank, cpu[hit].rank) << "query " << i << " hit " << hit;
    }
  }
  return tied;
}

inline void ExpectSameHits(const Asked& asked) {
  for (size_t i = 0; i < asked.of_card.size(); ++i) {
    const auto& card = asked.of_card[i].hits;
    const auto& cpu = asked.of_cpu[i].hits;
    ASSERT_EQ(card.size(), cpu.size()) << "query " << i;
    for (size_t hit = 0; hit < cpu.size(); ++hit) {
      ASSERT_EQ(card[hit].row, cpu[hit].row) << "query " << i << " hit " << hit;
      ASSERT_EQ(card[hit].rank, cpu[hit].rank);
    }
  }
}

inline void ExpectSameWork(const Asked& asked, const SearchOptions& options) {
  for (size_t i = 0; i < asked.of_card.size(); ++i) {
    if (IsTied(asked.raw[i], options)) continue;
    const SearchWork& card = asked.of_card[i].work;
    const SearchWork& cpu = asked.of_cpu[i].work;
    EXPECT_EQ(card.lists_probed, cpu.lists_probed);
    EXPECT_EQ(card.rows_scanned, cpu.rows_scanned);
    EXPECT_EQ(card.rows_exact, cpu.rows_exact);
    EXPECT_EQ(card.rows_refined, cpu.rows_refined);
    EXPECT_EQ(card.rows_reranked, cpu.rows_reranked);
    EXPECT_EQ(card.codes_planned, cpu.codes_planned);
    EXPECT_EQ(card.codes_done, cpu.codes_done);
  }
}

struct Case {
  std::string name;
  CollectionShape shape;
};
inline void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

inline std::vector<Case> Cases() {
  std::vector<Case> cases;
  const std::pair<const char*, Metric> metrics[] = {
      {"l2", Metric::kL2}, {"ip", Metric::kInnerProduct}, {"cosine", Metric::kCosine}};
  const std::pair<const char*, ElementType> types[] = {
      {"f32", ElementType::kF32}, {"f16", ElementType::kF16}, {"u8", ElementType::kU8}};
  for (const auto& [metric_name, metric] : metrics) {
    for (const auto& [type_name, type] : types) {
      CollectionShape shape;
      shape.metric = metric;
      shape.type = type;
      cases.push_back({std::string(metric_name) + "_" + type_name, shape});
    }
  }
  for (const auto& [dimension, subspaces] :
       {std::pair(1u, 1u), std::pair(7u, 3u), std::pair(96u, 24u), std::pair(100u, 33u),
        std::pair(130u, 64u), std::pair(512u, 32u), std::pair(768u, 64u)}) {
    CollectionShape shape;
    shape.dimension = dimension;
    shape.subspaces = subspaces;
    shape.points = 300;
    shape.tail = 5;
    cases.push_back({"d" + std::to_string(dimension) + "_m" + std::to_string(subspaces), shape});
  }
  return cases;
}

}  // namespace kith::index::gpu

#endif  // KITH_TESTS_UNIT_INDEX_GPU_AGREEMENT_H_
