#ifndef KITH_INDEX_GPU_CARD_H_
#define KITH_INDEX_GPU_CARD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "index/gpu/card_views.h"
#include "index/status.h"

namespace kith::index::gpu {

// Reasons of the states below. A lost card answers nothing any more: its owner goes on without it,
// and a new process may find it well again.
inline constexpr char kCardAbsent[] = "GPU_ABSENT";
inline constexpr char kCardLost[] = "GPU_LOST";
inline constexpr char kCardFull[] = "GPU_OUT_OF_MEMORY";
inline constexpr char kCardTooSmall[] = "GPU_TOO_SMALL";
inline constexpr char kCardShape[] = "GPU_SHAPE_NOT_TAKEN";

struct CardReport {
  uint32_t ordinal = 0;
  std::string name;
  uint32_t multiprocessors = 0;
  uint32_t capability = 0;  // 90: compute capability 9.0
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;
  uint64_t block_shared_bytes = 0;  // that a block may have
  std::string driver;               // "13.0"
  std::string runtime;
};

struct CardCopy {
  void* to = nullptr;
  const void* from = nullptr;
  uint64_t bytes = 0;
};

// One accelerator: memory, copies, the kernels of a batch. What is asked of it is done in order, as
// by a queue; Run and the copies may return before it is done, Wait and Await not. Host memory that
// is copied from or to stays as it is until then, and is pinned where that should not wait; memory
// is freed when nothing under way uses it.
//
// Every call but Allocate and AllocatePinned gives kFailedPrecondition GPU_LOST once the card has
// failed, and from then on.
//
// Threads: one at a time.
class Card {
 public:
  virtual ~Card() = default;
  virtual CardReport report() const = 0;

  // kResourceExhausted GPU_OUT_OF_MEMORY, naming the bytes that are free.
  virtual Result<void*> Allocate(uint64_t bytes) = 0;
  virtual void Free(void* memory) = 0;
  virtual Result<void*> AllocatePinned(uint64_t bytes) = 0;
  virtual void FreePinned(void* memory) = 0;

  virtual Status CopyIn(const CardCopy& copy) = 0;   // from the host
  virtual Status CopyOut(const CardCopy& copy) = 0;  // to the host
  virtual Status Clear(void* memory, uint64_t bytes) = 0;
  // Once before batches of a shape.
  virtual Status Prepare(const ScanShape& shape) = 0;
  virtual Status Run(const BatchView& batch, const BatchLaunch& launch) = 0;
  // Names all that was asked until now; Await returns once that is done, whatever was asked since.
  virtual Result<uint64_t> Mark() = 0;
  virtual Result<bool> IsDone(uint64_t mark) = 0;
  virtual Status Await(uint64_t mark) = 0;
  // For all of it.
  virtual Status Wait() = 0;
};

// The build has machine code for 8.x, 9.0 and 10.x.
constexpr bool HasKernelsFor(uint32_t capability) {
  return (capability >= 80 && capability <= 90) || (capability >= 100 && capability < 110);
}

struct CardsFound {
  std::vector<CardReport> cards;
  std::string absence;  // why there are none
};

// The cards that this process may use. Without CUDA in the build, without a driver or with one that
// is older than the build's runtime there are none, and `absence` says which it is.
CardsFound FindCards();

// kFailedPrecondition GPU_ABSENT where there is no card of that number.
Result<std::unique_ptr<Card>> OpenCard(uint32_t ordinal);

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_CARD_H_
