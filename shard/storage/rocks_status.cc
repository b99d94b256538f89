#include "shard/storage/rocks_status.h"

#include <fmt/format.h>

#include "common/base/one_line.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/errno_status.h"

namespace kith::storage {
namespace {

bool Says(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

}  // namespace

// RocksDB keeps the errno of only a few errors; the others are told by the C library's words.
bool IsDiskFull(const rocksdb::Status& status) {
  return status.IsNoSpace() || (!status.ok() && Says(status.ToString(), "Disk quota exceeded"));
}

absl::Status FromRocks(const rocksdb::Status& status, std::string_view action,
                       const std::string& path) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = OneLine(status.ToString());
  if (IsDiskFull(status)) return DiskFullStatus(action, path);
  if (Says(text, "Read-only file system")) return ReadOnlyStatus(action, path);
  if (Says(text, "Permission denied")) return NoRightsStatus(action, path);
  const std::string message = fmt::format("cannot {} {}: {}", action, path, text);
  // A file that the database names and that is not there is damage, too.
  if (status.IsCorruption() || Says(text, "No such file or directory")) {
    return Error(
        absl::StatusCode::kDataLoss, reason::kCorruption,
        fmt::format("{}. Restore what is damaged from a copy ({})", message, kDamageRemedy));
  }
  if (status.IsNotFound()) {
    return Error(absl::StatusCode::kNotFound, reason::kStorage, message);
  }
  if (status.IsIOError() && Says(text, "lock")) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kDirectoryInUse, message);
  }
  return Error(absl::StatusCode::kUnavailable, reason::kStorage, message);
}

}  // namespace kith::storage
