#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "cli/console/machine.h"
#include "cli/console/table.h"
#include "cli/load/capacity_run.h"
#include "cli/load/load_report.h"
#include "cli/load/units.h"
#include "cli/plot/svg_chart.h"

namespace kith::cli {
namespace {

const Histogram& LatencyOf(const CapacityStep& step) {
  return step.report.counts.kinds.front().latency();
}

std::vector<const CapacityStep*> ByRate(const CapacityReport& report) {
  std::vector<const CapacityStep*> steps;
  for (const CapacityStep& step : report.steps) steps.push_back(&step);
  std::stable_sort(steps.begin(), steps.end(), [](const auto* a, const auto* b) {
    return a->report.options.rate < b->report.options.rate;
  });
  return steps;
}

// What was seen last at each rate: a confirmation outweighs what it confirms.
std::vector<const CapacityStep*> LastByRate(const CapacityReport& report) {
  std::vector<const CapacityStep*> last;
  for (const CapacityStep* step : ByRate(report)) {
    if (!last.empty() && last.back()->report.options.rate == step->report.options.rate) {
      last.back() = step;
    } else {
      last.push_back(step);
    }
  }
  return last;
}

std::string Verdict(const CapacityReport& report, const CapacityOptions& options) {
  const std::string kind = options.load.mix.front().Name();
  if (report.rate == 0) {
    return fmt::format("no rate from {:.0f} calls/s on keeps {} of {}", options.search.min,
                       options.target.text, kind);
  }
  std::string text =
      fmt::format("{:.0f} calls/s keep {} of {}", report.rate, options.target.text, kind);
  if (report.client_limited) text += "; above it the client, not the server, gave out";
  return text;
}

}  // namespace

Json ToJson(const CapacityReport& report, const CapacityOptions& options) {
  Json steps = Json::array();
  for (const CapacityStep& step : report.steps) {
    Json json = {{"rate", step.report.options.rate},
                 {"sustained", step.why_not.empty()},
                 {"why_not", step.why_not},
                 {"client_limited", step.client_limited}};
    json["run"] = ToJson(step.report);
    json["run"].erase("machine");
    steps.push_back(std::move(json));
  }
  return {{"rate", report.rate},
          {"target", options.target.text},
          {"target_kind", options.load.mix.front().Name()},
          {"client_limited", report.client_limited},
          {"steps", std::move(steps)},
          {"machine", DescribeMachine()}};
}

std::string ToText(const CapacityReport& report, const CapacityOptions& options) {
  Table table({"calls/s", "answered/s", "p50 ms", "p99 ms", "max ms", "sustained"});
  for (const CapacityStep* step : ByRate(report)) {
    const Histogram& latency = LatencyOf(*step);
    table.Add({fmt::format("{:.0f}", step->report.options.rate),
               fmt::format("{:.0f}", step->report.AchievedRate()),
               fmt::format("{:.3f}", Milliseconds(latency.Percentile(0.5))),
               fmt::format("{:.3f}", Milliseconds(latency.Percentile(0.99))),
               fmt::format("{:.3f}", Milliseconds(latency.max())),
               step->why_not.empty() ? "yes" : "no: " + step->why_not});
  }
  std::ostringstream out;
  table.Print(out);
  out << Verdict(report, options) << "\n";
  return out.str();
}

std::string ToSvg(const CapacityReport& report, const CapacityOptions& options) {
  Chart chart{"Latency against the rate asked for",
              {"calls a second", Scale::kLinear},
              {"latency, ms", Scale::kLog},
              {}};
  for (const auto& [name, share] : {std::pair("p50", 0.5), {"p90", 0.9}, {"p99", 0.99}}) {
    ChartSeries series{name, {}, ChartSeries::Marks::kDots, chart.series.size()};
    for (const CapacityStep* step : LastByRate(report)) {
      series.points.emplace_back(step->report.options.rate,
                                 Milliseconds(LatencyOf(*step).Percentile(share)));
    }
    chart.series.push_back(std::move(series));
  }
  ChartSeries wanted{options.target.text, {}, ChartSeries::Marks::kDashes, chart.series.size()};
  for (const CapacityStep* step : LastByRate(report)) {
    wanted.points.emplace_back(step->report.options.rate, Milliseconds(options.target.nanoseconds));
  }
  chart.series.push_back(std::move(wanted));
  return RenderSvg(fmt::format("kith bench capacity: {}", options.load.collection),
                   Verdict(report, options), {chart});
}

}  // namespace kith::cli
