#ifndef KITH_INDEX_GPU_CARD_SEARCH_H_
#define KITH_INDEX_GPU_CARD_SEARCH_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "index/gpu/resident_index.h"
#include "index/search.h"
#include "index/search_pass.h"

// A search with a card: the card looks at codes, the host at stored vectors. First a batch is asked
// of the card, then each answer is finished on the host, on any thread, while the card goes on.
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

// Asks the card: questions become batches, and while one runs the next is encoded.
//
// Threads: as the card.
class CardAsker {
 public:
  // Starts the batches of these questions. The last of them may still run when this returns:
  // the index and `answers` (of the same number) stay until Await. The view's version is the
  // index'. The ticket is for Await.
  // kFailedPrecondition GPU_LOST, kResourceExhausted GPU_OUT_OF_MEMORY (for more tombstones).
  Result<uint64_t> Begin(ResidentIndex& index, const CardView& what,
                         std::span<const CardQuestion> questions, std::span<CardAnswer> answers);
  // Returns when the answers of that call and of those before it stand.
  Status Await(uint64_t ticket);
  // Whether they do; takes the answers of what the card has done.
  Result<bool> IsDone(uint64_t ticket);
  // Leaves what is under way unanswered: the card failed.
  void Drop();

  // Both.
  Status Ask(ResidentIndex& index, const CardView& what, std::span<const CardQuestion> questions,
             std::span<CardAnswer> answers);

 private:
  struct Flight {
    ResidentIndex* index;
    ResidentIndex::Running running;
    std::vector<uint32_t> which;  // of the answers
    std::span<CardAnswer> answers;
  };

  uint32_t slot() const { return static_cast<uint32_t>(begun_ % ResidentIndex::kBatches); }
  bool Encode(ResidentIndex& index, const IndexView& view, const CardQuestion& question,
              uint32_t place);
  void EncodeForLists(const IndexVersion& version, HostBatch& batch, uint32_t place);
  bool PickLists(ResidentIndex& index, const IndexView& view, const CardQuestion& question,
                 uint32_t place);
  Status StartBatch(ResidentIndex& index, const CardView& what, std::vector<uint32_t> which,
                    std::span<CardAnswer> answers);
  Status MakeRoom();
  Status EndOldest();

  SearchLane lane_;  // of it, without a filter, the query alone
  std::deque<Flight> flights_;
  uint64_t begun_ = 0;  // batches
  uint64_t ended_ = 0;
};

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

#endif  // KITH_INDEX_GPU_CARD_SEARCH_H_
