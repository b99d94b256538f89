#include "kithd/card_metrics.h"

#include <string>
#include <utility>
#include <vector>

namespace kith::kithd {

using shard::CardHealth;
using telemetry::Sample;

void AddCardMetrics(telemetry::Metrics& metrics, std::shared_ptr<shard::CardWorker> card) {
  const auto value = [card](auto read) {
    return [card, read] {
      return std::vector<Sample>{{{}, static_cast<double>(read(card->health()))}};
    };
  };
  metrics.PullGauges({"kith_gpu_info", "The card that searches use; always 1."}, [card] {
    const CardHealth health = card->health();
    return std::vector<Sample>{
        {{{"device", std::to_string(health.card.ordinal)}, {"name", health.card.name}}, 1}};
  });
  metrics.PullGauges({"kith_gpu_lost", "1 where the card failed: searches run without it."},
                     value([](const CardHealth& health) { return health.is_lost ? 1 : 0; }));
  metrics.PullGauges({"kith_gpu_memory_bytes", "Memory of the card that indexes take."}, [card] {
    const index::gpu::ResidentMemory memory = card->health().memory;
    return std::vector<Sample>{{{{"part", "codes"}}, static_cast<double>(memory.codes)},
                               {{{"part", "refine"}}, static_cast<double>(memory.refine)},
                               {{{"part", "rows"}}, static_cast<double>(memory.rows)},
                               {{{"part", "quantizer"}}, static_cast<double>(memory.quantizer)},
                               {{{"part", "tombstones"}}, static_cast<double>(memory.tombstones)},
                               {{{"part", "filter"}}, static_cast<double>(memory.filter)},
                               {{{"part", "work"}}, static_cast<double>(memory.work)}};
  });
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
      {"kith_gpu_queries_total", "Queries of indexes, by what looked at their codes."}, [card] {
        const CardHealth health = card->health();
        return std::vector<Sample>{
            {{{"engine", "gpu"}}, static_cast<double>(health.counts.queries_on_card)},
            {{{"engine", "cpu"}}, static_cast<double>(health.counts.queries_on_host)}};
      });
}

}  // namespace kith::kithd
