#include "shard/maintenance/row_compactor.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "shard/parts/steady_time.h"

namespace kith::shard {
namespace {

// Live rows are moved out of an extent where they are a smaller share of it. Each number says what
// space may be lost and what a replaced row costs: at 1/3 up to twice the rows that live are kept
// dead, and half a row is moved for each one replaced; at 3/4 a third, and up to three.
constexpr double kBusyShare = 1.0 / 3;
constexpr double kQuietShare = 3.0 / 4;

constexpr uint64_t kRowsAStep = 4096;
constexpr size_t kRowsBetweenGroups = 256;  // that the writer takes between two groups
// Under writes 20,000 rows a second at most, until there are twice as many dead rows as live ones:
// then the writes have to wait for the space, and not the disk for them to end.
constexpr int64_t kBusyPauseNs = 200'000'000;
constexpr uint64_t kDeadMost = 2;
constexpr int64_t kRetryMinNs = 1'000'000'000;
constexpr int64_t kRetryMaxNs = 60 * kRetryMinNs;
// Moved rows wait to be encoded as new ones do, and must not be what refuses those.
constexpr uint64_t kTailShare = 4;

struct ExtentRows {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint64_t live = 0;
};

// Calls visit(extent, ExtentRows) for the extents that are there and full.
template <typename Visit>
void ForEachFullExtent(const Snapshot& snapshot, Visit visit) {
  const uint32_t bits = snapshot.rows.extent_bits;
  const uint32_t full = snapshot.row_end >> bits;
  for (uint32_t extent = 0; extent < full; ++extent) {
    if (!snapshot.rows.HasExtent(extent)) continue;
    const uint32_t begin = extent << bits;
    const uint32_t end = (extent + 1) << bits;
    visit(extent, {begin, end, end - begin - snapshot.tombstones.DeadBetween(begin, end)});
  }
}

std::vector<uint32_t> DeadExtents(const Snapshot& snapshot) {
  std::vector<uint32_t> dead;
  ForEachFullExtent(snapshot, [&](uint32_t extent, const ExtentRows& rows) {
    if (rows.live == 0) dead.push_back(extent);
  });
  return dead;
}

}  // namespace

std::optional<uint32_t> ChooseExtent(const Snapshot& snapshot, Pace pace) {
  const double share = pace == Pace::kBusy ? kBusyShare : kQuietShare;
  const double size = static_cast<double>(uint64_t{1} << snapshot.rows.extent_bits);
  std::optional<uint32_t> chosen;
  auto fewest = static_cast<uint64_t>(share * size);
  ForEachFullExtent(snapshot, [&](uint32_t extent, const ExtentRows& rows) {
    if (rows.live == 0 || rows.live >= fewest) return;
    fewest = rows.live;
    chosen = extent;
  });
  return chosen;
}

bool RowCompactor::IsDue(const Snapshot& snapshot) const {
  return Nanoseconds(parts_.clock->Now()) >= not_before_ns_.load(std::memory_order_relaxed) &&
         snapshot.TailRows() <= snapshot.TailRowsMax() / kTailShare;
}

bool RowCompactor::HasWork(Pace pace) const {
  const auto snapshot = parts_.snapshots.Pin();
  return IsDue(*snapshot) && ChooseExtent(*snapshot, pace).has_value();
}

bool RowCompactor::HasDeadExtents() const { return !DeadExtents(*parts_.snapshots.Pin()).empty(); }

bool RowCompactor::Step(Pace pace) {
  uint64_t moved = 0;
  while (moved < kRowsAStep) {
    const auto snapshot = parts_.snapshots.Pin();
    const auto extent = ChooseExtent(*snapshot, pace);
    if (!extent.has_value() || !IsDue(*snapshot)) break;
    const absl::StatusOr<uint64_t> rows = MoveSome(*snapshot, *extent);
    if (!rows.ok()) {
      After(pace, rows.status());
      return false;
    }
    // Where all that was read has died meanwhile the next look finds fewer live rows there.
    moved += std::max<uint64_t>(*rows, 1);
  }
  if (moved != 0) After(pace, absl::OkStatus());
  return HasWork(pace);
}

void RowCompactor::After(Pace pace, const absl::Status& status) {
  const auto snapshot = parts_.snapshots.Pin();
  const bool hurries = snapshot->DeadRows() > kDeadMost * snapshot->live_points;
  int64_t pause_ns = pace == Pace::kBusy && !hurries ? kBusyPauseNs : 0;
  if (status.ok()) {
    retry_ns_ = 0;
  } else {
    retry_ns_ = std::clamp(retry_ns_ * 2, kRetryMinNs, kRetryMaxNs);
    pause_ns = retry_ns_;
    spdlog::warn("event=rows_not_moved shard={} retry_after_s={} error={}", parts_.spec.shard,
                 retry_ns_ / kRetryMinNs, telemetry::LogValue(status.ToString()));
  }
  not_before_ns_ = Nanoseconds(parts_.clock->Now()) + pause_ns;
}

absl::StatusOr<uint64_t> RowCompactor::MoveSome(const Snapshot& snapshot, uint32_t extent) {
  const uint32_t bits = snapshot.rows.extent_bits;
  std::vector<uint32_t> rows;
  for (uint32_t row = extent << bits;
       row < (extent + 1) << bits && rows.size() < kRowsBetweenGroups; ++row) {
    if (!snapshot.tombstones.IsDead(row)) rows.push_back(row);
  }
  std::vector<storage::StateStore::StoredRow> stored;
  KITH_RETURN_IF_ERROR(parts_.state->ReadRows(rows, stored));
  std::vector<RowMove> moves;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (stored[i].version == 0) continue;  // it has died since
    moves.push_back({rows[i], std::move(stored[i])});
  }
  if (moves.empty()) {
    const auto now = parts_.snapshots.Pin();
    if (std::any_of(rows.begin(), rows.end(),
                    [&](uint32_t row) { return now->tombstones.IsDead(row); })) {
      return 0;  // they died while they were read
    }
    return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
                 "rows that live in the snapshot are not in the state");
  }
  KITH_ASSIGN_OR_RETURN(const uint64_t moved, actions_.move(moves));
  parts_.counts.moved_rows += moved;
  return moved;
}

// The files of the state are compacted run by run: rows that lie side by side share them.
absl::Status RowCompactor::DropDead(const Snapshot& snapshot) {
  const std::vector<uint32_t> dead = DeadExtents(snapshot);
  if (dead.empty()) return absl::OkStatus();
  KITH_RETURN_IF_ERROR(actions_.drop(dead));
  const uint64_t bytes = uint64_t{snapshot.rows.stride} << snapshot.rows.extent_bits;
  parts_.counts.reclaimed_bytes += dead.size() * bytes;
  spdlog::info("event=rows_reclaimed shard={} extents={} bytes={}", parts_.spec.shard, dead.size(),
               dead.size() * bytes);
  for (size_t i = 0; i < dead.size();) {
    size_t end = i + 1;
    while (end < dead.size() && dead[end] == dead[end - 1] + 1) ++end;
    const uint32_t bits = snapshot.rows.extent_bits;
    KITH_RETURN_IF_ERROR(parts_.state->CompactRows(dead[i] << bits, (dead[end - 1] + 1) << bits));
    i = end;
  }
  return absl::OkStatus();
}

}  // namespace kith::shard
