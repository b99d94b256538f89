#include <fmt/format.h>

#include <cmath>

#include "cli/console/progress.h"
#include "cli/load/load_report.h"
#include "cli/load/units.h"
#include "cli/plot/svg_chart.h"

namespace kith::cli {
namespace {

struct OverTimeLine {
  const char* name;
  double share;
  ChartSeries::Marks marks;
};
constexpr OverTimeLine kLines[] = {{"max", 1, ChartSeries::Marks::kDashes},
                                   {"p99", 0.99, ChartSeries::Marks::kLine},
                                   {"p50", 0.5, ChartSeries::Marks::kLine}};

ChartSeries OverTime(const LoadTally& tally, const OverTimeLine& line) {
  ChartSeries series;
  series.name = line.name;
  series.marks = line.marks;
  const double length = std::chrono::duration<double>(tally.interval()).count();
  double middle = length / 2;
  for (const IntervalTally& interval : tally.intervals()) {
    const uint64_t at = interval.latency.Percentile(line.share);
    series.points.emplace_back(middle,
                               interval.latency.count() == 0 ? std::nan("") : Milliseconds(at));
    middle += length;
  }
  return series;
}

// The only kind: p50, p99 and the slowest call of each interval.
void AddOnly(const LoadTally& tally, Chart& chart) {
  for (const OverTimeLine& line : kLines) {
    chart.series.push_back(OverTime(tally, line));
    chart.series.back().colour = chart.series.size() - 1;
  }
}

// One of several: p99 and, dashed, p50 in the kind's colour.
void AddKind(const LoadTally& tally, const std::string& name, Chart& chart) {
  for (const OverTimeLine& line : {kLines[1], kLines[2]}) {
    ChartSeries series = OverTime(tally, line);
    series.colour = chart.series.size() / 2;
    series.marks = line.share > 0.5 ? ChartSeries::Marks::kLine : ChartSeries::Marks::kDashes;
    series.name = name + " " + line.name;
    chart.series.push_back(std::move(series));
  }
}

void AddCurve(const LoadTally& tally, const std::string& name, Chart& chart) {
  ChartSeries series;
  series.name = name;
  series.colour = chart.series.size();
  const Histogram& latency = tally.latency();
  for (double above = 1; latency.count() > 0; above *= 0.9) {
    series.points.emplace_back(1 - above, Milliseconds(latency.Percentile(1 - above)));
    if (above * static_cast<double>(latency.count()) < 1) break;
  }
  chart.series.push_back(std::move(series));
}

std::string Subtitle(const LoadReport& report) {
  const std::string points = fmt::format(
      "{} points x {} d, {} connection{}", WithThousands(report.points), report.dimension,
      report.options.connections, report.options.connections == 1 ? "" : "s");
  if (report.options.closed != 0) {
    return fmt::format("{}; closed loop of {}: {:.0f} calls/s answered, {} failed", points,
                       report.options.closed, report.AchievedRate(),
                       WithThousands(report.Failed()));
  }
  return fmt::format(
      "{}; {:.0f} calls/s asked ({}), {:.0f} answered, {} failed; client late p99 "
      "{:.2f} ms{}",
      points, report.options.rate,
      report.options.arrivals == Arrivals::kPoisson ? "Poisson" : "constant", report.AchievedRate(),
      WithThousands(report.Failed()), Milliseconds(report.counts.lag.Percentile(0.99)),
      report.ClientKeptSchedule() ? "" : " (SCHEDULE NOT KEPT)");
}

}  // namespace

std::string ToSvg(const LoadReport& report) {
  Chart over_time{"Latency over time, by when calls were due",
                  {"seconds", Scale::kLinear},
                  {"latency, ms", Scale::kLog},
                  {}};
  Chart curve{"Latency by percentile of the calls",
              {"share of the calls", Scale::kNines},
              {"latency, ms", Scale::kLog},
              {}};
  const bool one = report.counts.kinds.size() == 1;
  for (size_t i = 0; i < report.counts.kinds.size(); ++i) {
    const std::string name = report.options.mix[i].Name();
    const LoadTally& tally = report.counts.kinds[i];
    one ? AddOnly(tally, over_time) : AddKind(tally, name, over_time);
    AddCurve(tally, name, curve);
  }
  return RenderSvg(fmt::format("kith bench load: {}", report.options.collection), Subtitle(report),
                   {over_time, curve});
}

}  // namespace kith::cli
