#ifndef KITH_SHARD_PARTS_FIELD_STATES_H_
#define KITH_SHARD_PARTS_FIELD_STATES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/shard_api/shard_calls.h"
#include "common/vector/point_key.h"

namespace kith::shard {

// How far the rows are in a field's index that were there when the field was added. Those from
// `end` on were written with the field and are in it.
struct FieldBuild {
  uint32_t next = 0;  // live rows below it are in the index
  uint32_t end = 0;
  uint64_t misfits = 0;  // rows whose payload does not fit: while there are any it is never ready
  std::optional<PointKey> first_misfit;

  bool is_through() const { return next == end; }
  double share() const { return end == 0 ? 1 : static_cast<double>(next) / end; }
  bool operator==(const FieldBuild&) const = default;
};

// Which payload fields a copy indexes, and how far each is. Kept in the state (key "p"), changed in
// one batch with the posting keys that it speaks of: whatever a crash leaves, they agree.
//
// Threads: a value.
struct FieldStates {
  uint64_t revision = 0;  // of the last SetFieldsCall
  // kBuilding until its last row is in the index and that is durable. kDropping: filters and
  // writes know the field no more and the state has none of its keys; the runs still have.
  PayloadSchema schema;
  std::vector<FieldBuild> builds;  // one a place

  // As a shard that was created with these fields has them.
  static FieldStates Created(const PayloadSchema& fields);
  // The first place that is in that state.
  std::optional<uint16_t> FindState(FieldState state) const;
  // The first whose rows are not all looked at.
  std::optional<uint16_t> FindUnbuilt() const;
  // The first that is through, and fits.
  std::optional<uint16_t> FindBuilt() const;
  std::vector<FieldStat> Stats() const;
};

// What becomes of `now`: fields that it lacks are kBuilding over rows [0, row_end), those that are
// wanted no more kDropping. Where a place that is still kDropping is wanted for a field, that
// waits, and the revision stays behind: it takes another call.
FieldStates ChangedFields(const FieldStates& now, const SetFieldsCall& wanted, uint32_t row_end);

std::string EncodeFieldStates(const FieldStates& states);
// DATA_LOSS CORRUPTION. What was being given back is free, and what was through is ready: a start
// makes the runs anew, of what is durable.
absl::StatusOr<FieldStates> DecodeFieldStates(std::string_view bytes);

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_FIELD_STATES_H_
