#ifndef KITH_TESTS_UNIT_STORAGE_SMALL_INDEX_H_
#define KITH_TESTS_UNIT_STORAGE_SMALL_INDEX_H_

#include <memory>
#include <vector>

#include "index/index_version.h"
#include "index/list_segment.h"

namespace kith::test {

// An index version that was not trained; good for being stored. Null where the artifact's own rules
// refuse it.
inline std::shared_ptr<const index::IndexVersion> SmallIndexVersion(uint64_t seed = 1) {
  constexpr uint32_t kDimension = 16;
  index::IndexVersion version;
  version.parameters.dimension = kDimension;
  version.parameters.lists = 5;
  version.parameters.subspaces = 4;
  version.parameters.plane_b_bytes = kDimension;
  version.parameters.seed = seed;
  version.subspace_begins = {0, 4, 8, 12, 16};
  version.centroids.assign(5 * kDimension, 0.5f);
  version.codebooks.assign(256 * kDimension, 0.25f);
  version.bias_min = -1;
  version.bias_scale = 0.001f;
  version.refine_min.assign(kDimension, -1.0f);
  version.refine_scale.assign(kDimension, 0.01f);
  const auto parsed = index::ParseIndexVersion(index::SerializeIndexVersion(version));
  return parsed.ok() ? *parsed : nullptr;
}

// A segment of these lists, held at once.
inline std::shared_ptr<const index::ListSegment> SegmentOf(
    const index::IndexVersion& version, const std::vector<index::ListSegment::CanonicalList>& lists,
    const std::vector<uint32_t>& side_rows) {
  std::vector<uint32_t> counts;
  for (const auto& list : lists) counts.push_back(static_cast<uint32_t>(list.rows.size()));
  return index::ListSegment::FromCanonical(
      version, counts, [&](uint32_t list) { return lists[list]; }, side_rows);
}

}  // namespace kith::test

#endif  // KITH_TESTS_UNIT_STORAGE_SMALL_INDEX_H_
