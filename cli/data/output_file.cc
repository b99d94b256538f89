#include "cli/data/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
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

}  // namespace

absl::StatusOr<OutputFile> OutputFile::Create(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode)) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kStorage,
                 fmt::format("{}: is there and is no regular file; name another", path));
  }
  const std::string partial = path + ".partial";
  const int descriptor = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return WriteError(partial, errno);
  return OutputFile(path, descriptor);
}

OutputFile::OutputFile(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(partial_path().c_str());
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
  if (::close(std::exchange(descriptor_, -1)) != 0) return WriteError(path_, errno);
  if (std::rename(partial_path().c_str(), path_.c_str()) != 0) return WriteError(path_, errno);
  return absl::OkStatus();
}

absl::Status WriteWholeFile(const std::string& path, std::string_view content) {
  KITH_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
  KITH_RETURN_IF_ERROR(file.WriteAt(0, std::as_bytes(std::span(content))));
  return file.Commit();
}

}  // namespace kith::cli
