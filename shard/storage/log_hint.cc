#include "shard/storage/log_hint.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "shard/storage/checked_text.h"

namespace kith::storage {
namespace {

constexpr char kKind[] = "kith-log-hint";
constexpr char kShardKey[] = "shard.";
constexpr char kExactKey[] = "exact";
constexpr char kLogKey[] = "log";

}  // namespace

std::unique_ptr<LogHint> LogHint::Open(const std::string& path, FileSystem& files,
                                       const Clock& clock) {
  std::unique_ptr<LogHint> hint(new LogHint(path, files, clock));
  if (files.Exists(path)) hint->Load();
  return hint;
}

void LogHint::Load() {
  const absl::StatusOr<CheckedText> text = [this]() -> absl::StatusOr<CheckedText> {
    KITH_ASSIGN_OR_RETURN(const std::string bytes, files_.ReadAll(path_, CheckedText::kBytesMax));
    return CheckedText::Parse(kKind, path_, bytes);
  }();
  if (!text.ok()) {
    spdlog::warn("event=log_hint_ignored path={} error={}", path_,
                 telemetry::LogValue(text.status().ToString()));
    return;
  }
  for (const auto& [key, value] : text->fields()) {
    was_exact_ = was_exact_ || key == kExactKey;
    if (key == kLogKey && !absl::SimpleAtoi(value, &log_sequence_)) log_sequence_ = 0;
    uint64_t shard = 0;
    uint64_t lsn = 0;
    if (key.starts_with(kShardKey) && absl::SimpleAtoi(key.substr(sizeof(kShardKey) - 1), &shard) &&
        absl::SimpleAtoi(value, &lsn)) {
      expected_[shard] = lsn;
    }
  }
  acknowledged_ = expected_;
  expected_of_log_ = log_sequence_;
}

// One that is exact must not outlive the next append, whatever comes between.
void LogHint::Begin() {
  std::lock_guard lock(mutex_);
  if (was_exact_ && !WriteLocked(Bound::kLower).ok()) (void)files_.Remove(path_);
}

uint64_t LogHint::Expected(uint64_t shard) const {
  std::lock_guard lock(mutex_);
  const auto found = expected_.find(shard);
  return found == expected_.end() ? 0 : found->second;
}

absl::Status LogHint::Note(uint64_t shard, uint64_t lsn) {
  std::lock_guard lock(mutex_);
  uint64_t& known = acknowledged_[shard];
  is_written_ = is_written_ && lsn <= known;
  known = std::max(known, lsn);
  return WriteIfDueLocked();
}

void LogHint::NoteLog(uint64_t sequence) {
  std::lock_guard lock(mutex_);
  if (sequence <= log_sequence_) return;
  log_sequence_ = sequence;
  is_written_ = false;
}

absl::Status LogHint::Tick() {
  std::lock_guard lock(mutex_);
  return WriteIfDueLocked();
}

absl::Status LogHint::WriteIfDueLocked() {
  const Deadline now = clock_.Now();
  if (is_written_ || now < next_write_) return absl::OkStatus();
  next_write_ = now + kWritePeriod;
  return WriteLocked(Bound::kLower);
}

absl::Status LogHint::Forget(uint64_t shard) {
  std::lock_guard lock(mutex_);
  acknowledged_.erase(shard);
  expected_.erase(shard);
  return WriteLocked(Bound::kLower);
}

absl::Status LogHint::Close() {
  std::lock_guard lock(mutex_);
  KITH_RETURN_IF_ERROR(WriteLocked(Bound::kExact));
  return files_.SyncDirectory(ParentDirectory(path_));
}

// The bytes are synced before the rename, or a power cut could leave an empty file under the name;
// the name itself is not: an older bound is still a bound.
absl::Status LogHint::WriteLocked(Bound bound) {
  CheckedText text(kKind);
  if (bound == Bound::kExact) text.Put(kExactKey, uint64_t{1});
  if (log_sequence_ != 0) text.Put(kLogKey, log_sequence_);
  for (const auto& [shard, lsn] : acknowledged_)
    text.Put(fmt::format("{}{}", kShardKey, shard), lsn);
  const std::string beside = path_ + ".new";
  {
    KITH_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file, files_.Create(beside));
    KITH_RETURN_IF_ERROR(file->Append(text.Encode()));
    KITH_RETURN_IF_ERROR(file->Sync());
  }
  KITH_RETURN_IF_ERROR(files_.Rename(beside, path_));
  is_written_ = true;
  return absl::OkStatus();
}

}  // namespace kith::storage
