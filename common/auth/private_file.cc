#include "common/auth/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::auth {
namespace {

constexpr int64_t kBytesMax = 16 << 20;
constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;
constexpr mode_t kTooOpen = S_IWGRP | S_IRWXO;

class OpenFile {
 public:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  ~OpenFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

absl::Status Wrong(const std::string& path, std::string_view what) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kStorage,
               fmt::format("{}: {}", path, what));
}

absl::Status Failed(const std::string& path, std::string_view what) {
  return Wrong(path, fmt::format("{}: {}", what, strerror(errno)));
}

absl::Status CheckOwnerAndRights(const std::string& path, const struct stat& found) {
  if (!S_ISREG(found.st_mode)) return Wrong(path, "is not a file");
  if (found.st_uid != 0 && found.st_uid != geteuid()) {
    return Wrong(path, fmt::format("belongs to user {}: whoever owns it decides who comes in. Give "
                                   "it to this user ({}) or to root",
                                   found.st_uid, geteuid()));
  }
  if ((found.st_mode & kTooOpen) != 0) {
    return Wrong(path,
                 fmt::format("has the rights {:04o}: others could read it, or its group write "
                             "it. Run: chmod 600 {}",
                             found.st_mode & 07777, path));
  }
  if (found.st_size > kBytesMax) return Wrong(path, "is larger than 16 MiB");
  return absl::OkStatus();
}

bool WriteAll(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return fsync(descriptor) == 0;
}

// `old` is the file that it will replace, nullptr where there is none. Whoever could read that one
// can read the new one: the server may be another user than the one who changes it.
absl::Status WritePartial(const std::string& partial, const std::string& text,
                          const struct stat* old) {
  unlink(partial.c_str());
  const OpenFile file(open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
  if (file.descriptor() < 0) return Failed(partial, "cannot be written");
  if (!WriteAll(file.descriptor(), text)) return Failed(partial, "cannot be written");
  if (old == nullptr) return absl::OkStatus();
  const bool is_kept = fchown(file.descriptor(), old->st_uid, old->st_gid) == 0 &&
                       fchmod(file.descriptor(), old->st_mode & 07777) == 0;
  return is_kept ? absl::OkStatus()
                 : Failed(partial, "cannot have the owner and rights of the old one");
}

}  // namespace

absl::StatusOr<std::string> ReadPrivateFile(const std::string& path) {
  const OpenFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.descriptor() < 0) return Failed(path, "cannot be read");
  struct stat found {};
  if (fstat(file.descriptor(), &found) != 0) return Failed(path, "cannot be read");
  KITH_RETURN_IF_ERROR(CheckOwnerAndRights(path, found));
  std::string text;
  char buffer[16 << 10];
  while (true) {
    const ssize_t count = read(file.descriptor(), buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failed(path, "cannot be read");
    if (count == 0) return text;
    text.append(buffer, static_cast<size_t>(count));
    if (text.size() > kBytesMax) return Wrong(path, "is larger than 16 MiB");
  }
}

absl::Status ChangePrivateFile(const std::string& path, const ChangeText& change) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const OpenFile directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (flock(directory.descriptor(), LOCK_EX) != 0) return Failed(folder, "cannot be locked");
  struct stat found {};
  const bool is_there = stat(path.c_str(), &found) == 0;
  std::string old_text;
  if (is_there) {
    KITH_ASSIGN_OR_RETURN(old_text, ReadPrivateFile(path));
  }
  KITH_ASSIGN_OR_RETURN(const std::string text, change(old_text));
  const std::string partial = path + ".partial";
  const absl::Status written = WritePartial(partial, text, is_there ? &found : nullptr);
  if (!written.ok()) {
    unlink(partial.c_str());
    return written;
  }
  if (rename(partial.c_str(), path.c_str()) != 0) return Failed(path, "cannot be replaced");
  return fsync(directory.descriptor()) == 0 ? absl::OkStatus() : Failed(folder, "cannot be synced");
}

FileMark MarkOf(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino, found.st_size,
          found.st_ctim.tv_sec * 1'000'000'000 + found.st_ctim.tv_nsec, found.st_mode};
}

}  // namespace kith::auth
