#ifndef KITH_CLI_DATASET_EXACT_NEIGHBOURS_H_
#define KITH_CLI_DATASET_EXACT_NEIGHBOURS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "cli/console/terminal.h"
#include "cli/data/neighbour_file.h"
#include "cli/data/vector_reader.h"
#include "common/vector/metric.h"

namespace kith::cli {

struct ExactNeighboursOptions {
  uint32_t k = 100;
  Metric metric = Metric::kL2;
  uint32_t threads = 2;
  // Where to note from time to time how far it is, to go on from there; empty: nowhere. Whoever
  // asks gives what tells these files from others.
  std::string checkpoint;
  std::string identity;
};

// Compares every query with every row of `base` through the server's own exact kernels, so that a
// score here has the bits of a score there. Neighbours are nearest first, ties by smaller row; rows
// are read in blocks, so the base may be larger than memory. INVALID_ARGUMENT where the files
// differ in dimension or element type, k exceeds the rows, an element is not finite, or a cosine
// query is zero;
// FAILED_PRECONDITION where the checkpoint is of something else. It stays until the caller has
// written the answer.
absl::StatusOr<NeighbourTable> ExactNeighbours(VectorReader& base, const VectorMatrix& queries,
                                               const ExactNeighboursOptions& options,
                                               Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_DATASET_EXACT_NEIGHBOURS_H_
