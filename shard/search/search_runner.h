#ifndef KITH_SHARD_SEARCH_SEARCH_RUNNER_H_
#define KITH_SHARD_SEARCH_SEARCH_RUNNER_H_

#include <cstdint>
#include <optional>

#include "common/base/executor.h"
#include "common/shard_api/shard_service.h"
#include "shard/parts/copy_parts.h"
#include "shard/search/filter_cache.h"
#include "shard/search/filtered_search.h"
#include "shard/search/workspace_pool.h"

namespace kith::shard {

// Answers searches of one copy on the node's search pool: pin a snapshot, search, translate rows to
// points. Where there is a filter, its rows are found first, on the pool too. A batch is cut into
// runs of queries so that every thread of the pool gets some.
//
// Threads: Search from any; it never blocks.
class SearchRunner {
 public:
  // So few rows that pass a filter are all compared exactly; absent: by the size of a vector.
  SearchRunner(CopyParts& parts, Executor& pool, WorkspacePool& workspaces,
               std::optional<uint64_t> exact_rows)
      : parts_(parts), pool_(pool), workspaces_(workspaces), exact_rows_(exact_rows) {}

  void Search(SearchCall call, Deadline deadline, Done<SearchReply> done);

 private:
  class Batch;

  CopyParts& parts_;
  Executor& pool_;
  WorkspacePool& workspaces_;
  const std::optional<uint64_t> exact_rows_;
  FilterCache filters_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_SEARCH_RUNNER_H_
