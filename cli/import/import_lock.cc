#include "cli/import/import_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

absl::Status LockError(const std::string& path, int error) {
  if (error == EWOULDBLOCK) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kBadRequest,
                 fmt::format("{}: another import of this file into this collection is running; "
                             "wait for it or stop it",
                             path));
  }
  return Error(absl::StatusCode::kUnknown, reason::kStorage,
               fmt::format("{}: cannot be locked: {}; name a folder of your own with "
                           "--progress-dir",
                           path, std::strerror(error)));
}

// Who held the lock before may have removed the file since it was opened here.
bool IsStillThere(const std::string& path, int descriptor) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

}  // namespace

absl::StatusOr<ImportLock> ImportLock::Take(const std::string& progress_path) {
  const std::string path = progress_path + ".lock";
  while (true) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) return LockError(path, errno);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(descriptor);
      return LockError(path, error);
    }
    if (IsStillThere(path, descriptor)) return ImportLock(path, descriptor);
    ::close(descriptor);
  }
}

ImportLock::ImportLock(ImportLock&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

ImportLock::~ImportLock() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

}  // namespace kith::cli
