// The contract between a card and the processor (docs/gpu.md): of the same lists a card finds the
// same rows with the same scores, to the bit, whatever the metric, the element type, the length of
// plane A, the number of queries at once, deletes and updates.
//
//   kith_card_contract [--card N | --card emulated] [--seeds N]
//
// Ends with 1 where an answer differs, 3 where there is no such card.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/gpu/emulated_card.h"
#include "tests/unit/index_gpu/card_collection.h"

namespace kith::index::gpu {
namespace {

struct Tally {
  uint64_t searches = 0;
  uint64_t on_card = 0;
  uint64_t with_ties = 0;  // at a cut: the card goes on with all of them
  uint64_t different = 0;
};

// Whether a hit list is right: the same, or, where ties were cut, as near at every place.
enum class Ties { kNone, kAtACut };

bool IsRight(const std::vector<Hit>& card, const std::vector<Hit>& host, Ties ties) {
  if (card.size() != host.size()) return false;
  for (size_t i = 0; i < host.size(); ++i) {
    if (card[i].rank > host[i].rank) return false;
    if (ties == Ties::kNone && (card[i].row != host[i].row || card[i].rank != host[i].rank))
      return false;
  }
  return true;
}

struct Asked {
  SearchOptions options;
  uint32_t queries = 0;
};

void Compare(ResidentIndex& index, CardCollection& collection, const Asked& wanted, Tally& tally) {
  const auto& [options, queries] = wanted;
  const IndexView view = collection.View();
  const CardScope scope = ScopeOf(index, view);
  std::vector<std::vector<std::byte>> vectors;
  std::vector<CardQuestion> questions;
  for (uint32_t i = 0; i < queries; ++i) vectors.push_back(collection.RandomQuery());
  for (const auto& vector : vectors) questions.push_back({vector.data(), &options});
  std::vector<CardAnswer> found(queries);
  SearchWorkspace workspace;
  CardAsker asker;
  CardFinisher finisher(workspace);
  const Status asked = asker.Ask(index, {view, scope}, questions, found);
  if (!asked.ok()) {
    std::printf("card_contract: %s\n", asked.message().c_str());
    tally.different += queries;
    return;
  }
  for (uint32_t i = 0; i < queries; ++i) {
    SearchAnswer of_card;
    SearchAnswer of_host;
    (void)finisher.Finish({view, scope}, questions[i], found[i], of_card);
    (void)Search({view, vectors[i].data()}, options, workspace, of_host);
    const bool has_ties = found[i].result.found > std::max(options.refine, options.limit) ||
                          found[i].hits.size() > std::max(options.rerank, options.limit);
    ++tally.searches;
    tally.on_card += found[i].is_of_card;
    tally.with_ties += has_ties;
    tally.different += !IsRight(of_card.hits, of_host.hits, has_ties ? Ties::kAtACut : Ties::kNone);
  }
}

bool CheckShape(Card& card, const CollectionShape& shape, uint32_t seed, Tally& tally) {
  CardCollection collection(shape, seed);
  ResidentOptions options = collection.Options();
  options.limits.batch_max = 64;
  const auto index = LoadAll(card, collection, options);
  if (index == nullptr) {
    std::printf("card_contract: an index of %u dimensions and %u bytes does not load\n",
                shape.dimension, shape.subspaces);
    return false;
  }
  for (const uint32_t queries : {1u, 7u, 64u}) {
    SearchOptions range;
    range.nprobe = 6;
    range.refine = range.rerank = 60;
    range.rank_bound = 10'000;  // the nearest of the noise
    Compare(*index, collection, {range, queries}, tally);
    for (const uint32_t nprobe : {1u, 6u, shape.lists}) {
      SearchOptions search;
      search.nprobe = nprobe;
      search.refine = 60;
      search.rerank = 20;
      Compare(*index, collection, {search, queries}, tally);
      search.refine = search.rerank = 1000;  // more than there are: nothing is cut
      Compare(*index, collection, {search, queries}, tally);
    }
    std::vector<uint32_t> dead;
    for (uint32_t row = queries; row < shape.points; row += 5) dead.push_back(row);
    collection.tombstones = collection.tombstones.With(dead);
  }
  options.pair_visits = 0;
  const auto pairs = LoadAll(card, collection, options);
  if (pairs == nullptr) return false;
  SearchOptions search;
  search.nprobe = 6;
  search.refine = 60;
  search.rerank = 20;
  Compare(*pairs, collection, {search, 9}, tally);
  return true;
}

std::vector<CollectionShape> Shapes() {
  std::vector<CollectionShape> shapes;
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
    for (const ElementType type : {ElementType::kF32, ElementType::kF16, ElementType::kU8}) {
      CollectionShape shape;
      shape.metric = metric;
      shape.type = type;
      shapes.push_back(shape);
    }
  }
  for (const uint32_t subspaces : {1u, 4u, 8u, 15u, 20u, 24u, 28u, 32u, 33u, 48u, 56u, 64u}) {
    CollectionShape shape;
    shape.dimension = std::max(subspaces, 96u);
    shape.subspaces = subspaces;
    shapes.push_back(shape);
  }
  for (const uint32_t dimension : {512u, 768u}) {
    CollectionShape shape;
    shape.dimension = dimension;
    shape.subspaces = 64;
    shape.points = 200;
    shapes.push_back(shape);
  }
  return shapes;
}

int Run(Card& card, uint32_t seeds) {
  Tally tally;
  bool loads = true;
  for (uint32_t seed = 1; seed <= seeds; ++seed) {
    for (const CollectionShape& shape : Shapes()) loads &= CheckShape(card, shape, seed, tally);
  }
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "card_contract: %s: %llu searches, %llu of them on the card, %llu with ties at a cut, "
      "%llu different\n",
      card.report().name.c_str(), number(tally.searches), number(tally.on_card),
      number(tally.with_ties), number(tally.different));
  // Ties are few where biases are random; a contract that leaves out much says little.
  const bool says_enough =
      tally.on_card > tally.searches / 10 * 9 && tally.with_ties < tally.searches / 10;
  return loads && says_enough && tally.different == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kith::index::gpu

int main(int argc, char** argv) {
  std::string which = "0";
  uint32_t seeds = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--card") == 0) which = argv[i + 1];
    if (std::strcmp(argv[i], "--seeds") == 0) {
      seeds = static_cast<uint32_t>(std::strtoul(argv[i + 1], nullptr, 10));
    }
  }
  if (which == "emulated") {
    kith::testing::EmulatedCard card({.schedule = kith::testing::Schedule::kShuffled});
    return kith::index::gpu::Run(card, seeds);
  }
  const auto number = static_cast<uint32_t>(std::strtoul(which.c_str(), nullptr, 10));
  auto card = kith::index::gpu::OpenCard(number);
  if (!card.ok()) {
    std::fprintf(stderr, "card_contract: %s\n", card.status().message().c_str());
    return 3;
  }
  return kith::index::gpu::Run(**card, seeds);
}
