#include "shard/search/point_scroller.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

absl::Status BadCall(std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("a shard scroll {}", what));
}

absl::Status CheckCall(const ScrollCall& call) {
  if (call.slot_begin >= call.slot_end || call.slot_end > limits::kSlots) {
    return BadCall(fmt::format("names slots {} to {}", call.slot_begin, call.slot_end));
  }
  if (call.limit == 0) return BadCall("asks for no points");
  if (call.after.empty()) return absl::OkStatus();
  if (call.after.size() != PointKey::kSize) return BadCall("begins behind a key that is cut off");
  if (SlotOf(PointKey::FromBytes(call.after.data())) == call.slot_begin) return absl::OkStatus();
  return BadCall("begins behind a key of another slot");
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

// Threads: one at a time.
class Page {
 public:
  explicit Page(const ScrollCall& call) : call_(call) {}

  storage::Visit Take(const storage::RowRecord& record) {
    const size_t bytes = (call_.with_vector ? record.vector.size() : 0) +
                         (call_.with_payload ? record.payload.size() : 0);
    const size_t held = reply_.vectors.size() + reply_.payloads.size();
    if (!reply_.versions.empty() && held + bytes > call_.bytes_limit) return storage::Visit::kStop;
    reply_.keys += record.key.view();
    reply_.versions.push_back(record.version);
    if (call_.with_vector) reply_.vectors += record.vector;
    if (call_.with_payload) {
      reply_.payload_sizes.push_back(static_cast<uint32_t>(record.payload.size()));
      reply_.payloads += record.payload;
    }
    return storage::Visit::kTaken;
  }
  ScrollReply& reply() { return reply_; }

 private:
  const ScrollCall& call_;
  ScrollReply reply_;
};

}  // namespace

absl::StatusOr<ScrollReply> ScrollPoints(const CopyParts& parts, const ScrollCall& call) {
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
  const bool whole = call.with_vector || call.with_payload;
  walk.parts = whole ? storage::PointParts::kAll : storage::PointParts::kIdAndVersion;
  walk.limit = std::min(call.limit, limits::kScrollRowsMax);
  Page page(call);
  KITH_ASSIGN_OR_RETURN(page.reply().at_end, parts.state->WalkPoints(walk, [&](const auto& record) {
    return page.Take(record);
  }));
  return std::move(page.reply());
}

}  // namespace kith::shard
