#ifndef KITH_CLI_IMPORT_ACK_WINDOW_H_
#define KITH_CLI_IMPORT_ACK_WINDOW_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "cli/data/vector_reader.h"

namespace kith::cli {

// Batches are acknowledged in any order, but an import may only be resumed behind a place before
// which all is done. This gives the batches back in the order of the file.
// Threads: one at a time.
class AckWindow {
 public:
  struct Batch {
    FilePosition end;
    std::vector<uint64_t> row_numbers;  // of the rows sent
    std::vector<PointKey> keys;         // empty, or one a row sent
    std::vector<RejectedRow> rejects;
    uint64_t written = 0;
    bool finished = false;
  };

  // Takes the batch in and gives the ticket under which it is known.
  uint64_t Open(Batch batch) {
    open_.push_back(std::move(batch));
    return front_ + open_.size() - 1;
  }
  Batch& At(uint64_t ticket) { return open_[ticket - front_]; }
  // The next batch in the file's order, where it is finished.
  std::optional<Batch> TakeFinished() {
    if (open_.empty() || !open_.front().finished) return std::nullopt;
    Batch batch = std::move(open_.front());
    open_.pop_front();
    ++front_;
    return batch;
  }

 private:
  std::deque<Batch> open_;
  uint64_t front_ = 0;
};

}  // namespace kith::cli

#endif  // KITH_CLI_IMPORT_ACK_WINDOW_H_
