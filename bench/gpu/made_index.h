#ifndef KITH_BENCH_GPU_MADE_INDEX_H_
#define KITH_BENCH_GPU_MADE_INDEX_H_

#include <cstdint>
#include <memory>

#include "index/gpu/batch_memory.h"
#include "index/gpu/card_slab.h"
#include "index/gpu/quantizer_image.h"

namespace kith::bench {

struct MadeShape {
  uint32_t dimension = 96;
  uint32_t subspaces = 24;
  uint32_t lists = 0;
  uint32_t page_vectors = 64;
  uint32_t pages_of_list = 0;
  uint64_t vectors() const { return uint64_t{lists} * pages_of_list * page_vectors; }
  uint64_t pages() const { return uint64_t{lists} * pages_of_list; }
};

// Lists of 96-dimensional vectors around `lists` random centroids for as many points, or as memory
// holds.
MadeShape ShapeFor(uint64_t points, uint64_t free_bytes, const index::gpu::CardLimits& limits);

struct Wanted {
  uint32_t nprobe;
  uint32_t seed;
};

// An index whose codes are noise, made on the card: a host would need as much memory again.
class MadeIndex {
 public:
  index::Status Make(index::gpu::Card& card, const MadeShape& shape,
                     const index::gpu::CardLimits& limits);
  index::gpu::BatchView view() const { return view_; }
  index::gpu::BatchMemory& memory() { return memory_; }
  index::gpu::HostBatch& batch(uint32_t slot) { return batches_[slot]; }
  // Writes a random query that looks at `nprobe` lists, as query `place` of a batch.
  void FillQuery(index::gpu::HostBatch& batch, uint32_t place, const Wanted& wanted) const;

 private:
  MadeShape shape_;
  std::unique_ptr<index::IndexVersion> version_;
  index::gpu::QuantizerImage quantizer_;
  index::gpu::CardSlab slab_;
  index::gpu::BatchMemory memory_;
  index::gpu::HostBatch batches_[2];
  index::gpu::OnCard<uint32_t> begins_;
  index::gpu::OnCard<uint32_t> counts_;
  index::gpu::OnCard<uint32_t> pages_;
  index::gpu::OnCard<index::gpu::SegmentView> segment_;
  index::gpu::BatchView view_;
};

}  // namespace kith::bench

#endif  // KITH_BENCH_GPU_MADE_INDEX_H_
