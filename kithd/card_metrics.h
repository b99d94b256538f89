#ifndef KITH_KITHD_CARD_METRICS_H_
#define KITH_KITHD_CARD_METRICS_H_

#include <memory>

#include "common/telemetry/metrics.h"
#include "shard/search/card_worker.h"

namespace kith::kithd {

// What a node's card holds and does.
void AddCardMetrics(telemetry::Metrics& metrics, std::shared_ptr<shard::CardWorker> card);

}  // namespace kith::kithd

#endif  // KITH_KITHD_CARD_METRICS_H_
