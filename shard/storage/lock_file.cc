#include "shard/storage/lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/errno_status.h"

namespace kith::storage {
namespace {

// The lock is the kernel's; the number in the file only helps whoever reads the message.
std::string OwnerOf(int fd) {
  char text[32];
  const ssize_t size = pread(fd, text, sizeof(text), 0);
  if (size <= 0) return "another process";
  const std::string_view line(text, static_cast<size_t>(size));
  return fmt::format("process {}", line.substr(0, line.find('\n')));
}

absl::Status WriteOwner(int fd, const std::string& path) {
  const std::string owner = fmt::format("{}\n", getpid());
  const bool written = ftruncate(fd, 0) == 0 && pwrite(fd, owner.data(), owner.size(), 0) ==
                                                    static_cast<ssize_t>(owner.size());
  return written ? absl::OkStatus() : ErrnoStatus(errno, "write", path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<LockFile>> LockFile::Acquire(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  std::unique_ptr<LockFile> lock(new LockFile(fd));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus(errno, "lock", path);
    return Error(absl::StatusCode::kFailedPrecondition, reason::kDirectoryInUse,
                 fmt::format("{} is held by {}. Stop it, or give this one a data directory of its "
                             "own",
                             path, OwnerOf(fd)));
  }
  KITH_RETURN_IF_ERROR(WriteOwner(fd, path));
  return lock;
}

LockFile::~LockFile() { close(fd_); }

}  // namespace kith::storage
