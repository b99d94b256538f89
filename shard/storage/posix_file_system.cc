#include <dirent.h>
#include <fcntl.h>
#include <rocksdb/env.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "common/base/status.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/file_system.h"

namespace kith::storage {
namespace {

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags)
      : fd_(open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  bool ok() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(std::string path, Descriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  absl::Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = write(file_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return ErrnoStatus(errno, "write", path_);
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    return fsync(file_.get()) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "sync", path_);
  }

 private:
  const std::string path_;
  const Descriptor file_;
};

class PosixReadableFile final : public ReadableFile {
 public:
  PosixReadableFile(std::string path, Descriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  absl::StatusOr<size_t> Read(char* to, size_t size) override {
    while (true) {
      const ssize_t count = read(file_.get(), to, size);
      if (count >= 0) return static_cast<size_t>(count);
      if (errno != EINTR) return ErrnoStatus(errno, "read", path_);
    }
  }

 private:
  const std::string path_;
  const Descriptor file_;
};

// What a file system says that cannot give a second name to this file.
bool HasNoSecondName(int error) {
  return error == EXDEV || error == EPERM || error == EMLINK || error == ENOSYS ||
         error == EOPNOTSUPP;
}

class PosixMappedFile final : public MappedFile {
 public:
  PosixMappedFile(std::string path, void* data, size_t size)
      : path_(std::move(path)), data_(static_cast<std::byte*>(data)), size_(size) {}
  ~PosixMappedFile() override {
    if (size_ > 0) munmap(data_, size_);
  }
  std::byte* data() override { return data_; }
  size_t size() const override { return size_; }
  absl::Status Sync() override {
    if (size_ == 0 || msync(data_, size_, MS_SYNC) == 0) return absl::OkStatus();
    return ErrnoStatus(errno, "sync", path_);
  }

 private:
  const std::string path_;
  std::byte* const data_;
  const size_t size_;
};

absl::StatusOr<std::unique_ptr<MappedFile>> Map(const std::string& path, const Descriptor& file,
                                                int protection) {
  struct stat facts;
  if (fstat(file.get(), &facts) != 0) return ErrnoStatus(errno, "read the size of", path);
  const size_t size = static_cast<size_t>(facts.st_size);
  void* data = nullptr;
  if (size > 0) {
    data = mmap(nullptr, size, protection, MAP_SHARED, file.get(), 0);
    if (data == MAP_FAILED) return ErrnoStatus(errno, "map", path);
  }
  return std::make_unique<PosixMappedFile>(path, data, size);
}

// Allocates, not only extends. Where the disk is full the file is put back to its old size.
absl::Status GrowTo(const std::string& path, const Descriptor& file, size_t size) {
  struct stat facts;
  if (fstat(file.get(), &facts) != 0) return ErrnoStatus(errno, "read the size of", path);
  const int error = posix_fallocate(file.get(), 0, static_cast<off_t>(size));
  if (error == 0) return absl::OkStatus();
  if (ftruncate(file.get(), facts.st_size) != 0) {
    return ErrnoStatus(errno, "shrink, after failing to grow it,", path);
  }
  return ErrnoStatus(error, "grow", path);
}

absl::Status SyncOpened(const std::string& path) {
  const Descriptor directory(path, O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) return ErrnoStatus(errno, "open directory", path);
  return fsync(directory.get()) == 0 ? absl::OkStatus()
                                     : ErrnoStatus(errno, "sync directory", path);
}

class PosixFileSystem final : public FileSystem {
 public:
  absl::Status CreateDirectories(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    return error ? ErrnoStatus(error.value(), "create directory", path) : absl::OkStatus();
  }

  absl::Status SyncDirectory(const std::string& path) override { return SyncOpened(path); }

  absl::Status SyncFile(const std::string& path) override {
    const Descriptor file(path, O_RDONLY);
    if (!file.ok()) return ErrnoStatus(errno, "open", path);
    return fsync(file.get()) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "sync", path);
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    std::error_code error;
    std::filesystem::directory_iterator entries(path, error);
    if (error) return ErrnoStatus(error.value(), "list", path);
    std::vector<std::string> names;
    while (entries != std::filesystem::directory_iterator()) {
      names.push_back(entries->path().filename().string());
      entries.increment(error);
      if (error) return ErrnoStatus(error.value(), "list", path);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  bool Exists(const std::string& path) override { return access(path.c_str(), F_OK) == 0; }

  absl::Status Remove(const std::string& path) override {
    return unlink(path.c_str()) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "remove", path);
  }

  absl::Status RemoveTree(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    return error ? ErrnoStatus(error.value(), "remove", path) : absl::OkStatus();
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    return rename(from.c_str(), to.c_str()) == 0 ? absl::OkStatus()
                                                 : ErrnoStatus(errno, "rename " + from + " to", to);
  }

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.ok()) return ErrnoStatus(errno, "create", path);
    return std::make_unique<PosixWritableFile>(path, std::move(file));
  }

  absl::Status Link(const std::string& from, const std::string& to) override {
    if (link(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    if (HasNoSecondName(errno)) return absl::UnimplementedError("no second name for " + from);
    return ErrnoStatus(errno, "link " + from + " to", to);
  }

  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenToRead(const std::string& path) override {
    Descriptor file(path, O_RDONLY);
    if (!file.ok()) return ErrnoStatus(errno, "open", path);
    return std::make_unique<PosixReadableFile>(path, std::move(file));
  }

  absl::StatusOr<uint64_t> FileBytes(const std::string& path) override {
    struct stat facts;
    if (stat(path.c_str(), &facts) != 0) return ErrnoStatus(errno, "read the size of", path);
    return static_cast<uint64_t>(facts.st_size);
  }

  absl::StatusOr<std::string> ReadAll(const std::string& path, uint64_t bytes_max) override {
    const Descriptor file(path, O_RDONLY);
    struct stat facts;
    if (!file.ok() || fstat(file.get(), &facts) != 0) return ErrnoStatus(errno, "read", path);
    if (static_cast<uint64_t>(facts.st_size) > bytes_max) {
      return CorruptFile(path, "it is larger than anything this program writes there");
    }
    std::string bytes(static_cast<size_t>(facts.st_size), '\0');
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t count = read(file.get(), bytes.data() + done, bytes.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return ErrnoStatus(errno, "read", path);
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    bytes.resize(done);
    return bytes;
  }

  absl::StatusOr<std::unique_ptr<MappedFile>> MapReadOnly(const std::string& path) override {
    const Descriptor file(path, O_RDONLY);
    if (!file.ok()) return ErrnoStatus(errno, "open", path);
    return Map(path, file, PROT_READ);
  }

  absl::StatusOr<std::unique_ptr<MappedFile>> MapShared(const std::string& path,
                                                        size_t size) override {
    const Descriptor file(path, O_RDWR | O_CREAT);
    if (!file.ok()) return ErrnoStatus(errno, "open", path);
    KITH_RETURN_IF_ERROR(GrowTo(path, file, size));
    return Map(path, file, PROT_READ | PROT_WRITE);
  }

  absl::StatusOr<uint64_t> FreeBytes(const std::string& path) override {
    struct statvfs facts;
    if (statvfs(path.c_str(), &facts) != 0)
      return ErrnoStatus(errno, "ask the free space of", path);
    return uint64_t{facts.f_bavail} * facts.f_frsize;
  }

  rocksdb::Env* rocksdb_env() override { return rocksdb::Env::Default(); }
};

}  // namespace

std::unique_ptr<FileSystem> NewPosixFileSystem() { return std::make_unique<PosixFileSystem>(); }

}  // namespace kith::storage
