#ifndef KITH_CLI_BENCH_RECALL_REPORT_H_
#define KITH_CLI_BENCH_RECALL_REPORT_H_

#include <ostream>
#include <string>
#include <vector>

#include "cli/bench/recall_bench.h"
#include "cli/console/json_output.h"

namespace kith::cli {

struct RecallRow {
  RecallBenchOptions options;
  RecallReport report;
};

// One row a target, with what it cost.
void PrintRecallTable(const std::vector<RecallRow>& rows, std::ostream& out);
// {"rows": [...], "machine": {...}}.
Json RecallTableJson(const std::vector<RecallRow>& rows);
// Queries a second and latency against recall.
std::string RecallSvg(const std::vector<RecallRow>& rows);

}  // namespace kith::cli

#endif  // KITH_CLI_BENCH_RECALL_REPORT_H_
