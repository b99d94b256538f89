#ifndef KITH_SHARD_STORAGE_FILE_SYSTEM_H_
#define KITH_SHARD_STORAGE_FILE_SYSTEM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rocksdb {
class Env;
}

namespace kith::storage {

// A file being written from start to end. Nothing is durable before Sync, and the file's name not
// before the directory is synced. Threads: one at a time.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual absl::Status Append(std::string_view bytes) = 0;
  virtual absl::Status Sync() = 0;
};

// A file being read from start to end. Threads: one at a time.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  // At most `size` bytes into `to`, and how many; 0: the end.
  virtual absl::StatusOr<size_t> Read(char* to, size_t size) = 0;
};

// A mapped file, unmapped by the destructor. Threads: the bytes are shared memory.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  virtual std::byte* data() = 0;
  virtual size_t size() const = 0;
  virtual absl::Status Sync() = 0;
};

// The only door to the disk for the node's own files, and the RocksDB environment that goes through
// the same door: the power-cut simulator of the tests stands behind it.
//
// Errors: RESOURCE_EXHAUSTED DISK_FULL for ENOSPC and EDQUOT, FAILED_PRECONDITION STORAGE for a
// read-only file system or missing rights (the message names path and remedy), NOT_FOUND,
// UNAVAILABLE STORAGE otherwise. Threads: any.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual absl::Status CreateDirectories(const std::string& path) = 0;
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
  // Makes durable what is in a file that somebody else wrote, perhaps a process that was killed.
  virtual absl::Status SyncFile(const std::string& path) = 0;
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;
  virtual absl::Status RemoveTree(const std::string& path) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;
  // A second name for the bytes of a file that nobody changes any more. UNIMPLEMENTED where the two
  // names are on different file systems, or theirs has no second names.
  virtual absl::Status Link(const std::string& from, const std::string& to) = 0;
  virtual absl::StatusOr<std::unique_ptr<ReadableFile>> OpenToRead(const std::string& path) = 0;
  virtual absl::StatusOr<uint64_t> FileBytes(const std::string& path) = 0;
  virtual absl::StatusOr<std::string> ReadAll(const std::string& path, uint64_t bytes_max) = 0;
  virtual absl::StatusOr<std::unique_ptr<MappedFile>> MapReadOnly(const std::string& path) = 0;
  // Creates the file or grows it to `size` bytes (allocated, so that a full disk shows here and not
  // as a fault when a page is touched).
  virtual absl::StatusOr<std::unique_ptr<MappedFile>> MapShared(const std::string& path,
                                                                size_t size) = 0;
  virtual absl::StatusOr<uint64_t> FreeBytes(const std::string& path) = 0;
  virtual rocksdb::Env* rocksdb_env() = 0;

  // Writes beside, syncs, renames over `path`, syncs the directory. Leaves nothing beside where it
  // fails: on a full disk that would be what keeps it full.
  absl::Status ReplaceFile(const std::string& path, std::string_view bytes);
  // Creates what is missing of `path` so that a power cut cannot undo it.
  absl::Status EnsureDirectory(const std::string& path);
};

// "/data/log" -> "/data", "log" -> ".".
std::string ParentDirectory(const std::string& path);

// The real one. Owned by the caller; keep it alive longer than every store opened through it.
std::unique_ptr<FileSystem> NewPosixFileSystem();

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_FILE_SYSTEM_H_
