#ifndef KITH_INDEX_NEARNESS_ORDER_H_
#define KITH_INDEX_NEARNESS_ORDER_H_

#include <cstdint>
#include <vector>

#include "index/matrix.h"
#include "index/pace.h"

namespace kith::index {

// An order of rows in which runs of kGroupLists (index/list_groups.h) lie near one another:
// order[i] is the row that comes to place i. The same for any number of threads. Empty when
// cancelled.
//
// All rows are halved, then each half, and so on: across the line between the means of a part's two
// clusters, at the multiple of kGroupLists that lies nearest to the border of the clusters. So runs
// are full whatever the rows are (far apart, equal, most of them in one heap), and a heap that
// stands alone is rarely torn.
std::vector<uint32_t> OrderByNearness(const Matrix& rows, Pace& pace);

}  // namespace kith::index

#endif  // KITH_INDEX_NEARNESS_ORDER_H_
