#ifndef KITH_CLI_DATA_IDS_FILE_H_
#define KITH_CLI_DATA_IDS_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/data/read_only_file.h"
#include "common/vector/point_key.h"

namespace kith::cli {

// The ids of the rows of a file of vectors, in their order: an npy array of one dimension, uint64
// or int64 where all are numbers, else byte strings ("|S36"), numbers in digits and UUIDs as
// 8-4-4-4-12.
// Threads: any.
class IdsFile {
 public:
  // INVALID_ARGUMENT where it is no such array, naming the file.
  static absl::StatusOr<IdsFile> Open(const std::string& path);

  uint64_t rows() const { return rows_; }
  const ReadOnlyFile& file() const { return file_; }
  // Keys of rows [first, first + count). INVALID_ARGUMENT BAD_ID naming the row that has none.
  absl::Status Read(uint64_t first, uint64_t count, std::vector<PointKey>& keys) const;

 private:
  IdsFile(ReadOnlyFile file, uint64_t data_at, uint64_t rows)
      : file_(std::move(file)), data_at_(data_at), rows_(rows) {}
  absl::StatusOr<PointKey> Parse(const char* bytes) const;

  ReadOnlyFile file_;
  uint64_t data_at_ = 0;
  uint64_t rows_ = 0;
  size_t width_ = 8;  // bytes of an id
  enum class Form { kUnsigned, kSigned, kText } form_ = Form::kUnsigned;
};

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_IDS_FILE_H_
