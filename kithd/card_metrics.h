#ifndef KITH_KITHD_CARD_METRICS_H_
#define KITH_KITHD_CARD_METRICS_H_

#include <memory>

#include "common/telemetry/metrics.h"
#include "shard/search/card_pool.h"

namespace kith::kithd {

// What each of a node's cards holds and does.
void AddCardMetrics(telemetry::Metrics& metrics, std::shared_ptr<shard::CardPool> cards);

}  // namespace kith::kithd

#endif  // KITH_KITHD_CARD_METRICS_H_
