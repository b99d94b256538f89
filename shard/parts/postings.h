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
// snapshots share. A row's payload never changes (an update makes a new row), so postings of new
// rows are only ever added behind the last: the new rows of a group become a run, and runs of one
// chunk are merged where the one before is not more than twice as large, so that a row is copied
// some sixteen times and a chunk has as many runs at most. A field that is indexed later has runs
// of its own for the rows that were there, before all others; a start makes one run of all.
//
// Threads: a value is immutable; copying one is cheap and may be done from any thread.
class Postings {
 public:
  // A copy of this with `added` too: of rows of [begin, end), above all that are there.
  Postings With(std::vector<Posting> added, uint32_t begin, uint32_t end) const;
  // A copy of this with the postings of one field for old rows of [begin, end), which are above all
  // that were added so for the field before, and of which it has no posting of that field.
  Postings WithOld(std::vector<Posting> added, uint32_t begin, uint32_t end) const;
  // A copy of this in which `runs_max` runs more are without the field, at most; has a run of it
  // the field?
  Postings WithoutField(uint16_t field, size_t runs_max) const;
  bool HasField(uint16_t field) const;
  // A copy of this without runs all of whose rows are dead.
  Postings WithoutDead(const index::Tombstones& tombstones) const;
  // From the truth's posting keys, in which no dead row has any.
  static absl::StatusOr<Postings> FromState(storage::StateStore& state);

  std::span<const std::shared_ptr<const PostingRun>> runs() const { return runs_; }
  uint64_t memory_bytes() const;

 private:
  using Runs = std::vector<std::shared_ptr<const PostingRun>>;
  static void Push(std::shared_ptr<const PostingRun> run, Runs& runs);
  static void Add(std::vector<Posting> added, uint32_t begin, uint32_t end, Runs& runs);

  Runs runs_;            // after the old ones ascending by rows
  size_t old_runs_ = 0;  // so many of the first were made by WithOld
};

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_POSTINGS_H_
