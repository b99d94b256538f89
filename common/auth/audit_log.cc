#include "common/auth/audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/auth/key_file.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::auth {
namespace {

constexpr uint64_t kDeniedPerSecondMax = 100;
constexpr mode_t kRights = 0640;

}  // namespace

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(const std::string& path, Clock& clock) {
  auto log = std::unique_ptr<AuditLog>(new AuditLog(path, clock));
  KITH_RETURN_IF_ERROR(log->OpenFile());
  return log;
}

AuditLog::~AuditLog() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::Status AuditLog::OpenFile() {
  const int opened = open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kRights);
  struct stat found {};
  if (opened < 0 || fstat(opened, &found) != 0) {
    const int error = errno;
    if (opened >= 0) close(opened);
    return Error(absl::StatusCode::kFailedPrecondition, reason::kStorage,
                 fmt::format("cannot append to the audit log {}: {}", path_, strerror(error)));
  }
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = opened;
  file_node_ = found.st_ino;
  file_device_ = found.st_dev;
  return absl::OkStatus();
}

bool AuditLog::MayWrite() {
  const Deadline now = clock_.Now();
  if (now >= second_ + std::chrono::seconds(1)) {
    second_ = now;
    denied_ = 0;
  }
  if (++denied_ <= kDeniedPerSecondMax) return true;
  ++left_out_;
  return false;
}

void AuditLog::Write(Kind kind, const AuditRecord& record) {
  std::lock_guard lock(mutex_);
  if (kind == Kind::kDenied && !MayWrite()) return;
  const uint64_t now_ms = clock_.UnixMs();
  std::string time = FormatUnixMs(now_ms);
  time.insert(time.size() - 1, fmt::format(".{:03}", now_ms % 1000));
  nlohmann::ordered_json json = {{"time", time},
                                 {"event", kind == Kind::kDenied ? "denied" : "administered"},
                                 {"key", record.key},
                                 {"peer", record.peer},
                                 {"method", record.method},
                                 {"collection", record.collection},
                                 {"outcome", record.outcome}};
  if (!record.subject.empty()) json["subject"] = record.subject;
  if (!record.reason.empty()) json["reason"] = record.reason;
  if (left_out_ != 0) json["denied_left_out_before"] = std::exchange(left_out_, 0);
  using Replace = nlohmann::ordered_json::error_handler_t;
  const std::string line = json.dump(-1, ' ', /*ensure_ascii=*/true, Replace::replace) + "\n";
  // One write a line: lines of two processes that share a file do not mix.
  const ssize_t written = write(descriptor_, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) has_failed_ = true;
}

absl::Status AuditLog::Refresh() {
  std::lock_guard lock(mutex_);
  struct stat found {};
  const bool is_there = stat(path_.c_str(), &found) == 0;
  const bool is_ours = is_there && found.st_ino == file_node_ && found.st_dev == file_device_;
  if (!is_ours) KITH_RETURN_IF_ERROR(OpenFile());
  if (!std::exchange(has_failed_, false)) return absl::OkStatus();
  return Error(
      absl::StatusCode::kUnavailable, reason::kStorage,
      fmt::format("lines of the audit log {} could not be written: is its disk full?", path_));
}

}  // namespace kith::auth
