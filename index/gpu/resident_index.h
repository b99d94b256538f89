#ifndef KITH_INDEX_GPU_RESIDENT_INDEX_H_
#define KITH_INDEX_GPU_RESIDENT_INDEX_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "index/allowed_lists.h"
#include "index/gpu/allowed_rows.h"
#include "index/gpu/batch_memory.h"
#include "index/gpu/card_plan.h"
#include "index/gpu/dead_rows.h"
#include "index/gpu/quantizer_image.h"
#include "index/gpu/segment_loader.h"

namespace kith::index::gpu {

struct ResidentOptions {
  CardLimits limits;
  PlannedLoad load;  // that the slab is made for
  int threads = 1;   // that pack
  // Where a batch wants each list so many times on average, or more often, lists are scanned for
  // two of its queries at a time.
  double pair_visits = 2;
};

using Segments = std::span<const std::shared_ptr<const ListSegment>>;

// Room for these segments and `growth` (0.25: a quarter) more, merges not counted: while two become
// one, both stand there.
PlannedLoad LoadOf(Segments segments, uint32_t lists, double growth);

struct ResidentMemory {
  uint64_t codes = 0;
  uint64_t refine = 0;
  uint64_t rows = 0;
  uint64_t quantizer = 0;
  uint64_t tombstones = 0;
  uint64_t filter = 0;
  uint64_t work = 0;
  uint64_t total() const { return codes + refine + rows + quantizer + tombstones + filter + work; }
};

// Part of an index version's segments in a card's memory, and searches of them.
//
// Threads: as its card.
class ResidentIndex {
 public:
  // kInvalidArgument GPU_SHAPE_NOT_TAKEN; kResourceExhausted GPU_TOO_SMALL (the plan says by how
  // much; nothing was allocated) or GPU_OUT_OF_MEMORY (another process took it meanwhile).
  static Result<std::unique_ptr<ResidentIndex>> Create(Card& card,
                                                       std::shared_ptr<const IndexVersion> version,
                                                       const ResidentOptions& options);
  // Waits for what is under way; whoever began it does not await it any more.
  ~ResidentIndex() { (void)card_.Wait(); }

  // Makes a step towards having just `wanted` on the card: drops one that is not wanted or loads
  // some pages of one that is. False where there is nothing to do. A segment that finds no room is
  // left out, until something is dropped: see is_full().
  Result<bool> Step(Segments wanted);
  bool is_full() const { return is_full_; }
  bool is_loading() const { return loader_ != nullptr; }
  bool Has(const ListSegment* segment) const;
  uint64_t rows() const;  // in lists, resident
  uint64_t rows_loading() const { return loader_ == nullptr ? 0 : loader_->rows_loaded(); }
  ResidentMemory memory() const;

  const IndexVersion& version() const { return *version_; }
  const CardLimits& limits() const { return options_.limits; }
  // Host sides of batches: while the card runs one, the next is filled in.
  static constexpr uint32_t kBatches = 2;
  HostBatch& batch(uint32_t slot) { return batches_[slot]; }

  // What is searched: those of `segments` that are resident, as of `tombstones`; or, under a
  // filter, the rows that it lets through, in the lists that the batch names for each query.
  struct Scope {
    Segments segments;
    const Tombstones& tombstones;
    uint64_t rows_end = 0;
    const AllowedLists* allowed = nullptr;  // null: no filter
  };
  // A batch under way.
  struct Running {
    uint32_t slot = 0;
    BatchView view;
    uint64_t mark = 0;
  };
  struct Filled {
    uint32_t slot = 0;
    uint32_t queries = 0;
  };
  // Starts the first queries of batch(slot), which stays as it is until Await; `scope` is not used
  // any more when this returns.
  Result<Running> Start(const Scope& scope, const Filled& filled);
  Result<bool> IsDone(const Running& running) { return card_.IsDone(running.mark); }
  // The results stand in batch(slot) then.
  Status Await(const Running& running) { return card_.Await(running.mark); }

 private:
  ResidentIndex(Card& card, std::shared_ptr<const IndexVersion> version,
                const ResidentOptions& options)
      : card_(card), version_(std::move(version)), options_(options) {}

  Status Allocate();
  Result<bool> DropUnwanted(Segments wanted);
  Status LoadSome();
  Status SendRows(const Scope& scope, BatchView& view);
  Status SendSegments(Segments segments, BatchView& view);
  BatchLaunch LaunchFor(const Filled& filled);

  Card& card_;
  const std::shared_ptr<const IndexVersion> version_;
  const ResidentOptions options_;
  uint32_t card_blocks_ = 1;  // that run at once
  QuantizerImage quantizer_;
  CardSlab slab_;
  PageStaging staging_;
  DeadRows dead_rows_;
  AllowedRows allowed_rows_;
  BatchMemory batch_memory_;
  HostBatch batches_[kBatches];
  OnCard<SegmentView> segment_views_;
  std::vector<SegmentView> sent_views_;  // what stands there
  std::vector<std::unique_ptr<SegmentImage>> images_;
  std::unique_ptr<SegmentLoader> loader_;
  bool is_full_ = false;
};

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_RESIDENT_INDEX_H_
