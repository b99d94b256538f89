// The measurements of bench/gpu/run.sh, one part after the other:
//   kith_gpu_bench --parts lookup,scan,search,recall --points N --peers-folder DIR --json FILE
// Ends with 3 where there is no card.
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

#include "bench/gpu/parts.h"

namespace {

struct Arguments {
  std::string parts = "lookup,scan,recall,search";
  std::string json = "gpu.json";
  kith::bench::PartOptions options;
  bool is_valid = true;
};

Arguments Parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (name == "--parts") {
      arguments.parts = value;
    } else if (name == "--json") {
      arguments.json = value;
    } else if (name == "--peers-folder") {
      arguments.options.peers_folder = value;
    } else if (name == "--points") {
      arguments.options.points = std::strtoull(value.c_str(), nullptr, 10);
    } else {
      arguments.is_valid = false;
    }
    if (value.empty()) arguments.is_valid = false;
  }
  return arguments;
}

kith::index::Status Measure(const std::string& part, kith::index::gpu::Card& card,
                            const Arguments& arguments, kith::bench::Report& report) {
  if (part == "lookup") return kith::bench::MeasureLookups(card, report);
  if (part == "scan") return kith::bench::MeasureScan(card, arguments.options, report);
  if (part == "search") return kith::bench::MeasureSearch(card, arguments.options, report);
  if (part == "recall") return kith::bench::MeasureRecall(card, arguments.options, report);
  report.NotRun(part, "this program has no such part");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = Parse(argc, argv);
  if (!arguments.is_valid) {
    std::fprintf(stderr,
                 "usage: kith_gpu_bench --parts lookup,scan,recall,search --points N "
                 "--peers-folder DIR --json FILE\n");
    return 2;
  }
  auto card = kith::index::gpu::OpenCard(0);
  if (!card.ok()) {
    std::fprintf(stderr, "kith_gpu_bench: %s\n", card.status().message().c_str());
    return 3;
  }
  kith::bench::Report report((*card)->report());
  std::stringstream parts(arguments.parts);
  int failed = 0;
  for (std::string part; std::getline(parts, part, ',');) {
    const kith::index::Status status = Measure(part, **card, arguments, report);
    if (status.ok()) continue;
    report.NotRun(part, "it failed: " + status.message());
    failed = 1;
  }
  if (!report.Write(arguments.json)) {
    std::fprintf(stderr, "kith_gpu_bench: %s cannot be written\n", arguments.json.c_str());
    return 1;
  }
  return failed;
}
