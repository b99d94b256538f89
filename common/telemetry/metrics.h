#ifndef KITH_COMMON_TELEMETRY_METRICS_H_
#define KITH_COMMON_TELEMETRY_METRICS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace kith::telemetry {

using Labels = std::map<std::string, std::string>;

// Handles: plain pointers into the Metrics they came from, valid as long as it lives.
// Threads: any.
class Counter {
 public:
  explicit Counter(prometheus::Counter* counter) : counter_(counter) {}
  void Add(double amount = 1) const;

 private:
  prometheus::Counter* counter_;
};

class Gauge {
 public:
  explicit Gauge(prometheus::Gauge* gauge) : gauge_(gauge) {}
  void Set(double value) const;

 private:
  prometheus::Gauge* gauge_;
};

class Histogram {
 public:
  explicit Histogram(prometheus::Histogram* histogram) : histogram_(histogram) {}
  void Observe(double value) const;

 private:
  prometheus::Histogram* histogram_;
};

// Name and help of one metric family. Names: kith_ prefix, base unit last, _total for counters.
struct Family {
  std::string name;
  std::string help;
};

struct Sample {
  Labels labels;
  double value = 0;
};

// Upper bounds of latency histograms in seconds: 50 us to 60 s.
std::vector<double> LatencyBuckets();

// Every metric of this process. Asking again for the same family and labels gives the same series.
// Labels never come from what a caller typed, save collection names, which are bounded.
// Threads: any.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  Counter GetCounter(const Family& family, const Labels& labels = {});
  Gauge GetGauge(const Family& family, const Labels& labels = {});
  Histogram GetHistogram(const Family& family, const std::vector<double>& bounds,
                         const Labels& labels = {});
  // Asked at each scrape for all its samples, so that what is gone leaves no series behind.
  // `pull` runs on the scraping thread and must not block; it lives until ClearPulls.
  void PullGauges(const Family& family, std::function<std::vector<Sample>()> pull);
  // The same for what only grows while the process lives.
  void PullCounters(const Family& family, std::function<std::vector<Sample>()> pull);
  // Before the things that the pulls look at go.
  void ClearPulls();

  // The Prometheus text format.
  std::string Text() const;

 private:
  struct Registry;
  std::unique_ptr<Registry> registry_;
};

}  // namespace kith::telemetry

#endif  // KITH_COMMON_TELEMETRY_METRICS_H_
