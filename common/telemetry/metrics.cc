#include "common/telemetry/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <mutex>
#include <utility>

namespace kith::telemetry {

void Counter::Add(double amount) const { counter_->Increment(amount); }
void Gauge::Set(double value) const { gauge_->Set(value); }
void Histogram::Observe(double value) const { histogram_->Observe(value); }

std::vector<double> LatencyBuckets() {
  return {0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
          0.1,     0.2,    0.5,    1,      2,     5,     10,    20,   60};
}

struct Metrics::Registry {
  struct Pull {
    Family family;
    std::function<std::vector<Sample>()> samples;
    prometheus::MetricType type = prometheus::MetricType::Gauge;
  };

  prometheus::Registry registry;
  mutable std::mutex mutex;  // of pulls, held while they run: ClearPulls waits for a scrape
  std::vector<Pull> pulls;

  std::vector<prometheus::MetricFamily> Collect() const {
    std::vector<prometheus::MetricFamily> families = registry.Collect();
    std::lock_guard lock(mutex);
    for (const Pull& pull : pulls) {
      prometheus::MetricFamily family;
      family.name = pull.family.name;
      family.help = pull.family.help;
      family.type = pull.type;
      for (const Sample& sample : pull.samples()) {
        prometheus::ClientMetric& metric = family.metric.emplace_back();
        for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
        if (pull.type == prometheus::MetricType::Counter) {
          metric.counter.value = sample.value;
        } else {
          metric.gauge.value = sample.value;
        }
      }
      families.push_back(std::move(family));
    }
    return families;
  }
};

Metrics::Metrics() : registry_(std::make_unique<Registry>()) {}
Metrics::~Metrics() = default;

Counter Metrics::GetCounter(const Family& family, const Labels& labels) {
  auto& made =
      prometheus::BuildCounter().Name(family.name).Help(family.help).Register(registry_->registry);
  return Counter(&made.Add(labels));
}

Gauge Metrics::GetGauge(const Family& family, const Labels& labels) {
  auto& made =
      prometheus::BuildGauge().Name(family.name).Help(family.help).Register(registry_->registry);
  return Gauge(&made.Add(labels));
}

Histogram Metrics::GetHistogram(const Family& family, const std::vector<double>& bounds,
                                const Labels& labels) {
  auto& made = prometheus::BuildHistogram()
                   .Name(family.name)
                   .Help(family.help)
                   .Register(registry_->registry);
  return Histogram(&made.Add(labels, bounds));
}

void Metrics::PullGauges(const Family& family, std::function<std::vector<Sample>()> pull) {
  std::lock_guard lock(registry_->mutex);
  registry_->pulls.push_back({family, std::move(pull)});
}

void Metrics::PullCounters(const Family& family, std::function<std::vector<Sample>()> pull) {
  std::lock_guard lock(registry_->mutex);
  registry_->pulls.push_back({family, std::move(pull), prometheus::MetricType::Counter});
}

void Metrics::ClearPulls() {
  std::lock_guard lock(registry_->mutex);
  registry_->pulls.clear();
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(registry_->Collect());
}

}  // namespace kith::telemetry
