#ifndef KITH_SHARD_PARTS_SUSPECT_ROWS_H_
#define KITH_SHARD_PARTS_SUSPECT_ROWS_H_

#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace kith::shard {

// Rows whose records in the row file a search found damaged, until upkeep writes them again. Those
// beyond the bound are found again by the next search or scrub. Threads: any.
class SuspectRows {
 public:
  static constexpr size_t kMax = 1024;

  void Add(uint32_t row) {
    std::lock_guard lock(mutex_);
    if (rows_.size() < kMax) rows_.push_back(row);
  }
  bool any() const {
    std::lock_guard lock(mutex_);
    return !rows_.empty();
  }
  std::vector<uint32_t> Take() {
    std::lock_guard lock(mutex_);
    return std::exchange(rows_, {});
  }

 private:
  mutable std::mutex mutex_;
  std::vector<uint32_t> rows_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_SUSPECT_ROWS_H_
