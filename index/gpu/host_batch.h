#ifndef KITH_INDEX_GPU_HOST_BATCH_H_
#define KITH_INDEX_GPU_HOST_BATCH_H_

#include <cstdint>

#include "index/gpu/card_memory.h"
#include "index/gpu/card_plan.h"
#include "index/gpu/card_views.h"

namespace kith::index::gpu {

// The host's side of a batch, in pinned memory: what is asked, and the results. Of each kind the
// entries of the queries follow one another.
//
// Threads: one at a time.
class HostBatch {
 public:
  Status Allocate(Card& card, const QuantizerView& quantizer, const CardLimits& limits);

  // Of query i, to be filled in.
  QueryRecord& record(uint32_t i) { return records_.data()[i]; }
  int8_t* code(uint32_t i) {
    return reinterpret_cast<int8_t*>(codes_.data() + uint64_t{i} * quantizer_.panel_words);
  }
  float* vector(uint32_t i) { return vectors_.data() + uint64_t{i} * quantizer_.dimension; }
  uint8_t* bytes(uint32_t i) { return bytes_.data() + uint64_t{i} * quantizer_.dimension; }
  // Where lists are given: record(i).nprobe of them, nearest first.
  Probe* probes(uint32_t i) { return probes_.data() + uint64_t{i} * limits_.probes_max; }

  const QueryResult& result(uint32_t i) const { return results_.data()[i]; }
  const uint64_t* hits(const BatchView& view, uint32_t i) const {
    return hits_.data() + uint64_t{i} * view.hits_max;
  }
  // Where results go.
  QueryResult* results() { return results_.data(); }
  uint64_t* all_hits() { return hits_.data(); }

 private:
  QuantizerView quantizer_;
  CardLimits limits_;
  Pinned<QueryRecord> records_;
  Pinned<uint32_t> codes_;
  Pinned<float> vectors_;
  Pinned<uint8_t> bytes_;
  Pinned<Probe> probes_;
  Pinned<QueryResult> results_;
  Pinned<uint64_t> hits_;
};

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_HOST_BATCH_H_
