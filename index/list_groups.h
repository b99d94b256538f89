#ifndef KITH_INDEX_LIST_GROUPS_H_
#define KITH_INDEX_LIST_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/byte_range.h"
#include "index/centroid_codes.h"
#include "index/kernels/kernel_table.h"
#include "index/matrix.h"
#include "index/pace.h"

namespace kith::index {

// More lists than this stand in groups: runs of kGroupLists lists whose centroids lie near one
// another, the last perhaps shorter. A query, and a point that looks for its list, is compared with
// the means of the groups first, then with the lists of the nearest groups. A group's codes are one
// panel (kernels/kernel_table.h).
constexpr uint32_t kUngroupedLists = 8'192;
constexpr uint32_t kGroupLists = BytePanels::kLanes;

constexpr uint32_t GroupsOf(uint32_t lists) { return (lists + kGroupLists - 1) / kGroupLists; }

// Reorders rows (of centroids) so that each group's lie near one another, whatever order they came
// in: first by halving (index/nearness_order.h), then by exchange (index/group_exchange.h). The
// same for any number of threads. False when cancelled.
bool GroupRows(size_t dimension, Pace& pace, std::vector<float>& rows);

// The means of the groups, in the bytes that the lists are compared in.
CentroidCodes GroupCodes(const Matrix& centroids, const ByteRange& range);

// Of `panels`, those of `count` groups from `first` on.
inline BytePanels PanelsOfGroups(const BytePanels& panels, size_t first, size_t count) {
  const size_t lanes = first * BytePanels::kLanes;
  return {panels.bytes + lanes * panels.width, panels.bias + lanes, count, panels.width};
}

}  // namespace kith::index

#endif  // KITH_INDEX_LIST_GROUPS_H_
