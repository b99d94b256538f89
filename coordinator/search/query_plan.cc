#include "coordinator/search/query_plan.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "coordinator/search/recall_curve.h"
#include "coordinator/search/search_defaults.h"

namespace kith::coordinator {
namespace {

// Deeper answers need deeper looks: the defaults are made for the ten nearest. Beyond, twice as
// many candidates are compared exactly as are wanted and four times as many refined.
constexpr uint32_t kRefinePerHit = 4;
constexpr uint32_t kRerankPerHit = 2;

uint32_t ProbesFor(const CollectionRecord& record, const SearchParameters& p) {
  if (p.nprobe.has_value()) return *p.nprobe;
  double target = p.target_recall.value_or(record.target_recall);
  if (target <= 0) target = kTargetRecallDefault;
  return std::max(1u, NprobeFor(record, target));
}

std::optional<float> ScoreBound(const SearchParameters& p) {
  const std::optional<double>& bound = p.max_distance.has_value() ? p.max_distance : p.min_score;
  if (!bound.has_value()) return std::nullopt;
  constexpr double kMax = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(*bound, -kMax, kMax));
}

}  // namespace

SearchCall SearchPlan::CallFor(size_t route, const std::string& queries) const {
  SearchCall one = call;
  one.shard = entry->routes[route]->shard;
  one.wait_lsn = wait_lsns[route];
  one.queries = queries;
  return one;
}

absl::StatusOr<SearchPlan> PlanSearch(std::shared_ptr<const CollectionEntry> entry,
                                      const SearchQuery& query) {
  const CollectionRecord& record = entry->record;
  const SearchParameters& p = query.parameters;
  SearchPlan plan;
  KITH_ASSIGN_OR_RETURN(plan.wait_lsns, WaitLsns(*entry, p.tokens, "parameters.tokens"));
  plan.limit = p.limit.value_or(limits::kLimitDefault);
  plan.is_flat = p.exact || record.serving_version.empty();
  SearchCall& call = plan.call;
  call.index_version = record.serving_version;
  call.count = query.count;
  // A point is its own nearest neighbour: one hit more is asked for and it is left out.
  call.limit = plan.limit + (query.point.has_value() ? 1 : 0);
  call.exact = p.exact;
  call.nprobe = plan.is_flat ? 1 : ProbesFor(record, p);
  const size_t shards = entry->routes.size();
  const uint32_t beyond_ten = call.limit > limits::kLimitDefault + 1 ? call.limit : 0;
  call.refine = p.refine.value_or(std::max(RefineOfShard(shards), beyond_ten * kRefinePerHit));
  call.rerank = p.rerank.value_or(std::max(RerankOfShard(shards), beyond_ten * kRerankPerHit));
  call.score_bound = ScoreBound(p);
  plan.entry = std::move(entry);
  return plan;
}

}  // namespace kith::coordinator
