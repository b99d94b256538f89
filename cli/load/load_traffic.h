#ifndef KITH_CLI_LOAD_LOAD_TRAFFIC_H_
#define KITH_CLI_LOAD_LOAD_TRAFFIC_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cli/bench/query_set.h"
#include "cli/load/load_options.h"

namespace kith::cli {

// The points that upserts write: rows of a file, over and over, each always under the same id. A
// file that the collection was imported from, with its ids, leaves the collection as it was.
// Threads: any, once loaded.
class UpsertRows {
 public:
  UpsertRows() = default;
  static absl::StatusOr<UpsertRows> Load(const LoadOptions& options, const VectorSchema& schema);

  uint64_t size() const { return rows_; }
  // Rows [first, first + count), first modulo the size; the count is cut at the end of the file.
  std::string_view Bytes(uint64_t first, uint64_t& count) const;
  uint64_t IdOf(uint64_t first, uint64_t offset) const {
    return first_id_ + first % rows_ + offset;
  }

 private:
  uint64_t rows_ = 0;
  uint64_t row_bytes_ = 0;
  uint64_t first_id_ = 0;
  std::string bytes_;
};

// Everything that is sent, in the bytes that the collection takes.
struct LoadTraffic {
  QuerySet queries;
  UpsertRows upserts;  // empty where the mix writes nothing
};
// INVALID_ARGUMENT where a file does not fit the collection, naming the file; a usage error where
// the mix writes and no file says what.
absl::StatusOr<LoadTraffic> LoadTrafficFor(const LoadOptions& options, const VectorSchema& schema);

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_LOAD_TRAFFIC_H_
