#ifndef KITH_SHARD_MAINTENANCE_ROW_COMPACTOR_H_
#define KITH_SHARD_MAINTENANCE_ROW_COMPACTOR_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/parts/copy_parts.h"
#include "shard/parts/pace.h"
#include "shard/parts/row_move.h"

namespace kith::shard {

// What only the writer may do, asked of it.
struct RowActions {
  // Gives live rows new numbers; those that died since they were read are left alone. Answers how
  // many moved. Where it fails nothing has changed.
  std::function<absl::StatusOr<uint64_t>(std::span<const RowMove>)> move;
  // Takes extents without a live row out of the row file.
  std::function<absl::Status(std::span<const uint32_t>)> drop;
};

// Gives the space of dead rows back: the few live rows of an extent are moved to the end of the row
// file, and an extent whose rows are all dead, in a checkpoint too, is removed with the pages of
// its tombstones and the files of its rows in the state. docs/decisions/0017 has the design.
//
// Threads: one at a time (the copy's maintenance lock), save HasWork.
class RowCompactor {
 public:
  RowCompactor(CopyParts& parts, RowActions actions)
      : parts_(parts), actions_(std::move(actions)) {}

  // Moves some thousand rows at most. True where there is more to do at once.
  bool Step(Pace pace);
  bool HasWork(Pace pace) const;  // threads: any
  // Extents that a checkpoint would let go.
  bool HasDeadExtents() const;
  // After a checkpoint of `snapshot` or a later one: what is all dead in it goes.
  absl::Status DropDead(const Snapshot& snapshot);

 private:
  bool IsDue(const Snapshot& snapshot) const;
  absl::StatusOr<uint64_t> MoveSome(const Snapshot& snapshot, uint32_t extent);
  void After(Pace pace, const absl::Status& status);

  CopyParts& parts_;
  const RowActions actions_;
  std::atomic<int64_t> not_before_ns_{0};  // steady clock
  int64_t retry_ns_ = 0;                   // after a failure; 0: the last step succeeded
};

// The extent with the fewest live rows, of those that are full and worth moving; none: nothing.
std::optional<uint32_t> ChooseExtent(const Snapshot& snapshot, Pace pace);

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_ROW_COMPACTOR_H_
