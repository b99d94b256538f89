#ifndef KITH_COORDINATOR_SEARCH_RANGE_ROUNDS_H_
#define KITH_COORDINATOR_SEARCH_RANGE_ROUNDS_H_

#include <cstdint>

#include "common/base/clock.h"
#include "coordinator/search/query_plan.h"
#include "coordinator/search/scatter_gather.h"
#include "coordinator/search/search_query.h"

namespace kith::coordinator {

struct RoundTime {
  Deadline begun;
  Deadline now;
  Deadline deadline;
};

// Searches a range to its end through the index: looks again, in twice as many lists and, where a
// depth cut off what may be within, four times as deep, until the last doubling of the lists added
// at most half of what the recall aimed at may miss. Lists come nearest first, so each doubling
// brings less than the one before (measured: docs/decisions/0050). The first round has half the
// lists of a search for the nearest.
//
// Threads: one at a time.
class RangeRounds {
 public:
  // Makes the plan that of the next round; one that is not to be widened stays as it is.
  void Fit(SearchPlan& plan);
  // Whether another round is to be made after this one. Not where a shard failed, nor where there
  // may be no time for it.
  bool WantsMore(const SearchPlan& plan, const Replies<SearchReply>& replies,
                 const RoundTime& time);

  uint32_t rounds() const { return rounds_; }
  uint64_t points_within() const { return within_; }
  bool is_settled() const { return is_settled_; }  // the last round showed that it is enough

 private:
  void Widen(uint32_t lists, uint64_t crowded);

  uint32_t rounds_ = 0;
  uint32_t nprobe_ = 0;
  uint32_t refine_ = 0;
  uint32_t rerank_ = 0;
  uint64_t within_ = 0;
  bool is_settled_ = false;
};

// Of what the pages of a search hold.
Completeness CompletenessOf(const SearchPlan& plan, const Replies<SearchReply>& replies,
                            const RangeRounds& rounds);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_RANGE_ROUNDS_H_
