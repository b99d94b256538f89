#include "shard/search/filter_cache.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"

namespace kith::shard {
namespace {

uint64_t BytesOf(const FilterRows& rows) { return rows.words.size() * sizeof(uint64_t); }

}  // namespace

// The lsn alone does not name a snapshot: rows that move change the numbers and not the lsn.
std::shared_ptr<const FilterRows> FilterCache::Get(const std::string& filter,
                                                   const Snapshot& snapshot) {
  std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.lsn == snapshot.lsn && entry.row_end == snapshot.row_end && entry.filter == filter;
  });
  if (found == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found);
  return entries_.front().rows;
}

void FilterCache::Put(Entry entry) {
  std::lock_guard lock(mutex_);
  bytes_ += BytesOf(*entry.rows);
  entries_.push_front(std::move(entry));
  while (entries_.size() > kEntries || (bytes_ > kBytesMax && entries_.size() > 1)) {
    bytes_ -= BytesOf(*entries_.back().rows);
    entries_.pop_back();
  }
}

absl::StatusOr<std::shared_ptr<const FilterRows>> FilterCache::Find(
    const CopyParts& parts, const Filter& filter, std::shared_ptr<const Snapshot>& snapshot) {
  std::string bytes = FilterBytes(filter);
  if (auto known = Get(bytes, *snapshot); known != nullptr) return known;
  KITH_ASSIGN_OR_RETURN(FilterRows found, FindFilterRows(parts, filter, snapshot));
  auto rows = std::make_shared<const FilterRows>(std::move(found));
  Put({std::move(bytes), snapshot->lsn, snapshot->row_end, rows});
  return rows;
}

}  // namespace kith::shard
