#ifndef KITH_SHARD_SEARCH_POINT_SELECTOR_H_
#define KITH_SHARD_SEARCH_POINT_SELECTOR_H_

#include "absl/status/statusor.h"
#include "common/shard_api/shard_calls.h"
#include "shard/parts/copy_parts.h"
#include "shard/parts/selected_points.h"

namespace kith::shard {

// The first points, by row, that pass the filter of a write and have a version below its bound.
// Nothing is written meanwhile: what it finds is as of now. Reads the truth where a record of the
// row file is not whole.
// Threads: the writer's. INVALID_ARGUMENT BAD_FILTER, UNAVAILABLE STORAGE, DATA_LOSS CORRUPTION.
absl::StatusOr<SelectedPoints> SelectPoints(const CopyParts& parts,
                                            const WriteSelection& selection);

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_POINT_SELECTOR_H_
