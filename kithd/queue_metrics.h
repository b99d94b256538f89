#ifndef KITH_KITHD_QUEUE_METRICS_H_
#define KITH_KITHD_QUEUE_METRICS_H_

#include "common/telemetry/metrics.h"
#include "shard/node.h"

namespace kith::kithd {

// What waits at a node and what it refused. The node outlives the metrics' pulls.
void AddQueueMetrics(telemetry::Metrics& metrics, const shard::Node& node);

}  // namespace kith::kithd

#endif  // KITH_KITHD_QUEUE_METRICS_H_
