#include "shard/search/card_choice.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"

namespace kith::shard {
namespace {

using index::gpu::CardReport;

// The cards to open, or why there is none.
struct Chosen {
  std::vector<const CardReport*> cards;
  std::string absence;
};

Chosen ChooseAmong(const index::gpu::CardsFound& found, const std::string& device) {
  if (found.cards.empty()) return {{}, found.absence};
  Chosen chosen;
  const bool is_any = device == "auto" || device == "all";
  for (const CardReport& card : found.cards) {
    if (!is_any && device != std::to_string(card.ordinal)) continue;
    if (!index::gpu::HasKernelsFor(card.capability)) {
      chosen.absence = fmt::format(
          "card {} ({}) has compute capability {}.{}, for which there are "
          "no kernels",
          card.ordinal, card.name, card.capability / 10, card.capability % 10);
      continue;
    }
    chosen.cards.push_back(&card);
  }
  if (device == "auto" && !chosen.cards.empty()) {
    chosen.cards = {*std::max_element(
        chosen.cards.begin(), chosen.cards.end(),
        [](const auto* a, const auto* b) { return a->free_bytes < b->free_bytes; })};
  }
  if (chosen.cards.empty() && chosen.absence.empty()) {
    chosen.absence =
        fmt::format("there is no card {}; there are {}, from 0", device, found.cards.size());
  }
  return chosen;
}

absl::StatusOr<Cards> WithoutCard(const CardChoice& choice, const std::string& absence) {
  if (choice.is_required) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kGpuRequired,
                 fmt::format("search.require_gpu is set, and no card can be used: {}", absence));
  }
  if (choice.engine == Engine::kGpu) {
    spdlog::warn("event=gpu_absent engine=cpu reason={}", telemetry::LogValue(absence));
  } else {
    spdlog::info("event=gpu_absent engine=cpu reason={}", telemetry::LogValue(absence));
  }
  return Cards();
}

}  // namespace

Engine EngineNamed(const std::string& name) {
  return name == "cpu" ? Engine::kCpu : name == "gpu" ? Engine::kGpu : Engine::kAuto;
}

absl::StatusOr<Cards> ChooseCards(const CardChoice& choice, const CardSource& source) {
  if (choice.engine == Engine::kCpu) {
    if (choice.is_required) return WithoutCard(choice, "search.engine is cpu");
    return Cards();
  }
  const index::gpu::CardsFound found = source.find();
  Chosen chosen = ChooseAmong(found, choice.device);
  Cards cards;
  for (const CardReport* report : chosen.cards) {
    auto card = source.open(report->ordinal);
    if (!card.ok()) {
      chosen.absence = card.status().message();
      spdlog::warn("event=gpu_not_opened device={} reason={}", report->ordinal,
                   telemetry::LogValue(chosen.absence));
      continue;
    }
    spdlog::info("event=gpu_used device={} name={} memory_mb={} free_mb={} driver={} runtime={}",
                 report->ordinal, telemetry::LogValue(report->name), report->total_bytes >> 20,
                 report->free_bytes >> 20, report->driver, report->runtime);
    cards.push_back(std::move(*card));
  }
  if (cards.empty()) return WithoutCard(choice, chosen.absence);
  return cards;
}

}  // namespace kith::shard
