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
constexpr char kTruncatedKey[] = "truncated.";

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
  for (const auto& [key, value] : text->fields()) LoadField(key, value);
  now_ = at_open_;
}

void LogHint::LoadField(const std::string& key, const std::string& value) {
  was_exact_ = was_exact_ || key == kExactKey;
  uint64_t lsn = 0;
  const auto shard_after = [&](std::string_view prefix, uint64_t& shard) {
    return key.starts_with(prefix) && absl::SimpleAtoi(key.substr(prefix.size()), &shard) &&
           absl::SimpleAtoi(value, &lsn);
  };
  uint64_t shard = 0;
  if (shard_after(kShardKey, shard)) at_open_[shard].acknowledged = lsn;
  if (shard_after(kTruncatedKey, shard)) at_open_[shard].truncated = lsn;
}

// One that is exact must not outlive the next append, whatever comes between.
void LogHint::Begin() {
  std::lock_guard lock(mutex_);
  if (was_exact_ && !WriteLocked(Bound::kLower).ok()) (void)files_.Remove(path_);
}

uint64_t LogHint::Expected(uint64_t shard) const {
  std::lock_guard lock(mutex_);
  const auto found = at_open_.find(shard);
  return found == at_open_.end() ? 0 : found->second.acknowledged;
}

uint64_t LogHint::Truncated(uint64_t shard) const {
  std::lock_guard lock(mutex_);
  const auto found = at_open_.find(shard);
  return found == at_open_.end() ? 0 : found->second.truncated;
}

absl::Status LogHint::Note(uint64_t shard, uint64_t lsn) {
  std::lock_guard lock(mutex_);
  Raise(now_[shard].acknowledged, lsn);
  return WriteIfDueLocked();
}

void LogHint::NoteTruncated(uint64_t shard, uint64_t lsn) {
  std::lock_guard lock(mutex_);
  Raise(now_[shard].truncated, lsn);
}

void LogHint::Raise(uint64_t& bound, uint64_t lsn) {
  if (lsn <= bound) return;
  bound = lsn;
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
  now_.erase(shard);
  at_open_.erase(shard);
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
  for (const auto& [shard, reach] : now_) {
    text.Put(fmt::format("{}{}", kShardKey, shard), reach.acknowledged);
    if (reach.truncated != 0) text.Put(fmt::format("{}{}", kTruncatedKey, shard), reach.truncated);
  }
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
