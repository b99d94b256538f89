#ifndef KITH_COMMON_AUTH_PRIVATE_FILE_H_
#define KITH_COMMON_AUTH_PRIVATE_FILE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace kith::auth {

// Files that decide who comes in: key files and private keys.

// The text of a file of at most 16 MiB. FAILED_PRECONDITION STORAGE where it cannot be read, is not
// a file, is owned by another user than this one or root, may be written by its group, or read or
// written by everyone; the message says what to do.
absl::StatusOr<std::string> ReadPrivateFile(const std::string& path);

// Replaces the file by what `change` makes of its text (empty where there is no file yet), in one
// step, durable when it returns: owner and rights stay; a new one is its owner's alone. Two changes
// at a time wait for one another. What `change` fails with, else as ReadPrivateFile.
using ChangeText = std::function<absl::StatusOr<std::string>(const std::string&)>;
absl::Status ChangePrivateFile(const std::string& path, const ChangeText& change);

// What changes whenever the file is replaced, written or given other rights; all 0: there is none.
struct FileMark {
  uint64_t device = 0;
  uint64_t node = 0;
  int64_t size = 0;
  int64_t changed_ns = 0;  // as fine as the kernel's tick
  uint32_t rights = 0;

  bool operator==(const FileMark&) const = default;
};
FileMark MarkOf(const std::string& path);

}  // namespace kith::auth

#endif  // KITH_COMMON_AUTH_PRIVATE_FILE_H_
