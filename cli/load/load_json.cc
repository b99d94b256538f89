#include <chrono>

#include "cli/console/machine.h"
#include "cli/load/load_report.h"
#include "cli/load/units.h"

namespace kith::cli {
namespace {

// nan would not be JSON: what was not measured is null.
Json Ratio(uint64_t part, uint64_t whole) {
  if (whole == 0) return nullptr;
  return static_cast<double>(part) / static_cast<double>(whole);
}

Json ErrorsOf(const LoadTally& tally) {
  Json errors = Json::array();
  for (const auto& [key, count] : tally.errors()) {
    errors.push_back({{"code", key.first}, {"reason", key.second}, {"count", count}});
  }
  return errors;
}

Json CoverageOf(const LoadTally& tally) {
  const LoadTally::Coverage& coverage = tally.coverage();
  if (coverage.answers == 0) return nullptr;
  return {{"mean", coverage.sum / static_cast<double>(coverage.answers)},
          {"min", coverage.min},
          {"below_one", coverage.below_one}};
}

// [share of the calls, milliseconds], ever finer towards the slowest call.
Json CurveOf(const Histogram& latency) {
  Json curve = Json::array();
  for (double above = 1; latency.count() > 0; above *= 0.8) {
    curve.push_back({1 - above, Milliseconds(latency.Percentile(1 - above))});
    if (above * static_cast<double>(latency.count()) < 1) break;
  }
  return curve;
}

Json SeriesOf(const LoadTally& tally) {
  Json series = Json::array();
  double begin = 0;
  for (const IntervalTally& interval : tally.intervals()) {
    series.push_back({{"t_s", begin},
                      {"answered", interval.latency.count()},
                      {"failed", interval.errors},
                      {"p50_ms", Milliseconds(interval.latency.Percentile(0.5))},
                      {"p99_ms", Milliseconds(interval.latency.Percentile(0.99))},
                      {"max_ms", Milliseconds(interval.latency.max())}});
    begin += Seconds(tally.interval());
  }
  return series;
}

Json KindJson(const LoadReport& report, size_t part) {
  const LoadTally& tally = report.counts.kinds[part];
  return {{"kind", report.options.mix[part].Name()},
          {"share", report.options.mix[part].share},
          {"answered", tally.answered()},
          {"failed", tally.failed()},
          {"unsent", tally.unsent()},
          {"calls_per_s", static_cast<double>(tally.answered()) / report.seconds},
          {"items_per_s", static_cast<double>(tally.items()) / report.seconds},
          {"refused_points", tally.refused_points()},
          {"latency_ms", PercentilesMs(tally.latency())},
          {"errors", ErrorsOf(tally)},
          {"coverage", CoverageOf(tally)},
          {"recall", Ratio(tally.true_found(), tally.true_wanted())},
          {"recall_sample", tally.true_wanted() / report.options.search.k},
          {"series", SeriesOf(tally)},
          {"curve", CurveOf(tally.latency())}};
}

Json LagJson(const Histogram& lag) {
  return {{"p50", Milliseconds(lag.Percentile(0.5))},
          {"p99", Milliseconds(lag.Percentile(0.99))},
          {"max", Milliseconds(lag.max())}};
}

Json ConfigJson(const LoadOptions& options) {
  Json mix = Json::object();
  for (const MixPart& part : options.mix) mix[part.Name()] = part.share;
  Json config = {{"endpoint", options.endpoint},
                 {"collection", options.collection},
                 {"queries", options.queries},
                 {"truth", options.truth},
                 {"loop", options.closed == 0 ? "open" : "closed"},
                 {"mix", std::move(mix)},
                 {"rate", options.rate},
                 {"arrivals", options.arrivals == Arrivals::kPoisson ? "poisson" : "constant"},
                 {"closed", options.closed},
                 {"duration_s", Seconds(options.duration)},
                 {"warmup_s", Seconds(options.warmup)},
                 {"connections", options.connections},
                 {"threads", options.threads},
                 {"in_flight_max", options.in_flight_max},
                 {"deadline_ms", options.deadline.count()},
                 {"k", options.search.k},
                 {"exact", options.search.exact},
                 {"min_coverage", options.min_coverage},
                 {"seed", options.seed}};
  config["nprobe"] = options.search.nprobe ? Json(*options.search.nprobe) : Json(nullptr);
  config["target_recall"] =
      options.search.target_recall ? Json(*options.search.target_recall) : Json(nullptr);
  if (options.upsert_vectors.empty()) return config;
  config["upsert_vectors"] = options.upsert_vectors;
  config["upsert_first_id"] = options.upsert_first_id;
  return config;
}

}  // namespace

Json PercentilesMs(const Histogram& latency) {
  return {{"p50", Milliseconds(latency.Percentile(0.50))},
          {"p90", Milliseconds(latency.Percentile(0.90))},
          {"p95", Milliseconds(latency.Percentile(0.95))},
          {"p99", Milliseconds(latency.Percentile(0.99))},
          {"p99_9", Milliseconds(latency.Percentile(0.999))},
          {"max", Milliseconds(latency.max())},
          {"mean", latency.mean() / 1e6}};
}

Json ToJson(const LoadReport& report) {
  Histogram all;
  uint64_t wanted = 0, found = 0, below_one = 0;
  Json kinds = Json::array();
  for (size_t i = 0; i < report.counts.kinds.size(); ++i) {
    const LoadTally& tally = report.counts.kinds[i];
    all.Merge(tally.latency());
    wanted += tally.true_wanted();
    found += tally.true_found();
    below_one += tally.coverage().below_one;
    kinds.push_back(KindJson(report, i));
  }
  Json json = {{"offered_rate", nullptr},
               {"achieved_rate", report.AchievedRate()},
               {"due", report.counts.due},
               {"answered", report.Answered()},
               {"failed", report.Failed()},
               {"seconds", report.seconds},
               {"latency_ms", PercentilesMs(all)},
               {"recall", Ratio(found, wanted)},
               {"coverage_below_one", below_one},
               {"client_lag_ms", LagJson(report.counts.lag)},
               {"client_kept_schedule", report.ClientKeptSchedule()},
               {"client_cores", report.client_cores},
               {"held_back", report.counts.held},
               {"kinds", std::move(kinds)},
               {"config", ConfigJson(report.options)},
               {"served",
                {{"points", report.points},
                 {"dimension", report.dimension},
                 {"index_version", report.serving_version}}},
               {"machine", DescribeMachine()}};
  if (report.options.closed == 0) {
    json["offered_rate"] =
        static_cast<double>(report.counts.due) / Seconds(report.options.duration);
  }
  return json;
}

}  // namespace kith::cli
