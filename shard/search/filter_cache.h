#ifndef KITH_SHARD_SEARCH_FILTER_CACHE_H_
#define KITH_SHARD_SEARCH_FILTER_CACHE_H_

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "shard/parts/copy_parts.h"
#include "shard/search/filter_rows.h"

namespace kith::shard {

// Remembers the rows of the filters used last, each as of the snapshot it was found in: many
// searches come with the same filter, and while nothing is written it is evaluated once.
//
// Threads: any.
class FilterCache {
 public:
  static constexpr size_t kEntries = 16;
  static constexpr uint64_t kBytesMax = 64 << 20;

  // As FindFilterRows.
  absl::StatusOr<std::shared_ptr<const FilterRows>> Find(const CopyParts& parts,
                                                         const Filter& filter,
                                                         std::shared_ptr<const Snapshot>& snapshot);

 private:
  struct Entry {
    std::string filter;
    uint64_t lsn = 0;
    uint32_t row_end = 0;
    uint64_t fields_revision = 0;
    std::shared_ptr<const FilterRows> rows;
  };
  std::shared_ptr<const FilterRows> Get(const std::string& filter, const Snapshot& snapshot);
  void Put(Entry entry);

  std::mutex mutex_;
  std::list<Entry> entries_;  // the one used last first; guarded by mutex_
};

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_FILTER_CACHE_H_
