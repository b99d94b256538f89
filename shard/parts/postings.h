#ifndef KITH_SHARD_PARTS_POSTINGS_H_
#define KITH_SHARD_PARTS_POSTINGS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "index/tombstones.h"
#include "shard/parts/posting_run.h"
#include "shard/storage/state_store.h"

namespace kith::shard {

// What the payloads of a copy's rows say in the indexed fields, as a row of immutable runs that
// snapshots share. A row's payload never changes (an update makes a new row), so postings are only
// ever added behind the last: the new rows of a group become a run, and runs of one chunk are
// merged where the one before is not more than twice as large, so that a row is copied some sixteen
// times and a chunk has as many runs at most.
//
// Threads: a value is immutable; copying one is cheap and may be done from any thread.
class Postings {
 public:
  // A copy of this with `added` too: of rows of [begin, end), above all that are there.
  Postings With(std::vector<Posting> added, uint32_t begin, uint32_t end) const;
  // A copy of this without runs all of whose rows are dead.
  Postings WithoutDead(const index::Tombstones& tombstones) const;
  // From the truth's posting keys, in which no dead row has any.
  static absl::StatusOr<Postings> FromState(storage::StateStore& state);

  std::span<const std::shared_ptr<const PostingRun>> runs() const { return runs_; }
  uint64_t memory_bytes() const;

 private:
  void Push(std::shared_ptr<const PostingRun> run);

  std::vector<std::shared_ptr<const PostingRun>> runs_;  // ascending by rows
};

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_POSTINGS_H_
