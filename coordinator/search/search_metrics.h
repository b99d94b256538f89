#ifndef KITH_COORDINATOR_SEARCH_SEARCH_METRICS_H_
#define KITH_COORDINATOR_SEARCH_SEARCH_METRICS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "common/base/clock.h"
#include "common/telemetry/search_metrics.h"
#include "coordinator/search/query_plan.h"
#include "coordinator/search/search_query.h"

namespace kith::coordinator {

// A search that was answered, before payloads are read. Views.
struct AnsweredSearch {
  const SearchPlan& plan;
  const SearchQuery& query;
  const std::string& vectors;  // as the shards took them
  const SearchAnswer& answer;
  uint64_t queue_ns = 0;  // how long the slowest shard let it wait for a thread
  Deadline started;
};

// Told of every search that was answered; each may be empty. Called on the thread that answers.
struct SearchObservers {
  std::function<void(const telemetry::SearchObservation&)> stages;
  std::function<void(const AnsweredSearch&)> answers;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_SEARCH_METRICS_H_
