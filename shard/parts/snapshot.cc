#include "shard/parts/snapshot.h"

#include <algorithm>

#include "common/base/limits.h"

namespace kith::shard {

const BuiltIndex* Snapshot::FindIndex(const std::string& version) const {
  const auto found = std::find_if(indexes.begin(), indexes.end(), [&](const BuiltIndex& index) {
    return index.version->hash == version;
  });
  return found == indexes.end() ? nullptr : &*found;
}

index::IndexView Snapshot::View(const ShardSpec& spec, const BuiltIndex* index) const {
  index::IndexView view;
  view.metric = spec.metric;
  view.element_type = spec.element_type;
  view.dimension = spec.dimension;
  view.rows = rows.Table(row_end);
  view.tombstones = &tombstones;
  if (index != nullptr) {
    view.version = index->version.get();
    view.segments = index->segments;
    view.indexed_end = index->indexed_end;
  }
  return view;
}

uint64_t Snapshot::TailRows() const {
  uint64_t tail = 0;
  for (const BuiltIndex& index : indexes) {
    if (index.ready) tail = std::max<uint64_t>(tail, row_end - index.indexed_end);
  }
  return tail;
}

uint64_t Snapshot::TailRowsMax() const {
  const double share = limits::kTailShareMax * static_cast<double>(live_points);
  return std::max<uint64_t>(static_cast<uint64_t>(share), limits::kTailRowsMin);
}

MemoryByPart Snapshot::Memory() const {
  MemoryByPart memory;
  for (const BuiltIndex& index : indexes) {
    for (const auto& segment : index.segments) {
      memory.codes += segment->code_bytes();
      memory.refine += segment->refine_bytes();
    }
    const index::IndexVersion& version = *index.version;
    const size_t floats = version.centroids.size() + version.codebooks.size() +
                          version.codebook_columns.size() + version.refine_min.size() +
                          version.refine_scale.size();
    memory.quantizer += floats * sizeof(float) + version.centroid_codes.memory_bytes() +
                        version.group_codes.memory_bytes();
  }
  memory.rows = (row_end - rows.missing_rows()) * rows.stride;
  memory.tombstones = tombstones.memory_bytes();
  memory.payload_index = postings.memory_bytes();
  return memory;
}

}  // namespace kith::shard
