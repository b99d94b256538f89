#ifndef KITH_INDEX_GPU_CARD_FINISHER_H_
#define KITH_INDEX_GPU_CARD_FINISHER_H_

#include <cstdint>
#include <vector>

#include "index/exact_query.h"
#include "index/expiry.h"
#include "index/gpu/card_search.h"
#include "index/top_k.h"

namespace kith::index::gpu {

// Makes the answer of a search of what the card found: stored vectors of its hits, what is in
// segments elsewhere, side rows and the tail, all by exact rank. What the card did not answer is
// searched here as ever. Statuses as Search.
//
// Threads: one at a time.
class CardFinisher {
 public:
  explicit CardFinisher(SearchWorkspace& workspace) : workspace_(workspace) {}

  Status Finish(const CardView& what, const CardQuestion& question, const CardAnswer& found,
                SearchAnswer& answer);

 private:
  void OfferHits(const IndexView& view, const CardAnswer& found, Expiry& expiry, SearchWork& work);
  Status OfferElsewhere(const CardView& what, const CardQuestion& question, SearchWork& work);

  ExactQuery query_;
  TopK top_;
  std::vector<uint32_t> rows_;
  SearchWorkspace& workspace_;
};

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_CARD_FINISHER_H_
