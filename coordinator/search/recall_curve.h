#ifndef KITH_COORDINATOR_SEARCH_RECALL_CURVE_H_
#define KITH_COORDINATOR_SEARCH_RECALL_CURVE_H_

#include <cstdint>

#include "common/meta/meta_store.h"

namespace kith::coordinator {

// The recall the curve must show before a target counts as reached: a fifth fewer misses than
// asked for. The curve is measured with points of the collection itself, whose neighbours are a
// little easier to find than those of a stranger's query.
double RecallGoal(double target_recall);

// The number of lists to probe for `target_recall` under the record's serving version: the first
// place where the lower end of the measured confidence interval reaches RecallGoal, interpolated
// between the measured points (recall is concave in nprobe, so a straight line asks for too much
// rather than too little). All lists where the curve never gets there; 1 where nothing was trained.
uint32_t NprobeFor(const CollectionRecord& record, double target_recall);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_RECALL_CURVE_H_
