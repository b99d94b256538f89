#ifndef KITH_KITHD_INDEX_METRICS_H_
#define KITH_KITHD_INDEX_METRICS_H_

#include "common/telemetry/metrics.h"
#include "coordinator/admin/reconcile.h"
#include "coordinator/cluster/cluster_map.h"
#include "coordinator/search/recall_sampler.h"

// What a coordinator tells of its index versions. Everything outlives the metrics' pulls.
namespace kith::kithd {

// kith_index_*_ratio by collection and shard, and the growth by collection.
void AddIndexMetrics(telemetry::Metrics& metrics, const coordinator::Reconciler& reconciler);
// kith_recall_ratio with its interval, what was sampled and dropped, and what is aimed at.
void AddRecallMetrics(telemetry::Metrics& metrics, const coordinator::RecallSampler& sampler,
                      const coordinator::ClusterMap& map);

}  // namespace kith::kithd

#endif  // KITH_KITHD_INDEX_METRICS_H_
