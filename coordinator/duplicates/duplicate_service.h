#ifndef KITH_COORDINATOR_DUPLICATES_DUPLICATE_SERVICE_H_
#define KITH_COORDINATOR_DUPLICATES_DUPLICATE_SERVICE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/vector/metric.h"
#include "coordinator/admin/operations.h"
#include "coordinator/cluster/cluster_map.h"
#include "coordinator/duplicates/duplicate_run.h"

namespace kith::coordinator {

struct ListDuplicatesCall {
  std::string operation;
  std::string page_token;
  uint32_t limit = 0;  // clusters
};

// Views into what it holds.
struct DuplicatesPage {
  std::shared_ptr<const DuplicatesFound> found;
  Metric metric = Metric::kL2;
  size_t begin = 0;  // of `found->clusters`
  size_t end = 0;
  std::string next_page_token;  // empty: the last page
};

// Duplicates of a collection as an operation ("find_duplicates"), one at a time; the clusters of
// the last kDuplicateResultsKept are kept in memory, to be read page by page.
//
// Everything outlives the operations, which end with Operations::Close. Threads: any; nothing
// blocks.
class DuplicateService {
 public:
  struct Parts {
    const ClusterMap& map;
    Operations& operations;
    const ScrollService& scroll;
    SearchService& search;  // apart from that of users: what it observes is not theirs
    const Clock& clock;
  };
  explicit DuplicateService(const Parts& parts) : parts_(parts) {}

  // INVALID_ARGUMENT naming the field; NOT_FOUND COLLECTION_NOT_FOUND; ABORTED
  // OPERATION_IN_PROGRESS; RESOURCE_EXHAUSTED QUEUE_FULL; UNAVAILABLE DRAINING.
  absl::StatusOr<Operation> Start(DuplicatesCall call);

  // NOT_FOUND OPERATION_NOT_FOUND where there is no such operation, it found nothing yet, or its
  // clusters made room for newer ones; INVALID_ARGUMENT LIMIT_OUT_OF_RANGE, BAD_PAGE_TOKEN.
  absl::StatusOr<DuplicatesPage> List(const ListDuplicatesCall& call);

  // After Operations::Close.
  void Stop() { jobs_.Stop(); }

 private:
  struct Kept {
    std::string operation;
    Metric metric = Metric::kL2;
    std::shared_ptr<const DuplicatesFound> found;
  };

  void Run(const DuplicatesCall& call, const CollectionEntry& entry, RunningOperation& operation);

  const Parts parts_;
  std::mutex mutex_;
  std::deque<Kept> kept_;  // the oldest first; guarded by mutex_
  Executor jobs_{{"kith-duplicates", 1, 8, 10}};
};

// Of all clusters of one operation together: 43 MB while they are formed, 9 MB when they are kept.
inline constexpr size_t kDuplicatePointsMax = 500'000;
inline constexpr size_t kDuplicateResultsKept = 4;
inline constexpr uint32_t kDuplicatePageMax = 1000;         // clusters
inline constexpr size_t kDuplicatePagePointsMax = 100'000;  // then a page ends, after one cluster

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_DUPLICATES_DUPLICATE_SERVICE_H_
