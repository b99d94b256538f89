#ifndef KITH_INDEX_GPU_CARD_ASKER_H_
#define KITH_INDEX_GPU_CARD_ASKER_H_

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "index/gpu/card_search.h"
#include "index/search_pass.h"

namespace kith::index::gpu {

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

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_CARD_ASKER_H_
