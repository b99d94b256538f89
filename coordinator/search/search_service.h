#ifndef KITH_COORDINATOR_SEARCH_SEARCH_SERVICE_H_
#define KITH_COORDINATOR_SEARCH_SEARCH_SERVICE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/shard_api/shard_service.h"
#include "coordinator/cluster/cluster_map.h"
#include "coordinator/search/deadline_timer.h"
#include "coordinator/search/point_reader.h"
#include "coordinator/search/query_plan.h"
#include "coordinator/search/scatter_gather.h"
#include "coordinator/search/search_metrics.h"
#include "coordinator/search/search_query.h"
#include "coordinator/search/search_throttle.h"

namespace kith::coordinator {

// The search path: validate, plan, scatter, gather, reply. Nothing blocks: the steps run on the
// caller's thread, then on that of the last shard to reply (or of the timer).
//
// Outlives its calls; so do the map and the timer.
// Threads: any.
class SearchService {
 public:
  SearchService(const ClusterMap& map, DeadlineTimer& timer, const Clock& clock,
                SearchObservers observers = {})
      : map_(map),
        timer_(timer),
        clock_(clock),
        observers_(std::move(observers)),
        reader_(timer, clock),
        throttle_(clock) {}

  // Calls `done` once, by the deadline. Views in `query` are read before it returns. Once the query
  // is cancelled no further step begins; shards end at their deadline.
  //
  // Where payloads or vectors are asked for and a hit's point changed between the search and the
  // read, the search is made again, once; hits that changed again are left out, and `degraded` says
  // CHANGED_MEANWHILE. A range is searched in rounds (range_rounds.h), groups are filled in rounds
  // (group_rounds.h), and negative examples are asked about once the hits are known.
  // Codes: INVALID_ARGUMENT naming the field, BAD_PAGE_TOKEN; NOT_FOUND COLLECTION_NOT_FOUND,
  // POINT_NOT_FOUND;
  // UNAVAILABLE COVERAGE_BELOW_MINIMUM (try again, or accept less); FAILED_PRECONDITION
  // INDEX_VERSION_NOT_READY (another version was promoted twice meanwhile: try again); CANCELLED;
  // RESOURCE_EXHAUSTED OVERLOADED, QUEUE_FULL (with a time to come back); DEADLINE_EXCEEDED
  // DEADLINE; where payloads or vectors are asked for, those of ShardService::Get.
  void Search(const SearchQuery& query, Done<SearchAnswer> done);
  // Searches refused before the shards were asked.
  uint64_t throttled() const { return throttle_.refused(); }

 private:
  struct Run;
  using RunPtr = std::shared_ptr<Run>;
  using PlanPtr = std::shared_ptr<const SearchPlan>;
  using SearchReplies = Replies<SearchReply>;

  absl::StatusOr<RunPtr> Validate(const SearchQuery& query) const;
  void ReadQueryPoints(RunPtr run);
  // Once the query's vectors are known.
  void Begin(RunPtr run);
  void Answer(RunPtr run);
  struct Asked {
    PlanPtr plan;
    std::shared_ptr<const std::string> vectors;
    Deadline deadline;
    CancelMark cancelled;
  };
  void Scatter(const Asked& asked, Gather<SearchReply>::Finish finish);
  bool MayTryAgain(Run& run, const SearchPlan& plan, const SearchReplies& replies) const;
  // The collection's entry where another version serves by now; else null.
  std::shared_ptr<const CollectionEntry> NewerEntry(const Run& run, const SearchPlan& plan) const;
  absl::StatusOr<SearchAnswer> Collect(const Run& run, const SearchPlan& plan,
                                       SearchReplies& replies) const;
  // What is still to be done with the hits: forming groups, leaving out what is nearer to negative
  // examples.
  void Shape(RunPtr run, PlanPtr plan, SearchAnswer answer);
  void FormGroups(RunPtr run, PlanPtr plan, SearchAnswer answer);
  void AskNegatives(RunPtr run, PlanPtr plan, SearchAnswer answer);
  void Reply(RunPtr run, PlanPtr plan, SearchAnswer answer);

  const ClusterMap& map_;
  DeadlineTimer& timer_;
  const Clock& clock_;
  const SearchObservers observers_;
  const PointReader reader_;
  SearchThrottle throttle_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_SEARCH_SERVICE_H_
