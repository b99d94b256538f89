#ifndef KITH_CLI_LOAD_LOAD_REPORT_H_
#define KITH_CLI_LOAD_LOAD_REPORT_H_

#include <string>

#include "cli/console/json_output.h"
#include "cli/load/histogram.h"
#include "cli/load/load_run.h"

namespace kith::cli {

// p50 p90 p95 p99 p99.9 max and mean, in milliseconds.
Json PercentilesMs(const Histogram& latency);
// Everything that a run showed, its configuration and machine. Per kind of call: counts, rates,
// percentiles, errors by code and reason, coverage, recall, a series over time and the curve of the
// percentiles.
Json ToJson(const LoadReport& report);
// A few lines for a person.
std::string ToText(const LoadReport& report);
// Latency over time and the percentile curve.
std::string ToSvg(const LoadReport& report);

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_LOAD_REPORT_H_
