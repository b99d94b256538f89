#ifndef KITH_SHARD_STORAGE_LOCK_FILE_H_
#define KITH_SHARD_STORAGE_LOCK_FILE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace kith::storage {

// An exclusive lock on a file that holds its owner's process id; freed by the destructor and by the
// end of the process, however it ends. Threads: any.
class LockFile {
 public:
  // FAILED_PRECONDITION DIRECTORY_IN_USE names the process that holds it.
  static absl::StatusOr<std::unique_ptr<LockFile>> Acquire(const std::string& path);
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

 private:
  explicit LockFile(int fd) : fd_(fd) {}

  const int fd_;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_LOCK_FILE_H_
