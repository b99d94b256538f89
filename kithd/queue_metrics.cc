#include "kithd/queue_metrics.h"

#include <string>
#include <vector>

namespace kith::kithd {
namespace {

using shard::SearchQueueFigures;
using telemetry::Sample;

template <typename Read>
std::vector<Sample> One(const shard::Node& node, Read read) {
  return {{{}, static_cast<double>(read(node.search_queue()))}};
}

void AddSearchQueue(telemetry::Metrics& metrics, const shard::Node& node) {
  metrics.PullGauges({"kith_search_queue_length", "Searches and reads that wait for a thread."},
                     [&node] {
                       const SearchQueueFigures queue = node.search_queue();
                       return std::vector<Sample>{
                           {{{"priority", "interactive"}}, static_cast<double>(queue.jobs[0])},
                           {{{"priority", "batch"}}, static_cast<double>(queue.jobs[1])}};
                     });
  metrics.PullGauges({"kith_search_queue_wait_seconds", "How long the next search would wait."},
                     [&node] {
                       return One(node, [](const SearchQueueFigures& queue) {
                         return static_cast<double>(queue.wait_ns) * 1e-9;
                       });
                     });
  metrics.PullGauges(
      {"kith_search_concurrency_limit", "Searches that may wait or run, by what they take now."},
      [&node] {
        return One(node, [](const SearchQueueFigures& queue) { return queue.searches_max; });
      });
  metrics.PullGauges(
      {"kith_search_overloaded", "1 while more searches come than are worked off."}, [&node] {
        return One(node, [](const SearchQueueFigures& queue) { return queue.is_standing ? 1 : 0; });
      });
  metrics.PullCounters(
      {"kith_search_refused_total", "Searches and reads refused, or dropped."}, [&node] {
        const SearchQueueFigures queue = node.search_queue();
        std::vector<Sample> samples;
        for (size_t i = 0; i < shard::kQueueRefusals; ++i) {
          const auto why = static_cast<shard::QueueRefusal>(i);
          samples.push_back(
              {{{"reason", shard::QueueRefusalName(why)}}, static_cast<double>(queue.refusals[i])});
        }
        return samples;
      });
}

void AddWriteQueues(telemetry::Metrics& metrics, const shard::Node& node) {
  metrics.PullGauges({"kith_write_queue_length", "Writes that wait, of all shards."}, [&node] {
    return std::vector<Sample>{{{}, static_cast<double>(node.health().write_queue.waiting)}};
  });
  metrics.PullCounters(
      {"kith_write_refused_total", "Writes refused because too much waits, or too late."}, [&node] {
        const shard::WriteQueueFigures queue = node.health().write_queue;
        return std::vector<Sample>{
            {{{"reason", "full"}}, static_cast<double>(queue.refused_full)},
            {{{"reason", "deadline"}}, static_cast<double>(queue.refused_deadline)},
            {{{"reason", "expired"}}, static_cast<double>(queue.expired)}};
      });
}

}  // namespace

void AddQueueMetrics(telemetry::Metrics& metrics, const shard::Node& node) {
  AddSearchQueue(metrics, node);
  AddWriteQueues(metrics, node);
}

}  // namespace kith::kithd
