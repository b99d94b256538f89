#ifndef KITH_SHARD_SEARCH_CARD_CHOICE_H_
#define KITH_SHARD_SEARCH_CARD_CHOICE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/gpu/card.h"

namespace kith::shard {

// What searches run on, as the configuration has it.
enum class Engine { kCpu, kGpu, kAuto };
Engine EngineNamed(const std::string& name);  // "cpu", "gpu"; else kAuto

struct CardChoice {
  Engine engine = Engine::kAuto;
  std::string device = "auto";  // the one with the most free memory; or a number, or "all"
  bool is_required = false;
};

// Where cards come from: FindCards and OpenCard of index/gpu, or a test's.
struct CardSource {
  std::function<index::gpu::CardsFound()> find;
  std::function<index::Result<std::unique_ptr<index::gpu::Card>>(uint32_t)> open;
};

using Cards = std::vector<std::unique_ptr<index::gpu::Card>>;

// Opens the cards that are chosen and logs which; none where searches run on the processor, with a
// warning where a card was asked for. FAILED_PRECONDITION GPU_REQUIRED where one is required.
absl::StatusOr<Cards> ChooseCards(const CardChoice& choice, const CardSource& source);

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_CARD_CHOICE_H_
