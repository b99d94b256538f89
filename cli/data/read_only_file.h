#ifndef KITH_CLI_DATA_READ_ONLY_FILE_H_
#define KITH_CLI_DATA_READ_ONLY_FILE_H_

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace kith::cli {

// A file read by position. Reads rather than a mapping: a file that shrinks while it is read gives
// an error here, where a mapping would kill the process.
// Threads: any.
class ReadOnlyFile {
 public:
  // NOT_FOUND, PERMISSION_DENIED or INVALID_ARGUMENT (not a regular file), naming the path.
  static absl::StatusOr<ReadOnlyFile> Open(const std::string& path);
  ReadOnlyFile(ReadOnlyFile&& other) noexcept;
  ReadOnlyFile& operator=(ReadOnlyFile&& other) noexcept;
  ~ReadOnlyFile();

  const std::string& path() const { return path_; }
  // When it was opened: bytes, and the time of its last change since 1970.
  uint64_t size() const { return size_; }
  uint64_t modified_ns() const { return modified_ns_; }

  // Fills all of `out`; DATA_LOSS where the file ends before that.
  absl::Status ReadAt(uint64_t offset, std::span<std::byte> out) const;

 private:
  ReadOnlyFile(std::string path, int descriptor, const struct stat& facts);

  std::string path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
  uint64_t modified_ns_ = 0;
};

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_READ_ONLY_FILE_H_
