#include "common/telemetry/request_metrics.h"

#include <mutex>

namespace kith::telemetry {

void RequestMetrics::Observe(std::string_view method, std::string_view code,
                             std::chrono::nanoseconds duration) {
  const Series* series = Find(method, code);
  if (series == nullptr) series = &Add(method, code);
  series->count.Add();
  series->duration.Observe(std::chrono::duration<double>(duration).count());
}

const RequestMetrics::Series* RequestMetrics::Find(std::string_view method, std::string_view code) {
  std::shared_lock lock(mutex_);
  const auto by_code = series_.find(method);
  if (by_code == series_.end()) return nullptr;
  const auto found = by_code->second.find(code);
  return found == by_code->second.end() ? nullptr : &found->second;
}

const RequestMetrics::Series& RequestMetrics::Add(std::string_view method, std::string_view code) {
  std::unique_lock lock(mutex_);
  const std::string name(method);
  const std::string answer(code);
  const Series series{
      metrics_.GetCounter({"kith_requests_total", "Finished calls by method and status code."},
                          {{"method", name}, {"code", answer}}),
      metrics_.GetHistogram(
          {"kith_request_duration_seconds", "From a call's arrival to its answer."},
          LatencyBuckets(), {{"method", name}})};
  return series_[name].emplace(answer, series).first->second;
}

}  // namespace kith::telemetry
