#include "shard/maintenance/scrubber.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "shard/parts/steady_time.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/row_check.h"
#include "shard/storage/segment_file.h"

namespace kith::shard {
namespace {

constexpr uint64_t kStepBytes = 1 << 20;
constexpr int64_t kAllowanceMax = 8 << 20;
// Over so many rows goes what comes after a block of the truth that cannot be read.
constexpr uint32_t kSkippedRows = 4096;

}  // namespace

void Scrubber::Allow(uint64_t bytes) {
  const int64_t before = allowance_.fetch_add(static_cast<int64_t>(bytes));
  if (before > kAllowanceMax) allowance_.store(kAllowanceMax);
}

bool Scrubber::MayBegin() const {
  return Nanoseconds(parts_.clock->Now()) >= next_pass_ns_.load(std::memory_order_relaxed);
}

bool Scrubber::IsDue() const {
  if (parts_.suspects.any()) return true;
  return allowance_.load(std::memory_order_relaxed) > 0 && (is_passing_ || MayBegin());
}

std::string Scrubber::trouble() const {
  std::lock_guard lock(mutex_);
  return trouble_;
}

bool Scrubber::Step() {
  MendSuspects();
  if (allowance_.load() <= 0) return false;
  if (!is_passing_ && !MayBegin()) return false;
  if (!is_passing_) BeginPass();
  CheckMissing();
  const uint64_t bytes = rows_are_done_ ? ScrubFile() : ScrubRows();
  allowance_ -= static_cast<int64_t>(bytes);
  parts_.counts.scrubbed_bytes += bytes;
  if (rows_are_done_ && files_.empty() && missing_.empty()) EndPass();
  return IsDue();
}

void Scrubber::BeginPass() {
  next_pass_ns_ = Nanoseconds(parts_.clock->Now()) + every_.count();
  next_row_ = 0;
  rows_are_done_ = false;
  found_.clear();
  is_passing_ = true;
}

void Scrubber::EndPass() {
  is_passing_ = false;
  ++parts_.counts.scrub_passes;
  std::lock_guard lock(mutex_);
  trouble_ = std::move(found_);
  found_.clear();
}

void Scrubber::MendSuspects() {
  std::vector<uint32_t> rows = parts_.suspects.Take();
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  if (!rows.empty()) Rewrite(rows, "search");
}

// Between a reading of the truth and one of the snapshot rows die; the writer sees both as of one
// moment.
void Scrubber::CheckMissing() {
  const std::vector<uint32_t> rows = std::exchange(missing_, {});
  if (!rows.empty()) Rewrite(rows, "scrub");
}

uint64_t Scrubber::ScrubRows() {
  const auto snapshot = parts_.snapshots.Pin();
  std::vector<uint32_t> wrong;
  uint64_t bytes = 0;
  uint32_t next = next_row_;
  const absl::Status status =
      parts_.state->ForEachRow(next_row_, [&](const storage::RowRecord& record) -> absl::Status {
        if (bytes >= kStepBytes || record.row >= snapshot->row_end) return absl::CancelledError();
        NoteMissing(*snapshot, next, record.row);
        if (!IsWhole(*snapshot, record)) wrong.push_back(record.row);
        next = record.row + 1;
        bytes += record.vector.size() + record.payload.size() + snapshot->rows.stride;
        return absl::OkStatus();
      });
  const bool is_cut = absl::IsCancelled(status) && bytes >= kStepBytes;
  if (status.ok() || absl::IsCancelled(status)) {
    if (!is_cut) NoteMissing(*snapshot, next, snapshot->row_end);
  } else {
    CannotMend(parts_.directory + "/state", status);
    next += kSkippedRows;
  }
  next_row_ = next;
  rows_are_done_ =
      !is_cut && (status.ok() || absl::IsCancelled(status) || next >= snapshot->row_end);
  if (!wrong.empty()) Rewrite(wrong, "scrub");
  if (rows_are_done_) ListFiles();
  return bytes;
}

bool Scrubber::IsWhole(const Snapshot& snapshot, const storage::RowRecord& record) const {
  const bool has_place = snapshot.rows.HasExtent(record.row >> snapshot.rows.extent_bits);
  if (!has_place || snapshot.tombstones.IsDead(record.row)) return true;
  const RowTable table = snapshot.rows.Table(snapshot.row_end);
  return storage::IsRecordOf(table.Record(record.row), table.stride, record);
}

void Scrubber::NoteMissing(const Snapshot& snapshot, uint32_t begin, uint32_t end) {
  for (uint64_t row = begin; row < end; row = snapshot.tombstones.SkipDeadPages(row + 1)) {
    if (missing_.size() >= SuspectRows::kMax) return;
    const auto number = static_cast<uint32_t>(row);
    if (!snapshot.tombstones.IsDead(number)) missing_.push_back(number);
  }
}

void Scrubber::Rewrite(std::span<const uint32_t> rows, const char* found_by) {
  const std::string path = parts_.directory + "/rows";
  const absl::StatusOr<uint64_t> written = actions_.rewrite_rows(rows);
  if (!written.ok()) return CannotMend(parts_.directory + "/state", written.status());
  if (*written == 0) return;  // they died meanwhile
  parts_.counts.damage_found += *written;
  parts_.counts.damage_mended += *written;
  spdlog::error(
      "event=rows_mended shard={} path={} rows={} first={} found_by={} "
      "text=\"written again from the truth; look at the disk and the memory\"",
      parts_.spec.shard, telemetry::LogValue(path), *written, rows.front(), found_by);
}

void Scrubber::ListFiles() {
  files_.clear();
  for (const std::string& name : actions_.checkpoint_files()) {
    files_.push_back({parts_.directory + "/seg/" + name, name, ""});
  }
  const auto snapshot = parts_.snapshots.Pin();
  for (const BuiltIndex& index : snapshot->indexes) {
    files_.push_back(
        {parts_.artifacts->PathOf(index.version->hash).value_or(""), "", index.version->hash});
  }
}

uint64_t Scrubber::ScrubFile() {
  if (files_.empty()) return 0;
  const File file = std::move(files_.back());
  files_.pop_back();
  const bool is_artifact = file.name.empty();
  const absl::Status status = is_artifact ? parts_.artifacts->Verify(file.artifact)
                                          : storage::VerifyFramedFile(*parts_.files, file.path);
  const uint64_t bytes = parts_.files->FileBytes(file.path).value_or(0);
  const bool is_current = is_artifact || actions_.checkpoint_files().contains(file.name);
  if (!status.ok() && is_current) MendFile(file, status);
  return bytes;
}

void Scrubber::MendFile(const File& file, const absl::Status& why) {
  Found(file.path, why);
  if (!file.name.empty()) {
    actions_.rewrite_file(file.name);
  } else {
    const auto snapshot = parts_.snapshots.Pin();
    const BuiltIndex* index = snapshot->FindIndex(file.artifact);
    if (index == nullptr) return;  // it was dropped
    const absl::Status saved = parts_.artifacts->Replace(*index->version);
    if (!saved.ok()) return CannotMend(file.path, saved);
  }
  ++parts_.counts.damage_mended;
  spdlog::info("event=file_mended shard={} path={} text=\"written again from memory\"",
               parts_.spec.shard, telemetry::LogValue(file.path));
}

void Scrubber::Found(const std::string& path, const absl::Status& why) {
  ++parts_.counts.damage_found;
  spdlog::error("event=damage_found shard={} path={} error={}", parts_.spec.shard,
                telemetry::LogValue(path), telemetry::LogValue(why.ToString()));
}

void Scrubber::CannotMend(const std::string& path, const absl::Status& why) {
  if (absl::IsUnavailable(why)) return;  // the copy stops, or its disk is full: it says so itself
  Found(path, why);
  if (found_.empty()) found_ = std::string(why.message());
}

}  // namespace kith::shard
