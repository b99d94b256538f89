#ifndef KITH_SHARD_SEARCH_CARD_CALLS_H_
#define KITH_SHARD_SEARCH_CARD_CALLS_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "index/gpu/card_asker.h"
#include "shard/parts/copy_parts.h"
#include "shard/search/card_residency.h"
#include "shard/search/filter_rows.h"

namespace kith::shard {

// What a card found for the queries of one call.
struct CardReply {
  // Empty where the host has to search alone: the card does not hold the index (yet).
  std::vector<index::gpu::CardAnswer> answers;
  // What the answers are of.
  std::shared_ptr<const Snapshot> snapshot;
  const BuiltIndex* index = nullptr;
  std::shared_ptr<const index::gpu::CardScope> scope;
  uint64_t card_ns = 0;  // of the batch they were in, shared out
  std::string fault;     // why the card will not hold it, however long one waits
};

// What a filter lets through, and the snapshot that this is as of.
struct CardFilter {
  std::shared_ptr<const FilterRows> rows;
  std::shared_ptr<const index::AllowedLists> lists;  // null: no filter
  std::shared_ptr<const Snapshot> snapshot;
};

// Queries of one call; what it points to stays until `done`.
struct CardJob {
  const CopyParts* parts = nullptr;
  std::string version;
  CardFilter filter;
  std::vector<index::gpu::CardQuestion> questions;
  std::function<void(CardReply)> done;  // on the worker's thread: brief
};

struct CardCallCounts {
  uint64_t batches = 0;
  uint64_t overlapped = 0;  // of them those that were encoded while another one ran
  uint64_t queries_on_card = 0;
  uint64_t queries_on_host = 0;  // that asked for the card
};

// The calls whose batches a card runs: while it does, the next can be encoded.
//
// Threads: as the card, but for counts.
class CardCalls {
 public:
  static constexpr size_t kUnderWayMax = index::gpu::ResidentIndex::kBatches;

  size_t under_way() const { return under_way_.size(); }
  // Queries of the calls under way.
  uint32_t queries() const { return queries_; }
  // A job counts before it is answered. Any thread.
  CardCallCounts counts() const {
    return {batches_.load(), overlapped_.load(), on_card_.load(), on_host_.load()};
  }

  // Begins a batch for jobs of one index under one filter; where the card cannot serve them, they
  // are answered at once. GPU_LOST, GPU_OUT_OF_MEMORY: then they are under way, to be given up.
  index::Status Begin(CardResidency& residency, std::vector<CardJob> jobs);
  // Whether the oldest call's batches are done: AnswerOldest does not wait then.
  index::Result<bool> IsOldestDone() { return asker_.IsDone(under_way_.front().ticket); }
  // Waits for the oldest call's batches and answers its jobs.
  index::Status AnswerOldest();
  // Answers what is under way: the host has to search.
  void GiveUp(const std::string& fault);
  // Answers jobs that the card does not take.
  void Refuse(std::vector<CardJob> jobs, const std::string& fault);

 private:
  struct UnderWay {
    std::vector<CardJob> jobs;
    std::vector<index::gpu::CardQuestion> questions;
    std::vector<index::gpu::CardAnswer> answers;
    CardReply reply;  // without its answers
    uint64_t ticket = 0;
    Deadline begun;
  };

  void Answer(UnderWay& call);

  index::gpu::CardAsker asker_;
  std::deque<UnderWay> under_way_;
  uint32_t queries_ = 0;
  Deadline last_end_;
  std::atomic<uint64_t> batches_{0};
  std::atomic<uint64_t> overlapped_{0};
  std::atomic<uint64_t> on_card_{0};
  std::atomic<uint64_t> on_host_{0};
};

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_CARD_CALLS_H_
