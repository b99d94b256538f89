#ifndef KITH_CLI_DATASET_TRUTH_CHECKPOINT_H_
#define KITH_CLI_DATASET_TRUTH_CHECKPOINT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace kith::cli {

struct Candidate {
  float rank;  // smaller is nearer
  uint32_t row;
  bool operator<(const Candidate& other) const {
    return rank != other.rank ? rank < other.rank : row < other.row;
  }
};

// How far a comparison of all with all has come: the nearest of each query among the rows before
// next_row.
struct TruthProgress {
  std::string identity;  // of the files and what is asked
  uint64_t next_row = 0;
  std::vector<std::vector<Candidate>> nearest;  // one list a query, in any order
};

// The file appears whole or stays as it was.
absl::Status SaveTruthProgress(const std::string& path, const TruthProgress& progress);
// nullopt where there is no such file. FAILED_PRECONDITION where it is of something else, or is no
// such file at all: nothing is thrown away unasked.
absl::StatusOr<std::optional<TruthProgress>> LoadTruthProgress(const std::string& path,
                                                               const std::string& identity);

}  // namespace kith::cli

#endif  // KITH_CLI_DATASET_TRUTH_CHECKPOINT_H_
