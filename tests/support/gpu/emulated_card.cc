#include "tests/support/gpu/emulated_card.h"

#include <cstdlib>
#include <cstring>
#include <numeric>
#include <vector>

#include "index/gpu/coarse_body.h"
#include "index/gpu/pair_body.h"

namespace kith::testing {

using index::Code;
using index::Result;
using index::Status;
using index::gpu::BatchLaunch;
using index::gpu::BatchView;
using index::gpu::BlockScratch;
using index::gpu::CardCopy;
using index::gpu::ScanShape;
using index::gpu::ScanWork;

namespace {

constexpr size_t kAlignment = 256;  // as a card's allocations have
constexpr int kPoison = 0xa5;       // nothing may count on fresh memory

void* AlignedBytes(uint64_t bytes) {
  void* memory = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  if (memory == nullptr) std::abort();
  std::memset(memory, kPoison, bytes);
  return memory;
}

}  // namespace

EmulatedCard::~EmulatedCard() {
  for (const auto& [memory, bytes] : allocated_) std::free(memory);
}

Status EmulatedCard::Health() const {
  if (!is_broken_) return {};
  return {Code::kFailedPrecondition, index::gpu::kCardLost, "the emulated card was broken"};
}

index::gpu::CardReport EmulatedCard::report() const {
  index::gpu::CardReport report;
  report.ordinal = options_.ordinal;
  report.name = "emulated";
  report.multiprocessors = options_.multiprocessors;
  report.capability = 90;
  report.total_bytes = options_.memory_bytes;
  const uint64_t taken = used_bytes_ + foreign_bytes_;
  report.free_bytes = taken < options_.memory_bytes ? options_.memory_bytes - taken : 0;
  report.block_shared_bytes = options_.block_shared_bytes;
  return report;
}

Result<void*> EmulatedCard::Allocate(uint64_t bytes) {
  if (Status health = Health(); !health.ok()) return health;
  if (used_bytes_ + foreign_bytes_ + bytes > options_.memory_bytes) {
    return Status(Code::kResourceExhausted, index::gpu::kCardFull,
                  "the emulated card has no " + std::to_string(bytes) + " bytes left");
  }
  void* memory = AlignedBytes(bytes);
  allocated_[memory] = bytes;
  used_bytes_ += bytes;
  return memory;
}

void EmulatedCard::Free(void* memory) {
  if (!asked_.empty() && !is_broken_) std::abort();  // it may be what is used
  const auto found = allocated_.find(memory);
  if (found == allocated_.end()) std::abort();
  used_bytes_ -= found->second;
  std::free(found->first);
  allocated_.erase(found);
}

Result<void*> EmulatedCard::AllocatePinned(uint64_t bytes) { return AlignedBytes(bytes); }
void EmulatedCard::FreePinned(void* memory) { std::free(memory); }

Status EmulatedCard::Enqueue(std::function<void()> work) {
  if (Status health = Health(); !health.ok()) return health;
  asked_.push_back(std::move(work));
  return {};
}

Status EmulatedCard::CopyIn(const CardCopy& copy) {
  return Enqueue([copy] {
    if (copy.bytes != 0) std::memcpy(copy.to, copy.from, copy.bytes);
  });
}
Status EmulatedCard::CopyOut(const CardCopy& copy) { return CopyIn(copy); }

Status EmulatedCard::Clear(void* memory, uint64_t bytes) {
  return Enqueue([memory, bytes] { std::memset(memory, 0, bytes); });
}

Status EmulatedCard::Prepare(const ScanShape&) { return Health(); }

Result<uint64_t> EmulatedCard::Mark() {
  if (Status health = Health(); !health.ok()) return health;
  return done_ + asked_.size();
}

Result<bool> EmulatedCard::IsDone(uint64_t mark) {
  if (done_ >= mark) return true;
  if (Status status = Await(done_ + 1); !status.ok()) return status;
  return done_ >= mark;
}

Status EmulatedCard::Await(uint64_t mark) {
  for (; done_ < mark && Health().ok(); ++done_) {
    asked_.front()();
    asked_.pop_front();
  }
  return Health();
}

Status EmulatedCard::Wait() { return Await(done_ + asked_.size()); }

template <typename Function>
void EmulatedCard::Grid(uint32_t count, Function block) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  if (options_.schedule != Schedule::kInOrder) std::shuffle(order.begin(), order.end(), random_);
  for (const uint32_t index : order) {
    HostBlock host(options_.block_warps, banks_, options_.schedule,
                   static_cast<uint32_t>(random_()));
    block(index, host);
  }
}

void EmulatedCard::RunCoarse(const BatchView& batch) {
  const uint32_t block_queries = options_.block_warps * index::gpu::kTileQueries;
  const uint32_t query_blocks = (batch.queries + block_queries - 1) / block_queries;
  const uint32_t panels = batch.quantizer.panel_count;
  Grid(batch.lists_given ? 0 : panels * query_blocks, [&](uint32_t index, HostBlock& block) {
    index::gpu::MinimaOfPanel(block, batch, index % panels, index / panels * block_queries);
  });
  std::vector<uint8_t> memory(index::gpu::ScratchBytes(batch.quantizer.shape) + 16);
  const BlockScratch scratch = index::gpu::LayOutScratch(batch.quantizer.shape, memory.data());
  Grid(batch.queries, [&](uint32_t query, HostBlock& block) {
    index::gpu::PickLists(block, batch, query, scratch);
  });
}

// Shared memory of a block, without what another one left there.
class EmulatedCard::Shared {
 public:
  explicit Shared(const ScanShape& shape)
      : shape_(shape), memory_(index::gpu::ScratchBytes(shape)) {}
  BlockScratch Fresh() {
    std::memset(memory_.data(), kPoison, memory_.size());
    return index::gpu::LayOutScratch(shape_, memory_.data());
  }

 private:
  const ScanShape shape_;
  std::vector<uint8_t> memory_;
};

template <uint32_t kParts, uint32_t kWords>
void EmulatedCard::RunPairs(const BatchView& batch, uint32_t round, uint32_t blocks) {
  Shared shared(batch.quantizer.shape);
  if (round == 0) {
    Grid(batch.queries, [&](uint32_t query, HostBlock& block) {
      index::gpu::KeepTable(block, batch, query, shared.Fresh());
    });
  }
  Grid(batch.queries, [&](uint32_t query, HostBlock& block) {
    index::gpu::CountVisits(block, batch, query, round);
  });
  Grid(1,
       [&](uint32_t, HostBlock& block) { index::gpu::PlanVisits(block, batch, shared.Fresh()); });
  Grid(batch.queries, [&](uint32_t query, HostBlock& block) {
    index::gpu::PlaceVisits(block, batch, query, round);
  });
  Grid(blocks, [&](uint32_t index, HostBlock& block) {
    index::gpu::ScanPairs<HostBlock, kParts, kWords>(block, batch, {round, index, blocks},
                                                     shared.Fresh());
  });
}

template <uint32_t kParts, uint32_t kWords>
void EmulatedCard::RunSlices(const BatchView& batch, uint32_t round, uint32_t slices) {
  Shared shared(batch.quantizer.shape);
  Grid(batch.queries * slices, [&](uint32_t index, HostBlock& block) {
    ScanWork work;
    work.query = index / slices;
    work.slice = index % slices;
    work.slices = slices;
    index::gpu::AnswerSlice<HostBlock, kParts, kWords>(block, batch, work, round, shared.Fresh());
  });
}

template <uint32_t kParts, uint32_t kWords>
void EmulatedCard::RunShape(const BatchView& batch, const BatchLaunch& launch) {
  Shared shared(batch.quantizer.shape);
  if (launch.slices == 1 && launch.pair_blocks == 0) {
    Grid(batch.queries, [&](uint32_t query, HostBlock& block) {
      index::gpu::AnswerQuery<HostBlock, kParts, kWords>(block, batch, query, shared.Fresh());
    });
    return;
  }
  for (uint32_t round = 0; round < launch.rounds; ++round) {
    if (launch.pair_blocks > 0) {
      RunPairs<kParts, kWords>(batch, round, launch.pair_blocks);
    } else {
      RunSlices<kParts, kWords>(batch, round, launch.slices);
    }
    Grid(batch.queries, [&](uint32_t query, HostBlock& block) {
      index::gpu::CutSlices(block, batch, query, round, shared.Fresh());
    });
  }
  Grid(batch.queries, [&](uint32_t query, HostBlock& block) {
    index::gpu::FinishSlices<HostBlock, kParts, kWords>(block, batch, query, shared.Fresh());
  });
}

Status EmulatedCard::Run(const BatchView& batch, const BatchLaunch& launch) {
  return Enqueue([this, batch, launch] { DoRun(batch, launch); });
}

void EmulatedCard::DoRun(const BatchView& batch, const BatchLaunch& launch) {
  RunCoarse(batch);
  index::gpu::WithShape(batch.quantizer.shape, [&](auto fixed) {
    RunShape<decltype(fixed)::kParts, decltype(fixed)::kWords>(batch, launch);
  });
  ++batches_;
  if (launch.slices > 1) ++sliced_batches_;
  if (launch.pair_blocks > 0) ++paired_batches_;
}

}  // namespace kith::testing
