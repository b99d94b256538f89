#ifndef KITH_CLI_DATA_NEIGHBOUR_FILE_H_
#define KITH_CLI_DATA_NEIGHBOUR_FILE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace kith::cli {

// The true neighbours of a set of queries: `depth` ids a query, nearest first.
struct NeighbourTable {
  uint32_t queries = 0;
  uint32_t depth = 0;
  std::vector<uint32_t> ids;  // queries x depth
  std::vector<float> scores;  // the same shape, or empty
  std::span<const uint32_t> Ids(uint64_t query) const {
    return std::span(ids).subspan(query * depth, depth);
  }
};

// Named .ivecs: a row a query, its depth and then its ids as int32. Else uint32 queries, uint32
// depth, then the ids as int32 (.ibin), and in the big-ann form as many float32 distances behind
// them; the size tells the two apart. INVALID_ARGUMENT naming the file, the sizes expected and the
// size found, or the query whose ids are none.
absl::StatusOr<NeighbourTable> ReadNeighbours(const std::string& path);
// Writes the scores too where there are any; INVALID_ARGUMENT for .ivecs, which has no place for
// them. The file appears whole or not at all.
absl::Status WriteNeighbours(const std::string& path, const NeighbourTable& table);

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_NEIGHBOUR_FILE_H_
