#ifndef KITH_TESTS_SUPPORT_GPU_EMULATED_CARD_H_
#define KITH_TESTS_SUPPORT_GPU_EMULATED_CARD_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>

#include "index/gpu/card.h"
#include "tests/support/gpu/host_block.h"

namespace kith::testing {

// A card whose memory is the host's and whose kernels are the same bodies, run on the host: what a
// search answers must be what a card answers. It does nothing before it is waited for, the latest
// that a card may, so that host memory which was written again too early, or read, shows; who asks
// whether something is done sees it go on by a step each time. It has as much memory as it is told,
// and breaks when it is told to.
//
// Threads: as a card, but for Break and the counts.
class EmulatedCard final : public index::gpu::Card {
 public:
  struct Options {
    uint64_t memory_bytes = uint64_t{1} << 30;
    uint32_t multiprocessors = 2;
    uint64_t block_shared_bytes = 227 << 10;
    uint32_t block_warps = 3;  // an odd number of them finds what counts on eight
    Schedule schedule = Schedule::kInOrder;
    uint32_t seed = 1;
    uint32_t ordinal = 0;
  };
  EmulatedCard() : EmulatedCard(Options()) {}
  explicit EmulatedCard(const Options& options) : options_(options), random_(options.seed) {}
  ~EmulatedCard() override;

  index::gpu::CardReport report() const override;
  index::Result<void*> Allocate(uint64_t bytes) override;
  void Free(void* memory) override;
  index::Result<void*> AllocatePinned(uint64_t bytes) override;
  void FreePinned(void* memory) override;
  index::Status CopyIn(const index::gpu::CardCopy& copy) override;
  index::Status CopyOut(const index::gpu::CardCopy& copy) override;
  index::Status Clear(void* memory, uint64_t bytes) override;
  index::Status Prepare(const index::gpu::ScanShape& shape) override;
  index::Status Run(const index::gpu::BatchView& batch,
                    const index::gpu::BatchLaunch& launch) override;
  index::Result<uint64_t> Mark() override;
  index::Result<bool> IsDone(uint64_t mark) override;
  index::Status Await(uint64_t mark) override;
  index::Status Wait() override;

  // From now on everything fails, as after a kernel's error.
  void Break() { is_broken_ = true; }
  // Other processes take so much of its memory.
  void SetForeignBytes(uint64_t bytes) { foreign_bytes_ = bytes; }
  uint64_t used_bytes() const { return used_bytes_; }
  uint64_t batches() const { return batches_; }
  uint64_t sliced_batches() const { return sliced_batches_; }
  uint64_t paired_batches() const { return paired_batches_; }
  const BankCounts& banks() const { return banks_; }

 private:
  class Shared;

  index::Status Health() const;
  index::Status Enqueue(std::function<void()> work);
  void DoRun(const index::gpu::BatchView& batch, const index::gpu::BatchLaunch& launch);
  template <uint32_t kParts, uint32_t kWords>
  void RunShape(const index::gpu::BatchView& batch, const index::gpu::BatchLaunch& launch);
  void RunCoarse(const index::gpu::BatchView& batch);
  // What a round scans, by queries that share lists, or by blocks that share a query.
  template <uint32_t kParts, uint32_t kWords>
  void RunPairs(const index::gpu::BatchView& batch, uint32_t round, uint32_t blocks);
  template <uint32_t kParts, uint32_t kWords>
  void RunSlices(const index::gpu::BatchView& batch, uint32_t round, uint32_t slices);
  // Calls block(i) for i below `count`, in an order of the schedule.
  template <typename Function>
  void Grid(uint32_t count, Function block);

  const Options options_;
  std::mt19937 random_;
  BankCounts banks_;
  std::map<void*, uint64_t> allocated_;
  std::deque<std::function<void()>> asked_;  // and not done yet
  uint64_t done_ = 0;
  std::atomic<bool> is_broken_{false};
  std::atomic<uint64_t> foreign_bytes_{0};
  std::atomic<uint64_t> used_bytes_{0};
  std::atomic<uint64_t> batches_{0};
  std::atomic<uint64_t> sliced_batches_{0};
  std::atomic<uint64_t> paired_batches_{0};
};

}  // namespace kith::testing

#endif  // KITH_TESTS_SUPPORT_GPU_EMULATED_CARD_H_
