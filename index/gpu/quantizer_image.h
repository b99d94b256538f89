#ifndef KITH_INDEX_GPU_QUANTIZER_IMAGE_H_
#define KITH_INDEX_GPU_QUANTIZER_IMAGE_H_

#include <cstdint>

#include "index/gpu/card_memory.h"
#include "index/index_version.h"

namespace kith::index::gpu {

// An index version in a card's memory.
//
// Threads: as its card.
class QuantizerImage {
 public:
  // kResourceExhausted GPU_OUT_OF_MEMORY. The version may go afterwards.
  Status Load(Card& card, const IndexVersion& version);
  const QuantizerView& view() const { return view_; }
  uint64_t bytes() const;

 private:
  QuantizerView view_;
  OnCard<uint32_t> panels_;
  OnCard<int32_t> panel_bias_;
  OnCard<uint8_t> odd_norms_;
  OnCard<float> centroids_;
  OnCard<float> columns_;
  OnCard<uint32_t> begins_;
  OnCard<float> refine_;  // minima, then scales
};

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_QUANTIZER_IMAGE_H_
