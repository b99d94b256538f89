#include <fmt/format.h>

#include <sstream>
#include <vector>

#include "cli/console/progress.h"
#include "cli/console/table.h"
#include "cli/load/load_report.h"

namespace kith::cli {
namespace {

std::string Ms(uint64_t nanoseconds) {
  return fmt::format("{:.3f}", static_cast<double>(nanoseconds) / 1e6);
}

std::string RecallText(const LoadTally& tally) {
  if (tally.true_wanted() == 0) return "";
  return fmt::format(
      "{:.4f}", static_cast<double>(tally.true_found()) / static_cast<double>(tally.true_wanted()));
}

std::string Kinds(const LoadReport& report) {
  Table table({"kind", "calls/s", "items/s", "p50 ms", "p90", "p95", "p99", "p99.9", "max",
               "failed", "recall"});
  for (size_t i = 0; i < report.counts.kinds.size(); ++i) {
    const LoadTally& tally = report.counts.kinds[i];
    const Histogram& latency = tally.latency();
    table.Add({report.options.mix[i].Name(),
               fmt::format("{:.0f}", static_cast<double>(tally.answered()) / report.seconds),
               fmt::format("{:.0f}", static_cast<double>(tally.items()) / report.seconds),
               Ms(latency.Percentile(0.50)), Ms(latency.Percentile(0.90)),
               Ms(latency.Percentile(0.95)), Ms(latency.Percentile(0.99)),
               Ms(latency.Percentile(0.999)), Ms(latency.max()),
               WithThousands(tally.failed() + tally.unsent()), RecallText(tally)});
  }
  std::ostringstream out;
  table.Print(out);
  return out.str();
}

std::string Troubles(const LoadReport& report) {
  std::string text;
  for (size_t i = 0; i < report.counts.kinds.size(); ++i) {
    const LoadTally& tally = report.counts.kinds[i];
    const std::string name = report.options.mix[i].Name();
    for (const auto& [key, count] : tally.errors()) {
      text += fmt::format("{}: {} failed with {}{}\n", name, WithThousands(count), key.first,
                          key.second.empty() ? "" : " " + key.second);
    }
    if (tally.unsent() > 0) {
      text += fmt::format("{}: {} were due and never sent\n", name, WithThousands(tally.unsent()));
    }
    if (tally.refused_points() > 0) {
      text +=
          fmt::format("{}: {} points were refused\n", name, WithThousands(tally.refused_points()));
    }
    if (tally.coverage().below_one > 0) {
      text += fmt::format("{}: {} answers of a part of the points, down to coverage {:.4f}\n", name,
                          WithThousands(tally.coverage().below_one), tally.coverage().min);
    }
  }
  return text;
}

}  // namespace

std::string ToText(const LoadReport& report) {
  std::string text = Kinds(report) + Troubles(report);
  if (report.options.closed != 0) {
    return text + fmt::format("closed loop of {}: {:.0f} calls/s; the client took {:.2f} cores\n",
                              report.options.closed, report.AchievedRate(), report.client_cores);
  }
  const Histogram& lag = report.counts.lag;
  text += fmt::format(
      "asked {:.0f} calls/s, {:.0f} answered; the client sent p50 {} and p99 {} ms late and took "
      "{:.2f} cores\n",
      report.options.rate, report.AchievedRate(), Ms(lag.Percentile(0.5)), Ms(lag.Percentile(0.99)),
      report.client_cores);
  if (report.counts.held > 0) {
    text += fmt::format("{} calls waited until fewer than {} were in flight; the waiting counts\n",
                        WithThousands(report.counts.held), report.options.in_flight_max);
  }
  if (!report.ClientKeptSchedule()) {
    text +=
        "THE CLIENT DID NOT KEEP THE SCHEDULE: these latencies are its own as well. Lower --rate, "
        "or use more --threads or another machine.\n";
  }
  return text;
}

}  // namespace kith::cli
