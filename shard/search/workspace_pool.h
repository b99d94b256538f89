#ifndef KITH_SHARD_SEARCH_WORKSPACE_POOL_H_
#define KITH_SHARD_SEARCH_WORKSPACE_POOL_H_

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "index/search.h"

namespace kith::shard {

// Scratch for searches, one taken by each running search and given back: as many exist as searches
// ever ran at once, which the search pool bounds. Threads: any.
class WorkspacePool {
 public:
  class Lease {
   public:
    explicit Lease(WorkspacePool& pool) : pool_(pool), workspace_(pool.Take()) {}
    ~Lease() { pool_.GiveBack(std::move(workspace_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    index::SearchWorkspace& operator*() { return *workspace_; }

   private:
    WorkspacePool& pool_;
    std::unique_ptr<index::SearchWorkspace> workspace_;
  };

 private:
  std::unique_ptr<index::SearchWorkspace> Take() {
    std::lock_guard lock(mutex_);
    if (free_.empty()) return std::make_unique<index::SearchWorkspace>();
    auto workspace = std::move(free_.back());
    free_.pop_back();
    return workspace;
  }
  void GiveBack(std::unique_ptr<index::SearchWorkspace> workspace) {
    std::lock_guard lock(mutex_);
    free_.push_back(std::move(workspace));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<index::SearchWorkspace>> free_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_WORKSPACE_POOL_H_
