#include "shard/search/point_scroller.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/filter_match.h"
#include "common/payload/payload_values.h"

namespace kith::shard {
namespace {

absl::Status BadScroll(std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("a shard scroll {}", what));
}

absl::Status CheckCall(const ScrollCall& call) {
  if (call.slot_begin >= call.slot_end || call.slot_end > limits::kSlots) {
    return BadScroll(fmt::format("names slots {} to {}", call.slot_begin, call.slot_end));
  }
  if (call.limit == 0) return BadScroll("asks for no points");
  if (call.after.empty()) return absl::OkStatus();
  if (call.after.size() != PointKey::kSize) return BadScroll("begins behind a key that is cut off");
  if (SlotOf(PointKey::FromBytes(call.after.data())) == call.slot_begin) return absl::OkStatus();
  return BadScroll("begins behind a key of another slot");
}

// A slot of another shard would look empty here.
absl::Status CheckSlots(const ScrollCall& call, const ShardSpec& spec) {
  for (const auto& [begin, end] : spec.slots) {
    if (call.slot_begin >= begin && call.slot_end <= end) return absl::OkStatus();
  }
  return Error(absl::StatusCode::kFailedPrecondition, reason::kWrongShard,
               fmt::format("slots {} to {} are not all in shard {}", call.slot_begin,
                           call.slot_end - 1, spec.shard));
}

// Which points of a walk pass a filter. The rows of a snapshot are known; it was pinned before the
// walk began, and what has got a row since is judged by its payload.
// Threads: one at a time.
class PassingPoints {
 public:
  static absl::StatusOr<PassingPoints> Make(const CopyParts& parts, const Filter& filter,
                                            FilterCache& filters) {
    std::shared_ptr<const Snapshot> snapshot = parts.snapshots.Pin();
    KITH_ASSIGN_OR_RETURN(auto rows, filters.Find(parts, filter, snapshot));
    return PassingPoints(snapshot->fields, filter, std::move(rows), snapshot->row_end);
  }

  storage::IdChoice Choose(const PointKey& key, const storage::IdEntry& entry) {
    if (seen_ == limits::kScrollIdsMax) return storage::IdChoice::kStop;
    ++seen_;
    last_ = key;
    return MayPass(entry.row) ? storage::IdChoice::kTake : storage::IdChoice::kPassOver;
  }

  bool Passes(const storage::RowRecord& record) const {
    if (record.row < row_end_) return true;
    const PayloadSchema& schema = fields_->schema;
    const FittingValues fitting = ReadFittingValues(record.payload, schema);
    return kith::Passes({record.key, fitting.values}, filter_, schema);
  }

  // The last that Choose was asked about.
  const std::optional<PointKey>& last() const { return last_; }

 private:
  PassingPoints(std::shared_ptr<const FieldStates> fields, const Filter& filter,
                std::shared_ptr<const FilterRows> rows, uint32_t row_end)
      : fields_(std::move(fields)), filter_(filter), rows_(std::move(rows)), row_end_(row_end) {}

  bool MayPass(uint32_t row) const {
    return row >= row_end_ || ((rows_->words()[row >> 6] >> (row & 63)) & 1) != 0;
  }

  std::shared_ptr<const FieldStates> fields_;
  const Filter& filter_;
  std::shared_ptr<const FilterRows> rows_;
  uint32_t row_end_;
  uint32_t seen_ = 0;
  std::optional<PointKey> last_;
};

// Threads: one at a time.
class Page {
 public:
  Page(const ScrollCall& call, PassingPoints* passing) : call_(call), passing_(passing) {}

  storage::Visit Add(const storage::RowRecord& record) {
    if (passing_ != nullptr && !passing_->Passes(record)) return storage::Visit::kTaken;
    const size_t bytes = (call_.with_vector ? record.vector.size() : 0) +
                         (call_.with_payload ? record.payload.size() : 0);
    const size_t held = reply_.vectors.size() + reply_.payloads.size();
    is_full_ = !reply_.versions.empty() && held + bytes > call_.bytes_limit;
    if (is_full_) return storage::Visit::kStop;
    reply_.keys += record.key.view();
    reply_.versions.push_back(record.version);
    if (call_.with_vector) reply_.vectors += record.vector;
    if (call_.with_payload) {
      reply_.payload_sizes.push_back(static_cast<uint32_t>(record.payload.size()));
      reply_.payloads += record.payload;
    }
    return storage::Visit::kTaken;
  }

  // Whether the walk came to its end; then what it gave.
  void NoteEnd(const absl::StatusOr<bool>& at_end) {
    status_.Update(at_end.status());
    reply_.at_end = at_end.ok() && *at_end;
  }
  absl::StatusOr<ScrollReply> Take() {
    KITH_RETURN_IF_ERROR(status_);
    if (reply_.at_end || is_full_ || passing_ == nullptr) return std::move(reply_);
    const std::string_view last = passing_->last()->view();
    if (!std::string_view(reply_.keys).ends_with(last)) reply_.reached = last;
    return std::move(reply_);
  }

 private:
  const ScrollCall& call_;
  PassingPoints* const passing_;  // null: all
  absl::Status status_;
  bool is_full_ = false;
  ScrollReply reply_;
};

}  // namespace

absl::StatusOr<ScrollReply> ScrollPoints(const CopyParts& parts, const ScrollCall& call,
                                         FilterCache& filters) {
  KITH_RETURN_IF_ERROR(CheckCall(call));
  KITH_RETURN_IF_ERROR(CheckSlots(call, parts.spec));
  const uint64_t lsn = parts.snapshots.Pin()->lsn;
  if (call.wait_lsn > lsn) {
    return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
                 fmt::format("the shard is at lsn {}, the token asks for {}", lsn, call.wait_lsn));
  }
  storage::StateStore::PointWalk walk;
  walk.range = {call.slot_begin, call.slot_end, {}};
  if (!call.after.empty()) walk.range.after = PointKey::FromBytes(call.after.data());
  const bool whole = call.with_vector || call.with_payload || call.filter != nullptr;
  walk.parts = whole ? storage::PointParts::kAll : storage::PointParts::kIdAndVersion;
  walk.limit = std::min(call.limit, limits::kScrollRowsMax);
  std::optional<PassingPoints> passing;
  if (call.filter != nullptr) {
    KITH_ASSIGN_OR_RETURN(PassingPoints made, PassingPoints::Make(parts, *call.filter, filters));
    passing.emplace(std::move(made));
    walk.choose = [&](const PointKey& key, const storage::IdEntry& entry) {
      return passing->Choose(key, entry);
    };
  }
  Page page(call, passing.has_value() ? &*passing : nullptr);
  page.NoteEnd(parts.state->WalkPoints(walk, [&](const auto& record) { return page.Add(record); }));
  return page.Take();
}

}  // namespace kith::shard
