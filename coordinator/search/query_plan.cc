#include "coordinator/search/query_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "coordinator/search/query_examples.h"
#include "coordinator/search/recall_curve.h"
#include "coordinator/search/search_defaults.h"
#include "index/plan.h"

namespace kith::coordinator {
namespace {

// Deeper answers need deeper looks: the defaults are made for the ten nearest. Beyond, twice as
// many candidates are compared exactly as are wanted and four times as many refined.
constexpr uint32_t kRefinePerHit = 4;
constexpr uint32_t kRerankPerHit = 2;

bool NamesDepth(const SearchParameters& p) {
  return p.nprobe.has_value() || p.target_recall.has_value() || p.refine.has_value() ||
         p.rerank.has_value();
}

// Other than by the recall wanted.
bool NamesWork(const SearchParameters& p) {
  return p.nprobe.has_value() || p.refine.has_value() || p.rerank.has_value();
}

// Why every row is compared; null where the index answers.
const char* FlatReason(const CollectionEntry& entry, const SearchParameters& p) {
  if (p.exact) return "exact was asked for";
  if (entry.record.serving_version.empty()) return "nothing is trained";
  if (!NamesDepth(p) && entry.LivePoints() < index::kFlatPoints) {
    return "the collection has fewer than 50,000 points";
  }
  return nullptr;
}

double TargetOf(const CollectionRecord& record, const SearchParameters& p) {
  const double target = p.target_recall.value_or(record.target_recall);
  return target > 0 ? target : kTargetRecallDefault;
}

// nprobe, and the refine that it was measured with (0: the usual one).
ProbeChoice ProbesFor(const CollectionRecord& record, const SearchParameters& p) {
  // Shards probe no more lists than there are: what is asked of them is what they do.
  if (p.nprobe.has_value()) return {std::min(*p.nprobe, std::max(1u, record.trained_lists)), {}};
  return ChooseProbes(record, TargetOf(record, p));
}

// The curve is of ten neighbours; more of them lie in more lists. Measured:
// docs/decisions/0050.
uint32_t DeeperProbes(uint32_t nprobe, uint32_t page_depth, const CollectionRecord& record) {
  const double deeper = std::cbrt(static_cast<double>(page_depth) / limits::kLimitDefault);
  const auto lists = static_cast<uint32_t>(std::ceil(nprobe * deeper));
  return std::min(lists, std::max(1u, record.trained_lists));
}

// `page_depth`: hits that all pages are to hold.
void ChooseDepth(SearchPlan& plan, const SearchParameters& p, uint32_t page_depth) {
  const size_t shards = plan.entry->routes.size();
  SearchCall& call = plan.call;
  uint32_t refine = RefineOfShard(shards);
  if (!plan.is_flat) {
    const ProbeChoice choice = ProbesFor(plan.entry->record, p);
    call.nprobe = choice.nprobe;
    if (choice.effort.refine != 0) refine = choice.effort.refine;
    if (!p.nprobe.has_value()) plan.target_recall = TargetOf(plan.entry->record, p);
    // The curve says nothing of another depth than its own.
    const bool by_curve = !p.nprobe.has_value() && !p.refine.has_value() && !p.rerank.has_value();
    if (by_curve) {
      plan.is_recall_reached = choice.is_reached;
      call.stop_ratio = static_cast<float>(choice.effort.stop_ratio);
    }
  }
  if (!plan.is_flat && !p.nprobe.has_value() && page_depth > limits::kLimitDefault) {
    call.nprobe = DeeperProbes(call.nprobe, page_depth, plan.entry->record);
  }
  const uint32_t wanted = std::max(call.limit, page_depth);
  const uint32_t beyond_ten = wanted > limits::kLimitDefault + 1 ? wanted : 0;
  const uint32_t deeper = std::min(beyond_ten * kRefinePerHit, limits::kRefineMax);
  call.refine = p.refine.value_or(std::max(refine, deeper));
  const uint32_t compared = std::min(beyond_ten * kRerankPerHit, limits::kRerankMax);
  call.rerank = p.rerank.value_or(std::max(RerankOfShard(shards), compared));
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
  const char* const flat_reason = FlatReason(*entry, p);
  plan.is_flat = flat_reason != nullptr;
  if (plan.is_flat) plan.flat_reason = flat_reason;
  SearchCall& call = plan.call;
  call.incarnation = record.incarnation;
  // Comparing every row needs no index: it works while one is being built, too.
  if (!plan.is_flat) call.index_version = record.serving_version;
  call.count = query.count;
  // A point is its own nearest neighbour: one hit more is asked for and it is left out.
  plan.leave_out = PointsOf(query);
  call.limit = plan.limit + static_cast<uint32_t>(plan.leave_out.size());
  call.exact = p.exact;
  call.score_bound = ScoreBound(p);
  call.filter = p.filter;
  call.priority = p.priority;
  call.widens = p.filter != nullptr && !NamesWork(p);
  plan.entry = std::move(entry);
  plan.widens_range = call.score_bound.has_value() && !plan.is_flat && !NamesWork(p);
  ChooseDepth(plan, p, query.page_depth.value_or(0));
  return plan;
}

}  // namespace kith::coordinator
