// Linked where no CUDA compiler was found.
#include "index/gpu/card.h"

namespace kith::index::gpu {
namespace {

constexpr char kAbsence[] =
    "this program was built without CUDA; build it with the preset cuda on a machine with nvcc";

}  // namespace

CardsFound FindCards() { return {{}, kAbsence}; }

Result<std::unique_ptr<Card>> OpenCard(uint32_t) {
  return Status(Code::kFailedPrecondition, kCardAbsent, kAbsence);
}

}  // namespace kith::index::gpu
