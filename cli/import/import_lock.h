#ifndef KITH_CLI_IMPORT_IMPORT_LOCK_H_
#define KITH_CLI_IMPORT_IMPORT_LOCK_H_

#include <string>

#include "absl/status/statusor.h"

namespace kith::cli {

// One import at a time keeps its progress in a file: two would undo each other's. The lock is a
// file PROGRESS.lock beside it, which goes with the lock.
class ImportLock {
 public:
  // FAILED_PRECONDITION while another process holds it.
  static absl::StatusOr<ImportLock> Take(const std::string& progress_path);
  ImportLock(ImportLock&& other) noexcept;
  ImportLock& operator=(ImportLock&&) = delete;
  ~ImportLock();

 private:
  ImportLock(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  std::string path_;
  int descriptor_ = -1;
};

}  // namespace kith::cli

#endif  // KITH_CLI_IMPORT_IMPORT_LOCK_H_
