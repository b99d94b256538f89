#include "coordinator/search/range_rounds.h"

#include <algorithm>

#include "common/base/limits.h"
#include "coordinator/search/search_defaults.h"

namespace kith::coordinator {
namespace {

constexpr uint32_t kDeeper = 4;

// Every point (that passes the filter) was compared, at every shard that answered.
bool IsExact(const SearchPlan& plan, const Replies<SearchReply>& replies) {
  if (plan.is_flat) return true;
  return std::all_of(replies.begin(), replies.end(), [](const auto& reply) {
    return !reply.ok() || reply->filter_strategy == FilterStrategy::kExact;
  });
}

uint32_t Deeper(uint32_t depth, uint32_t most) {
  return std::max(depth, std::min(most, std::max(1u, depth) * kDeeper));
}

}  // namespace

void RangeRounds::Fit(SearchPlan& plan) {
  if (!plan.call.score_bound.has_value()) return;
  ++rounds_;
  if (!plan.widens_range) return;
  if (rounds_ == 1) {
    nprobe_ = std::max(1u, plan.call.nprobe / 2);
    refine_ = plan.call.refine;
    rerank_ = plan.call.rerank;
  }
  plan.call.nprobe = nprobe_;
  plan.call.refine = refine_;
  plan.call.rerank = rerank_;
  plan.call.stop_ratio = 0;  // it goes by the nearest, not by the range
}

bool RangeRounds::WantsMore(const SearchPlan& plan, const Replies<SearchReply>& replies,
                            const RoundTime& time) {
  if (!plan.call.score_bound.has_value()) return false;
  const uint64_t before = within_;
  within_ = 0;
  uint64_t crowded = 0;
  bool has_failed = false;
  for (const auto& reply : replies) {
    has_failed = has_failed || !reply.ok();
    if (!reply.ok()) continue;
    within_ += reply->points_within;
    crowded += reply->queries_crowded;
  }
  if (!plan.widens_range || has_failed || IsExact(plan, replies)) return false;
  const uint32_t lists = std::max(1u, plan.entry->record.trained_lists);
  const double may_miss = (1 - plan.target_recall.value_or(kTargetRecallDefault)) / 2;
  const bool is_steady = rounds_ > 1 && static_cast<double>(within_ - std::min(before, within_)) <=
                                            may_miss * static_cast<double>(within_);
  is_settled_ = crowded == 0 && (is_steady || nprobe_ >= lists);
  if (is_settled_) return false;
  const bool is_deepest = refine_ >= limits::kRefineMax && rerank_ >= limits::kRerankMax;
  if (crowded > 0 && is_deepest) return false;
  // The next round takes twice as long, or four times.
  const Deadline::duration next = (time.now - time.begun) * (crowded > 0 ? kDeeper : 2);
  if (time.now + next > time.deadline) return false;
  Widen(lists, crowded);
  return true;
}

void RangeRounds::Widen(uint32_t lists, uint64_t crowded) {
  nprobe_ = static_cast<uint32_t>(std::min<uint64_t>(uint64_t{nprobe_} * 2, lists));
  if (crowded == 0) return;
  refine_ = Deeper(refine_, limits::kRefineMax);
  rerank_ = Deeper(rerank_, limits::kRerankMax);
}

Completeness CompletenessOf(const SearchPlan& plan, const Replies<SearchReply>& replies,
                            const RangeRounds& rounds) {
  if (IsExact(plan, replies)) return Completeness::kExact;
  return rounds.is_settled() ? Completeness::kTargetRecall : Completeness::kDepth;
}

}  // namespace kith::coordinator
