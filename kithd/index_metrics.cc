#include "kithd/index_metrics.h"

#include <string>
#include <utility>
#include <vector>

namespace kith::kithd {
namespace {

using coordinator::IndexHealth;
using coordinator::RecallDepth;
using coordinator::RecallDrop;
using coordinator::RecallEstimate;
using telemetry::Sample;

const char* DepthName(RecallDepth depth) {
  return depth == RecallDepth::kCollection ? "collection" : "request";
}

}  // namespace

void AddIndexMetrics(telemetry::Metrics& metrics, const coordinator::Reconciler& reconciler) {
  const auto pull = [&](const char* name, const char* help, double IndexHealth::*member) {
    metrics.PullGauges({name, help}, [&reconciler, member] {
      std::vector<Sample> samples;
      for (const coordinator::CollectionHealth& index : reconciler.indexes()) {
        for (const auto& [shard, health] : index.shards) {
          samples.push_back({{{"collection", index.collection}, {"shard", std::to_string(shard)}},
                             health.*member});
        }
      }
      return samples;
    });
  };
  pull("kith_index_drift_ratio", "Share of the indexed rows outside the ranges of the version.",
       &IndexHealth::drift_ratio);
  pull("kith_index_imbalance_ratio", "Longest list over mean list.", &IndexHealth::imbalance_ratio);
  pull("kith_index_large_lists_ratio", "Share of the rows in lists above four times the mean.",
       &IndexHealth::large_lists_ratio);
  pull("kith_index_dead_ratio", "Share of the indexed rows that are dead.",
       &IndexHealth::dead_ratio);
  metrics.PullGauges(
      {"kith_index_growth_ratio", "Points now over points when trained, less 1."}, [&reconciler] {
        std::vector<Sample> samples;
        for (const coordinator::CollectionHealth& index : reconciler.indexes()) {
          samples.push_back({{{"collection", index.collection}}, index.health.growth_ratio});
        }
        return samples;
      });
}

void AddRecallMetrics(telemetry::Metrics& metrics, const coordinator::RecallSampler& sampler,
                      const coordinator::ClusterMap& map) {
  const auto pull = [&](const char* name, const char* help, auto value) {
    metrics.PullGauges({name, help}, [&sampler, value] {
      std::vector<Sample> samples;
      for (const coordinator::RecallReading& reading : sampler.readings()) {
        samples.push_back(
            {{{"collection", reading.collection}, {"depth", DepthName(reading.depth)}},
             value(reading.estimate)});
      }
      return samples;
    });
  };
  pull("kith_recall_ratio", "Share of the true neighbours that sampled searches found.",
       [](const RecallEstimate& estimate) { return estimate.ratio; });
  pull("kith_recall_ratio_low", "Lower end of its 95 % confidence interval.",
       [](const RecallEstimate& estimate) { return estimate.low; });
  pull("kith_recall_ratio_high", "Upper end of its 95 % confidence interval.",
       [](const RecallEstimate& estimate) { return estimate.high; });
  pull("kith_recall_window_samples", "Samples that kith_recall_ratio is of.",
       [](const RecallEstimate& estimate) { return static_cast<double>(estimate.samples); });
  metrics.PullGauges(
      {"kith_target_recall_ratio", "What searches of the collection aim at."}, [&map] {
        std::vector<Sample> samples;
        for (const auto& entry : map.List()) {
          samples.push_back({{{"collection", entry->record.name}}, entry->record.target_recall});
        }
        return samples;
      });
  metrics.PullCounters({"kith_recall_samples_total", "Searches that were compared."}, [&sampler] {
    return std::vector<Sample>{{{}, static_cast<double>(sampler.samples())}};
  });
  metrics.PullCounters(
      {"kith_recall_samples_dropped_total", "Searches that were chosen and not compared."},
      [&sampler] {
        const std::pair<const char*, RecallDrop> reasons[] = {
            {"rate", RecallDrop::kRate},         {"overload", RecallDrop::kOverload},
            {"deadline", RecallDrop::kDeadline}, {"queue", RecallDrop::kQueue},
            {"stale", RecallDrop::kStale},       {"failed", RecallDrop::kFailed}};
        std::vector<Sample> samples;
        for (const auto& [reason, drop] : reasons) {
          samples.push_back({{{"reason", reason}}, static_cast<double>(sampler.dropped(drop))});
        }
        return samples;
      });
}

}  // namespace kith::kithd
