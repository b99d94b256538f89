#include "index/gpu/host_batch.h"

namespace kith::index::gpu {

Status HostBatch::Allocate(Card& card, const QuantizerView& quantizer, const CardLimits& limits) {
  quantizer_ = quantizer;
  limits_ = limits;
  const uint64_t queries = limits.batch_max;
  Status status;
  const auto allocate = [&](auto& array, uint64_t count) {
    if (status.ok()) status = array.Allocate(card, count);
  };
  allocate(records_, queries);
  allocate(codes_, queries * quantizer.panel_words);
  allocate(vectors_, queries * quantizer.dimension);
  allocate(bytes_, quantizer.raw_plane_b ? queries * quantizer.dimension : 0);
  allocate(probes_, queries * limits.probes_max);
  allocate(results_, queries);
  allocate(hits_, queries * limits.hits_max);
  return status;
}

}  // namespace kith::index::gpu
