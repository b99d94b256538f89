#ifndef KITH_CLI_IMPORT_ACK_WINDOW_H_
#define KITH_CLI_IMPORT_ACK_WINDOW_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cli/data/vector_reader.h"

namespace kith::cli {

// Batches are acknowledged in any order, but an import may only be resumed behind a place before
// which all is done. This gives the batches back in the order of the file, and knows which ids are
// under way: two calls with one id could be applied in either order.
// Threads: one at a time.
class AckWindow {
 public:
  // Rows numbered by their place have an id each; those of a text may share one.
  enum class Keys { kAreUnique, kMayRepeat };

  struct Batch {
    FilePosition end;
    std::vector<uint64_t> row_numbers;  // of the rows sent
    std::vector<PointKey> keys;         // empty, or one a row sent
    std::vector<RejectedRow> rejects;
    uint64_t written = 0;
    bool finished = false;
  };

  // What waits behind a call that takes long: more of it would be memory without a bound.
  static constexpr size_t kBatchesMax = 4096;
  static constexpr size_t kRejectsMax = 1 << 16;

  bool full() const { return open_.size() >= kBatchesMax || held_rejects_ >= kRejectsMax; }
  bool IsUnderWay(const PointKey& key) const { return under_way_.contains(key); }

  // Takes the batch in and gives the ticket under which it is known.
  uint64_t Open(Batch batch, Keys keys) {
    held_rejects_ += batch.rejects.size();
    if (keys == Keys::kMayRepeat) under_way_.insert(batch.keys.begin(), batch.keys.end());
    open_.push_back(std::move(batch));
    return front_ + open_.size() - 1;
  }
  const Batch& At(uint64_t ticket) const { return open_[ticket - front_]; }
  // `refused`: rows that the server did not take.
  void Finish(uint64_t ticket, uint64_t written, std::vector<RejectedRow> refused) {
    Batch& batch = open_[ticket - front_];
    batch.written = written;
    batch.finished = true;
    held_rejects_ += refused.size();
    std::move(refused.begin(), refused.end(), std::back_inserter(batch.rejects));
    for (const PointKey& key : batch.keys) under_way_.erase(key);
  }
  // The next batch in the file's order, where it is finished.
  std::optional<Batch> TakeFinished() {
    if (open_.empty() || !open_.front().finished) return std::nullopt;
    Batch batch = std::move(open_.front());
    open_.pop_front();
    ++front_;
    held_rejects_ -= batch.rejects.size();
    return batch;
  }

 private:
  struct KeyHash {
    size_t operator()(const PointKey& key) const {
      return std::hash<std::string_view>()(key.view());
    }
  };

  std::deque<Batch> open_;
  size_t held_rejects_ = 0;
  std::unordered_set<PointKey, KeyHash> under_way_;
  uint64_t front_ = 0;
};

}  // namespace kith::cli

#endif  // KITH_CLI_IMPORT_ACK_WINDOW_H_
