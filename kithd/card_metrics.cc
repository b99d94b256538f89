#include "kithd/card_metrics.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace kith::kithd {

using shard::CardHealth;
using telemetry::Sample;

namespace {

// Of each card a figure by the values of a label of its own (none: one figure), beside the card's.
using Figures = std::vector<std::pair<std::string, uint64_t>>;
using ReadFigures = std::function<Figures(const CardHealth&)>;

// What a pull of a metric with the label `name` calls.
auto OfEachCard(std::shared_ptr<shard::CardPool> cards, std::string name, ReadFigures read) {
  return [cards = std::move(cards), name = std::move(name), read = std::move(read)] {
    std::vector<Sample> samples;
    for (const auto& worker : cards->workers()) {
      const CardHealth health = worker->health();
      const std::string device = std::to_string(health.card.ordinal);
      for (const auto& [value, figure] : read(health)) {
        Sample sample{{{"device", device}}, static_cast<double>(figure)};
        if (!name.empty()) sample.labels.emplace(name, value);
        samples.push_back(std::move(sample));
      }
    }
    return samples;
  };
}

}  // namespace

void AddCardMetrics(telemetry::Metrics& metrics, std::shared_ptr<shard::CardPool> cards) {
  const auto by = [&](const char* label, ReadFigures read) {
    return OfEachCard(cards, label, std::move(read));
  };
  const auto value = [&](auto read) {
    return by("", [read](const CardHealth& health) {
      return Figures{{"", static_cast<uint64_t>(read(health))}};
    });
  };
  metrics.PullGauges({"kith_gpu_info", "The cards that searches use; always 1."},
                     by("name", [](const CardHealth& health) {
                       return Figures{{health.card.name, 1}};
                     }));
  metrics.PullGauges({"kith_gpu_lost", "1 where the card failed: searches run without it."},
                     value([](const CardHealth& health) { return health.is_lost ? 1 : 0; }));
  metrics.PullGauges({"kith_gpu_memory_bytes", "Memory of the card that indexes take."},
                     by("part", [](const CardHealth& health) {
                       const index::gpu::ResidentMemory& memory = health.memory;
                       return Figures{{"codes", memory.codes},
                                      {"refine", memory.refine},
                                      {"rows", memory.rows},
                                      {"quantizer", memory.quantizer},
                                      {"tombstones", memory.tombstones},
                                      {"filter", memory.filter},
                                      {"work", memory.work}};
                     }));
  metrics.PullGauges({"kith_gpu_memory_total_bytes", "Memory of the card."},
                     value([](const CardHealth& health) { return health.card.total_bytes; }));
  metrics.PullGauges({"kith_gpu_resident_rows", "Rows whose codes are on the card."},
                     value([](const CardHealth& health) { return health.resident_rows; }));
  metrics.PullGauges(
      {"kith_gpu_missing_rows", "Rows of the indexes on the card whose codes are not there."},
      value([](const CardHealth& health) { return health.missing_rows; }));
  metrics.PullCounters({"kith_gpu_batches_total", "Batches that the card answered."},
                       value([](const CardHealth& health) { return health.counts.batches; }));
  metrics.PullCounters(
      {"kith_gpu_batches_overlapped_total", "Batches encoded while the card ran another one."},
      value([](const CardHealth& health) { return health.counts.overlapped; }));
  metrics.PullCounters(
      {"kith_gpu_queries_total", "Queries of indexes, by what looked at their codes."},
      by("engine", [](const CardHealth& health) {
        return Figures{{"gpu", health.counts.queries_on_card},
                       {"cpu", health.counts.queries_on_host}};
      }));
}

}  // namespace kith::kithd
