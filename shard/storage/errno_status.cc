#include "shard/storage/errno_status.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::storage {

absl::Status DiskFullStatus(std::string_view action, const std::string& path) {
  return Error(absl::StatusCode::kResourceExhausted, reason::kDiskFull,
               fmt::format("cannot {} {}: no space is left on this disk, or the quota is used up. "
                           "Free some space or move the data directory to a larger disk",
                           action, path));
}

absl::Status ReadOnlyStatus(std::string_view action, const std::string& path) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kStorage,
               fmt::format("cannot {} {}: the file system is read-only. Remount it read-write or "
                           "choose another data directory",
                           action, path));
}

absl::Status NoRightsStatus(std::string_view action, const std::string& path) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kStorage,
               fmt::format("cannot {} {}: permission denied for user {}. Give that user the "
                           "directory (chown, chmod u+rwx) or choose another one",
                           action, path, geteuid()));
}

absl::Status ErrnoStatus(int error, std::string_view action, const std::string& path) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return DiskFullStatus(action, path);
    case EROFS:
      return ReadOnlyStatus(action, path);
    case EACCES:
    case EPERM:
      return NoRightsStatus(action, path);
    default:
      break;
  }
  const std::string message =
      fmt::format("cannot {} {}: {}", action, path, std::generic_category().message(error));
  const auto code = error == ENOENT ? absl::StatusCode::kNotFound : absl::StatusCode::kUnavailable;
  return Error(code, reason::kStorage, message);
}

absl::Status CorruptFile(const std::string& path, std::string_view what) {
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               fmt::format("{} is damaged: {} ({})", path, what, kDamageRemedy));
}

}  // namespace kith::storage
