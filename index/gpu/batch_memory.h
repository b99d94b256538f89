#ifndef KITH_INDEX_GPU_BATCH_MEMORY_H_
#define KITH_INDEX_GPU_BATCH_MEMORY_H_

#include <cstdint>

#include "index/gpu/card_memory.h"
#include "index/gpu/card_plan.h"

namespace kith::index::gpu {

// What batches read, use and write, on the card and on the host: allocated once, so that a search
// allocates nothing.
//
// Threads: as its card.
class BatchMemory {
 public:
  Status Allocate(Card& card, const QuantizerView& quantizer, const CardLimits& limits);

  // Of query i of the next batch, to be filled in.
  QueryRecord& record(uint32_t i) { return host_records_.data()[i]; }
  int8_t* code(uint32_t i) {
    return reinterpret_cast<int8_t*>(host_codes_.data() + uint64_t{i} * quantizer_.panel_words);
  }
  float* vector(uint32_t i) { return host_vectors_.data() + uint64_t{i} * quantizer_.dimension; }
  // Where lists are given: record(i).nprobe of them, nearest first.
  Probe* probes(uint32_t i) { return host_probes_.data() + uint64_t{i} * limits_.probes_max; }
  uint8_t* bytes(uint32_t i) { return host_bytes_.data() + uint64_t{i} * quantizer_.dimension; }

  // Sends `queries` queries and fills in the view's arrays; hits_max holds for each of them. With
  // view.lists_given their probes, too.
  Status SendQueries(Card& card, uint32_t queries, uint32_t hits_max, BatchView& view);
  // Fetches the results; they stand once the card was waited for.
  Status FetchResults(Card& card, const BatchView& view);
  const QueryResult& result(uint32_t i) const { return host_results_.data()[i]; }
  const uint64_t* hits(const BatchView& view, uint32_t i) const {
    return host_hits_.data() + uint64_t{i} * view.hits_max;
  }
  uint64_t card_bytes() const;

 private:
  Status SendProbes(Card& card, BatchView& view);

  QuantizerView quantizer_;
  CardLimits limits_;
  Pinned<QueryRecord> host_records_;
  Pinned<uint32_t> host_codes_;
  Pinned<float> host_vectors_;
  Pinned<uint8_t> host_bytes_;
  Pinned<Probe> host_probes_;
  Pinned<QueryResult> host_results_;
  Pinned<uint64_t> host_hits_;
  OnCard<QueryRecord> records_;
  OnCard<uint32_t> codes_;
  OnCard<float> vectors_;
  OnCard<uint8_t> bytes_;
  OnCard<int32_t> minima_;
  OnCard<Probe> probes_;
  OnCard<uint32_t> tiles_;
  OnCard<uint64_t> entries_;
  OnCard<QueryState> states_;
  OnCard<uint8_t> tables_;
  OnCard<TableScale> scales_;
  OnCard<uint32_t> list_counts_;
  OnCard<uint32_t> list_begins_;
  OnCard<uint64_t> visits_;
  OnCard<QueryResult> results_;
  OnCard<uint64_t> hits_;
};

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_BATCH_MEMORY_H_
