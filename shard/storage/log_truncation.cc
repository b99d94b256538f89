#include "shard/storage/log_truncation.h"

#include <algorithm>
#include <string>
#include <utility>

#include "shard/storage/state_keys.h"

namespace kith::storage {
namespace {

// Skips whole ranges, which leaves no tombstones: every key of the log is written once, so nothing
// older can come to light again.
class TruncationFilter final : public rocksdb::CompactionFilter {
 public:
  explicit TruncationFilter(LogTruncation::Bounds bounds) : bounds_(std::move(bounds)) {}

  const char* Name() const override { return "kith.LogTruncation"; }

  Decision FilterV2(int, const rocksdb::Slice& key, ValueType, const rocksdb::Slice&, std::string*,
                    std::string* skip_until) const override {
    if (key.size() != LogKey::kSize) return Decision::kKeep;
    const LogKey entry = LogKey::Parse(key.data());
    const auto bound = bounds_.find(entry.shard);
    if (bound == bounds_.end() || entry.lsn > bound->second) return Decision::kKeep;
    skip_until->assign(LogKey{entry.shard, bound->second + 1}.Encode());
    return Decision::kRemoveAndSkipUntil;
  }

 private:
  const LogTruncation::Bounds bounds_;
};

}  // namespace

void LogTruncation::Raise(uint64_t shard, uint64_t lsn) {
  std::lock_guard lock(mutex_);
  uint64_t& bound = bounds_[shard];
  bound = std::max(bound, lsn);
}

void LogTruncation::Forget(uint64_t shard) {
  std::lock_guard lock(mutex_);
  bounds_.erase(shard);
}

bool LogTruncation::ShouldFilterTableFileCreation(rocksdb::TableFileCreationReason reason) const {
  return reason == rocksdb::TableFileCreationReason::kCompaction ||
         reason == rocksdb::TableFileCreationReason::kFlush;
}

std::unique_ptr<rocksdb::CompactionFilter> LogTruncation::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context&) {
  std::lock_guard lock(mutex_);
  return std::make_unique<TruncationFilter>(bounds_);
}

}  // namespace kith::storage
