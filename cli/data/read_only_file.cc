#include "cli/data/read_only_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

absl::Status OpenError(const std::string& path, int error) {
  const auto code = error == ENOENT                     ? absl::StatusCode::kNotFound
                    : error == EACCES || error == EPERM ? absl::StatusCode::kPermissionDenied
                                                        : absl::StatusCode::kUnknown;
  return Error(code, reason::kStorage, fmt::format("{}: {}", path, std::strerror(error)));
}

}  // namespace

absl::StatusOr<ReadOnlyFile> ReadOnlyFile::Open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return OpenError(path, errno);
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) {
    const int error = errno;
    ::close(descriptor);
    return OpenError(path, error);
  }
  if (!S_ISREG(facts.st_mode)) {
    ::close(descriptor);
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
                 fmt::format("{}: not a regular file; give the path of a data file", path));
  }
  (void)::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  return ReadOnlyFile(path, descriptor, facts);
}

ReadOnlyFile::ReadOnlyFile(std::string path, int descriptor, const struct stat& facts)
    : path_(std::move(path)),
      descriptor_(descriptor),
      size_(static_cast<uint64_t>(facts.st_size)),
      modified_ns_(static_cast<uint64_t>(facts.st_mtim.tv_sec) * 1'000'000'000 +
                   static_cast<uint64_t>(facts.st_mtim.tv_nsec)) {}

ReadOnlyFile::ReadOnlyFile(ReadOnlyFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      modified_ns_(other.modified_ns_) {}

ReadOnlyFile& ReadOnlyFile::operator=(ReadOnlyFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  std::swap(modified_ns_, other.modified_ns_);
  return *this;
}

ReadOnlyFile::~ReadOnlyFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

absl::Status ReadOnlyFile::ReadAt(uint64_t offset, std::span<std::byte> out) const {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(descriptor_, out.data() + done, out.size() - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return OpenError(path_, errno);
    if (got == 0) {
      return Error(absl::StatusCode::kDataLoss, reason::kStorage,
                   fmt::format("{}: ends at byte {} where {} more bytes were expected; it was {} "
                               "bytes when it was opened",
                               path_, offset + done, out.size() - done, size_));
    }
    done += static_cast<size_t>(got);
  }
  return absl::OkStatus();
}

}  // namespace kith::cli
