#include "shard/search/card_choice.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"

namespace kith::shard {
namespace {

using index::gpu::CardReport;

// The card to open, or why there is none.
struct Chosen {
  const CardReport* card = nullptr;
  std::string absence;
};

Chosen ChooseAmong(const index::gpu::CardsFound& found, const std::string& device) {
  if (found.cards.empty()) return {nullptr, found.absence};
  Chosen chosen;
  for (const CardReport& card : found.cards) {
    if (device != "auto" && device != std::to_string(card.ordinal)) continue;
    if (!index::gpu::HasKernelsFor(card.capability)) {
      chosen.absence = fmt::format(
          "card {} ({}) has compute capability {}.{}, for which there are "
          "no kernels",
          card.ordinal, card.name, card.capability / 10, card.capability % 10);
      continue;
    }
    if (chosen.card == nullptr || card.free_bytes > chosen.card->free_bytes) chosen.card = &card;
  }
  if (chosen.card == nullptr && chosen.absence.empty()) {
    chosen.absence =
        fmt::format("there is no card {}; there are {}, from 0", device, found.cards.size());
  }
  return chosen;
}

absl::StatusOr<std::unique_ptr<index::gpu::Card>> WithoutCard(const CardChoice& choice,
                                                              const std::string& absence) {
  if (choice.is_required) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kGpuRequired,
                 fmt::format("search.require_gpu is set, and no card can be used: {}", absence));
  }
  if (choice.engine == Engine::kGpu) {
    spdlog::warn("event=gpu_absent engine=cpu reason={}", telemetry::LogValue(absence));
  } else {
    spdlog::info("event=gpu_absent engine=cpu reason={}", telemetry::LogValue(absence));
  }
  return nullptr;
}

}  // namespace

Engine EngineNamed(const std::string& name) {
  return name == "cpu" ? Engine::kCpu : name == "gpu" ? Engine::kGpu : Engine::kAuto;
}

absl::StatusOr<std::unique_ptr<index::gpu::Card>> ChooseCard(const CardChoice& choice,
                                                             const CardSource& source) {
  if (choice.engine == Engine::kCpu) {
    if (choice.is_required) return WithoutCard(choice, "search.engine is cpu");
    return nullptr;
  }
  const index::gpu::CardsFound found = source.find();
  const Chosen chosen = ChooseAmong(found, choice.device);
  if (chosen.card == nullptr) return WithoutCard(choice, chosen.absence);
  auto card = source.open(chosen.card->ordinal);
  if (!card.ok()) return WithoutCard(choice, card.status().message());
  spdlog::info("event=gpu_used device={} name={} memory_mb={} free_mb={} driver={} runtime={}",
               chosen.card->ordinal, telemetry::LogValue(chosen.card->name),
               chosen.card->total_bytes >> 20, chosen.card->free_bytes >> 20, chosen.card->driver,
               chosen.card->runtime);
  return std::move(*card);
}

}  // namespace kith::shard
