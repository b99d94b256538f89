#ifndef KITH_SHARD_SEARCH_SEARCH_RUNNER_H_
#define KITH_SHARD_SEARCH_SEARCH_RUNNER_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "common/shard_api/shard_service.h"
#include "shard/parts/copy_parts.h"
#include "shard/search/card_pool.h"
#include "shard/search/filter_cache.h"
#include "shard/search/filtered_search.h"
#include "shard/search/search_queue.h"
#include "shard/search/workspace_pool.h"

namespace kith::shard {

// Answers searches of one copy on the node's search threads: pin a snapshot, search, translate rows
// to points. Where there is a filter, its rows are found first, on those threads too. A batch is
// cut into runs of queries so that every thread gets some. Where the node has a card, that looks at
// the codes first, and the runs finish what it found.
//
// Threads: Search from any; it never blocks.
class SearchRunner {
 public:
  struct Host {
    SearchQueue& queue;
    std::shared_ptr<SearchFlow> flow;  // of the collection
    WorkspacePool& workspaces;
    CardPool* cards;  // null: none
    // So few rows that pass a filter are all compared exactly; absent: by the size of a vector.
    std::optional<uint64_t> exact_rows;
  };
  SearchRunner(CopyParts& parts, const Host& host)
      : parts_(parts),
        queue_(host.queue),
        flow_(host.flow),
        workspaces_(host.workspaces),
        cards_(host.cards),
        card_(cards_ == nullptr ? nullptr : cards_->Take()),
        exact_rows_(host.exact_rows) {}
  ~SearchRunner() {
    if (card_ == nullptr) return;
    card_->Forget(&parts_);
    cards_->GiveBack(card_);
  }

  void Search(SearchCall call, Deadline deadline, Done<SearchReply> done);
  // For whoever else reads the points that pass one.
  FilterCache& filters() { return filters_; }

 private:
  class Batch;

  CopyParts& parts_;
  SearchQueue& queue_;
  const std::shared_ptr<SearchFlow> flow_;
  WorkspacePool& workspaces_;
  CardPool* const cards_;
  CardWorker* const card_;  // null: none
  const std::optional<uint64_t> exact_rows_;
  FilterCache filters_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_SEARCH_RUNNER_H_
