#ifndef KITH_INDEX_GPU_CARD_SEARCH_H_
#define KITH_INDEX_GPU_CARD_SEARCH_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "index/gpu/resident_index.h"
#include "index/search.h"

// A search with a card: the card looks at codes, the host at stored vectors. First a batch is asked
// of the card (card_asker.h), then each answer is finished on the host (card_finisher.h), on any
// thread, while the card goes on.
namespace kith::index::gpu {

struct CardQuestion {
  const void* vector = nullptr;  // as in Query
  const SearchOptions* options = nullptr;
};

// What the card found for one query.
struct CardAnswer {
  // False where the query was not for the card (more lists than its scratch has room for, ties that
  // fill it, exact search, no valid query; under a filter also where segments are elsewhere): the
  // host answers it alone.
  bool is_of_card = false;
  QueryResult result;
  std::vector<uint64_t> hits;  // order of the rank above, row below
};

// Which segments of a view the card answers for.
struct CardScope {
  std::vector<std::shared_ptr<const ListSegment>> on_card;
  std::vector<std::shared_ptr<const ListSegment>> elsewhere;
};
// What is searched, and which of it on the card; somebody else's.
struct CardView {
  const IndexView& view;
  const CardScope& scope;
};
CardScope ScopeOf(const ResidentIndex& index, const IndexView& view);
// Whether all of it is for the host: the lists that a filter wants are counted over all segments.
bool IsForHost(const CardView& what);

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_CARD_SEARCH_H_
