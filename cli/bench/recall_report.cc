#include "cli/bench/recall_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/console/machine.h"
#include "cli/console/table.h"
#include "cli/plot/svg_chart.h"

namespace kith::cli {
namespace {

// A target that the measured curve does not reach says so.
std::string TargetText(const RecallRow& row) {
  if (!row.options.target_recall) return "default";
  return fmt::format("{:g}{}", *row.options.target_recall,
                     row.report.target_reached.value_or(true) ? "" : " (not reached)");
}

Chart RateChart(std::vector<RecallRow> rows) {
  const std::string recall = fmt::format("recall@{}", rows.front().options.k);
  std::stable_sort(rows.begin(), rows.end(), [](const RecallRow& a, const RecallRow& b) {
    return a.report.recall < b.report.recall;
  });
  Chart chart{
      "Rate against recall", {recall, Scale::kLinear}, {"queries a second", Scale::kLinear}, {}};
  ChartSeries rate{"queries/s", {}, ChartSeries::Marks::kDots, 0};
  for (const RecallRow& row : rows) rate.points.emplace_back(row.report.recall, row.report.qps);
  chart.series.push_back(std::move(rate));
  return chart;
}

Chart LatencyChart(std::vector<RecallRow> rows) {
  const std::string recall = fmt::format("recall@{}", rows.front().options.k);
  std::stable_sort(rows.begin(), rows.end(), [](const RecallRow& a, const RecallRow& b) {
    return a.report.recall < b.report.recall;
  });
  Chart chart{"Latency against recall", {recall, Scale::kLinear}, {"ms a call", Scale::kLog}, {}};
  for (const auto& [name, value] :
       {std::pair("p50", &RecallReport::p50_ms), {"p99", &RecallReport::p99_ms}}) {
    ChartSeries series{name, {}, ChartSeries::Marks::kDots, chart.series.size()};
    for (const RecallRow& row : rows) {
      series.points.emplace_back(row.report.recall, row.report.*value);
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

}  // namespace

void PrintRecallTable(const std::vector<RecallRow>& rows, std::ostream& out) {
  Table table({"target", "recall", "queries/s", "p50 ms", "p95", "p99", "p99.9", "max", "nprobe",
               "scanned", "refined", "re-ranked"});
  for (const RecallRow& row : rows) {
    const RecallReport& report = row.report;
    const auto ms = [](double value) { return fmt::format("{:.3f}", value); };
    table.Add({TargetText(row), fmt::format("{:.4f}", report.recall),
               fmt::format("{:.0f}", report.qps), ms(report.p50_ms), ms(report.p95_ms),
               ms(report.p99_ms), ms(report.p99_9_ms), ms(report.max_ms),
               fmt::format("{:.1f}", report.nprobe),
               fmt::format("{:.2f}%", 100 * report.scanned_share),
               fmt::format("{:.0f}", report.refined), fmt::format("{:.0f}", report.reranked)});
  }
  table.Print(out);
}

Json RecallTableJson(const std::vector<RecallRow>& rows) {
  Json list = Json::array();
  for (const RecallRow& row : rows) {
    Json json = ToJson(row.report, row.options);
    json["target_recall"] =
        row.options.target_recall ? Json(*row.options.target_recall) : Json(nullptr);
    list.push_back(std::move(json));
  }
  return {{"rows", std::move(list)}, {"machine", DescribeMachine()}};
}

std::string RecallSvg(const std::vector<RecallRow>& rows) {
  const RecallBenchOptions& options = rows.front().options;
  return RenderSvg(
      fmt::format("kith bench recall: {}", options.collection),
      fmt::format("{} queries each on {} connection{}, {} a call", rows.front().report.count,
                  options.threads, options.threads == 1 ? "" : "s", options.batch),
      {RateChart(rows), LatencyChart(rows)});
}

}  // namespace kith::cli
