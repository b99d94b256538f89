#ifndef KITH_SHARD_STORAGE_FILE_COPY_H_
#define KITH_SHARD_STORAGE_FILE_COPY_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/storage/file_system.h"

namespace kith::storage {

struct FileSum {
  uint64_t bytes = 0;
  std::string sha256;  // 64 hex digits
};

// Called after each piece of a file with its bytes; an error ends the work with that error.
using PieceWatch = std::function<absl::Status(uint64_t bytes)>;
inline absl::Status UnwatchedPiece(uint64_t) { return absl::OkStatus(); }

absl::StatusOr<FileSum> SumFile(FileSystem& files, const std::string& path,
                                const PieceWatch& watch);
// Durable but for its name; removed again where it fails.
absl::StatusOr<FileSum> CopyFile(FileSystem& files, const std::string& from, const std::string& to,
                                 const PieceWatch& watch);
// A second name, or a copy where there can be none. Not durable.
absl::Status LinkOrCopy(FileSystem& files, const std::string& from, const std::string& to);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_FILE_COPY_H_
