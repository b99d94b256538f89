#ifndef KITH_CLI_BENCH_QUERY_SET_H_
#define KITH_CLI_BENCH_QUERY_SET_H_

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "cli/data/element_conversion.h"
#include "cli/data/neighbour_file.h"
#include "kith/v1/search.pb.h"

namespace kith::cli {

// Queries in the bytes that the collection takes, and their true neighbours.
// Threads: any, once loaded.
class QuerySet {
 public:
  struct Options {
    std::string queries;
    std::string truth;  // empty: not known, and nothing is ever found
    uint32_t k = 10;
    uint64_t first_id = 0;
  };
  // INVALID_ARGUMENT where the files do not fit each other, the collection or k, naming the file.
  static absl::StatusOr<QuerySet> Load(const Options& options, const VectorSchema& schema);

  uint64_t size() const { return rows_; }
  bool has_truth() const { return truth_.queries != 0; }
  // Queries [first, first + count), first modulo the size, row-major. They are contiguous: the
  // count is cut at the end of the set.
  std::string_view Bytes(uint64_t first, uint64_t& count) const;
  // How many of the true k of query `row` are among `found`; only where there is a truth.
  uint32_t CountFound(uint64_t row, std::span<const uint64_t> found) const;

 private:
  absl::Status LoadTruth(const Options& options, uint64_t queries);

  VectorSchema schema_;
  uint64_t rows_ = 0;
  uint32_t k_ = 0;
  uint64_t first_id_ = 0;
  std::string bytes_;
  NeighbourTable truth_;
};

}  // namespace kith::cli

#endif  // KITH_CLI_BENCH_QUERY_SET_H_
