#include "shard/search/filter_cache.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "common/payload/filter_check.h"

namespace kith::shard {

// The lsn alone does not name a snapshot: rows that move change the numbers and not the lsn, and a
// field that is dropped and added as another type changes neither.
std::shared_ptr<const FilterRows> FilterCache::Get(const std::string& filter,
                                                   const Snapshot& snapshot) {
  std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.lsn == snapshot.lsn && entry.row_end == snapshot.row_end &&
           entry.fields_revision == snapshot.fields->revision && entry.filter == filter;
  });
  if (found == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found);
  return entries_.front().rows;
}

void FilterCache::Put(Entry entry) {
  std::lock_guard lock(mutex_);
  entries_.push_front(std::move(entry));
  // Asked each time: the words by list grow while searches go on.
  uint64_t bytes = 0;
  size_t kept = 0;
  for (const Entry& one : entries_) {
    bytes += one.rows->memory_bytes();
    if (kept == kEntries || (kept > 0 && bytes > kBytesMax)) break;
    ++kept;
  }
  entries_.resize(kept);
}

absl::StatusOr<std::shared_ptr<const FilterRows>> FilterCache::Find(
    const CopyParts& parts, const Filter& filter, std::shared_ptr<const Snapshot>& snapshot) {
  // Each time: a field may have been dropped since, and it takes no time.
  KITH_RETURN_IF_ERROR(CheckFilter(filter, snapshot->fields->schema, "filter"));
  std::string bytes = FilterBytes(filter);
  if (auto known = Get(bytes, *snapshot); known != nullptr) return known;
  KITH_ASSIGN_OR_RETURN(auto rows, FindFilterRows(parts, filter, snapshot));
  Put({std::move(bytes), snapshot->lsn, snapshot->row_end, snapshot->fields->revision, rows});
  return rows;
}

}  // namespace kith::shard
