#ifndef KITH_INDEX_GPU_BATCH_MEMORY_H_
#define KITH_INDEX_GPU_BATCH_MEMORY_H_

#include <cstdint>

#include "index/gpu/card_memory.h"
#include "index/gpu/card_plan.h"
#include "index/gpu/host_batch.h"

namespace kith::index::gpu {

// What batches read, use and write on the card: allocated once, so that a search allocates nothing.
// Batches use it one after the other, as the card runs them; the next one's host side is filled in
// meanwhile.
//
// Threads: as its card.
class BatchMemory {
 public:
  Status Allocate(Card& card, const QuantizerView& quantizer, const CardLimits& limits);

  // Sends the first `view.queries` queries and fills in the view's arrays; view.hits_max holds for
  // each of them. With view.lists_given their probes, too. The host's side stays as it is until
  // that is done.
  Status SendQueries(Card& card, HostBatch& host, BatchView& view);
  // Fetches the results; they stand once the card was waited for.
  Status FetchResults(Card& card, const BatchView& view, HostBatch& host);
  uint64_t card_bytes() const;

 private:
  Status SendProbes(Card& card, HostBatch& host, BatchView& view);

  QuantizerView quantizer_;
  CardLimits limits_;
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
