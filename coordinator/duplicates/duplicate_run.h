#ifndef KITH_COORDINATOR_DUPLICATES_DUPLICATE_RUN_H_
#define KITH_COORDINATOR_DUPLICATES_DUPLICATE_RUN_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "coordinator/admin/operations.h"
#include "coordinator/duplicates/duplicate_clusters.h"
#include "coordinator/read/scroll_service.h"
#include "coordinator/search/search_service.h"

namespace kith::coordinator {

struct DuplicatesCall {
  std::string collection;
  std::optional<double> max_distance;  // L2; else min_score
  std::optional<double> min_score;
  std::optional<double> target_recall;
  bool exact = false;
};

struct DuplicatesFound {
  std::vector<DuplicateCluster> clusters;
  DuplicatesOutcome outcome;
};

struct DuplicateSources {
  const ScrollService& scroll;
  SearchService& search;
  const Clock& clock;
  size_t points_max;                      // with a duplicate
  std::chrono::milliseconds retry_pause;  // where the shards are busy, twice as long each time
};

// Every point that has another one within the distance, in clusters. Reads the points in the order
// of a scroll and asks, some at a time, what lies within the distance of each: of the nearest
// kNeighbours others. Works half of the time, so that searches go on beside it, and holds a page
// of vectors and the clusters. Blocks until it is done, fails, or the operation is cancelled.
// Codes: those of ScrollService and SearchService; CANCELLED.
absl::StatusOr<DuplicatesFound> FindDuplicates(const DuplicateSources& sources,
                                               const DuplicatesCall& call, uint64_t points,
                                               RunningOperation& operation);

// Others that a point is linked with, at most; what has more within the distance is counted.
inline constexpr uint32_t kDuplicateNeighbours = 64;

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_DUPLICATES_DUPLICATE_RUN_H_
