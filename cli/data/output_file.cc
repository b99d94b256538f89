#include "cli/data/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

absl::Status WriteError(const std::string& path, int error) {
  const bool denied = error == EACCES || error == EPERM || error == EROFS;
  const auto code = denied            ? absl::StatusCode::kPermissionDenied
                    : error == ENOENT ? absl::StatusCode::kNotFound
                    : error == ENOSPC ? absl::StatusCode::kResourceExhausted
                                      : absl::StatusCode::kUnknown;
  return Error(code, reason::kStorage,
               fmt::format("{}: cannot be written: {}", path, std::strerror(error)));
}

// Who held the lock before has renamed or removed the file since it was opened here.
bool IsStillThere(const std::string& path, int descriptor) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

// Two writers of one file would mix their bytes. A file system without locks is taken as it is.
absl::StatusOr<int> OpenLocked(const std::string& partial) {
  while (true) {
    const int descriptor = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) return WriteError(partial, errno);
    const bool is_busy = ::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!is_busy && IsStillThere(partial, descriptor)) {
      if (::ftruncate(descriptor, 0) == 0) return descriptor;
      const int error = errno;
      ::close(descriptor);
      return WriteError(partial, error);
    }
    ::close(descriptor);
    if (!is_busy) continue;
    return Error(absl::StatusCode::kFailedPrecondition, reason::kStorage,
                 fmt::format("{}: another process is writing it; wait for it or stop it", partial));
  }
}

}  // namespace

absl::StatusOr<OutputFile> OutputFile::Create(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode)) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kStorage,
                 fmt::format("{}: is there and is no regular file; name another", path));
  }
  KITH_ASSIGN_OR_RETURN(const int descriptor, OpenLocked(path + ".partial"));
  return OutputFile(path, descriptor);
}

OutputFile::OutputFile(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  ::unlink(partial_path().c_str());  // while it is still locked
  ::close(descriptor_);
}

absl::Status OutputFile::WriteAt(uint64_t offset, std::span<const std::byte> bytes) const {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(offset + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return WriteError(path_, errno);
    done += static_cast<size_t>(wrote);
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Commit() {
  if (::fsync(descriptor_) != 0) return WriteError(path_, errno);
  // While it is still locked: nobody else may write what gets the name.
  if (std::rename(partial_path().c_str(), path_.c_str()) != 0) return WriteError(path_, errno);
  if (::close(std::exchange(descriptor_, -1)) != 0) return WriteError(path_, errno);
  return absl::OkStatus();
}

absl::Status WriteWholeFile(const std::string& path, std::string_view content) {
  KITH_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
  KITH_RETURN_IF_ERROR(file.WriteAt(0, std::as_bytes(std::span(content))));
  return file.Commit();
}

}  // namespace kith::cli
