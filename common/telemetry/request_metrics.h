#ifndef KITH_COMMON_TELEMETRY_REQUEST_METRICS_H_
#define KITH_COMMON_TELEMETRY_REQUEST_METRICS_H_

#include <chrono>
#include <functional>
#include <map>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "common/telemetry/metrics.h"

namespace kith::telemetry {

// kith_requests_total{method,code} and kith_request_duration_seconds{method}. Threads: any.
class RequestMetrics {
 public:
  explicit RequestMetrics(Metrics& metrics) : metrics_(metrics) {}

  // `method` and `code` come from our own sources, never from a caller: they are bounded.
  void Observe(std::string_view method, std::string_view code, std::chrono::nanoseconds duration);

 private:
  struct Series {
    Counter count;
    Histogram duration;
  };
  const Series* Find(std::string_view method, std::string_view code);
  const Series& Add(std::string_view method, std::string_view code);

  Metrics& metrics_;
  std::shared_mutex mutex_;
  std::map<std::string, std::map<std::string, Series, std::less<>>, std::less<>> series_;
};

}  // namespace kith::telemetry

#endif  // KITH_COMMON_TELEMETRY_REQUEST_METRICS_H_
