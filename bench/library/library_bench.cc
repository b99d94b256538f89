// The engine in a process of its own, as a library: what bench/peers compares with other libraries.
//
//   kith_library_bench build --base F --cache DIR [--lists N] [--subspaces M] [--plane-b-bytes B]
//   [--threads N] kith_library_bench serve --cache DIR --queries F --truth F [--threads T] [--batch
//   B]
//
// `build` trains, encodes, leaves the index in DIR and prints {"build_s": ...}. `serve` opens it,
// prints one line about itself, and answers one JSON object a line:
//
//   {"do": "measure", "first": 0, "count": 2000,
//    "parameters": {"nprobe": 60, "refine": 160, "rerank": 40}}  ->  {"recall": ..., "qps": ...}
//   {"do": "memory"}  ->  {"bytes": in memory now, "empty_bytes": before the index was opened}
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <limits>
#include <string>

#include <CLI/CLI.hpp>

#include "bench/library/engine_session.h"
#include "bench/library/timed_search.h"
#include "cli/console/json_output.h"
#include "cli/data/neighbour_file.h"
#include "cli/data/vector_reader.h"
#include "common/base/status.h"

namespace kith::bench {
namespace {

using cli::Json;

struct Arguments {
  std::string base;
  std::string cache;
  std::string queries;
  std::string truth;
  EngineShape shape;
  TimedSearch::Setting setting;
};

// Anonymous bytes and the mapped ones that were touched.
uint64_t ResidentBytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  std::string word;
  while (file >> word) {
    uint64_t kilobytes = 0;
    if (word == "Rss:" && file >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

absl::Status Build(const Arguments& arguments) {
  constexpr uint64_t kAll = std::numeric_limits<uint32_t>::max();
  KITH_ASSIGN_OR_RETURN(const cli::VectorMatrix base, cli::LoadVectors(arguments.base, kAll));
  KITH_ASSIGN_OR_RETURN(const double seconds,
                        EngineSession::Build(base, arguments.shape, arguments.cache));
  std::cout << Json{{"build_s", seconds}}.dump() << std::endl;
  return absl::OkStatus();
}

// Takes the value of `name` where it is given.
absl::Status Read(const Json& from, const char* name, uint32_t& into) {
  const auto at = from.find(name);
  if (at == from.end()) return absl::OkStatus();
  if (!at->is_number_unsigned()) {
    return absl::InvalidArgumentError(fmt::format("{}: is not a whole number from 0 on", name));
  }
  into = at->get<uint32_t>();
  return absl::OkStatus();
}

absl::Status ReadStopRatio(const Json& from, float& into) {
  const auto at = from.find("stop_ratio");
  if (at == from.end()) return absl::OkStatus();
  if (!at->is_number() || !(at->get<float>() >= 0)) {
    return absl::InvalidArgumentError("stop_ratio: is not a number from 0 on");
  }
  into = at->get<float>();
  return absl::OkStatus();
}

absl::Status CheckNames(const Json& parameters) {
  for (const auto& [name, value] : parameters.items()) {
    if (name != "nprobe" && name != "refine" && name != "rerank" && name != "stop_ratio") {
      return absl::InvalidArgumentError(
          fmt::format("parameters: \"{}\" is none of nprobe, refine, rerank, stop_ratio", name));
    }
  }
  return absl::OkStatus();
}

// Answers requests, one at a time.
class Server {
 public:
  Server(TimedSearch& search, uint64_t queries, uint64_t empty_bytes)
      : search_(search), queries_(queries), empty_bytes_(empty_bytes) {}

  absl::StatusOr<Json> Answer(const std::string& line) {
    const Json request = Json::parse(line, nullptr, false);
    if (!request.is_object()) return absl::InvalidArgumentError("a request is one JSON object");
    const std::string wanted = request.value("do", "");
    if (wanted == "measure") return Measure(request);
    if (wanted == "memory") {
      return Json{{"bytes", ResidentBytes()}, {"empty_bytes", empty_bytes_}};
    }
    return absl::InvalidArgumentError("do: is neither \"measure\" nor \"memory\"");
  }

 private:
  absl::StatusOr<Json> Measure(const Json& request) {
    OperatingPoint point;
    TimedSearch::Range range{0, static_cast<uint32_t>(queries_)};
    KITH_RETURN_IF_ERROR(Read(request, "first", range.first));
    KITH_RETURN_IF_ERROR(Read(request, "count", range.count));
    if (range.count == 0 || uint64_t{range.first} + range.count > queries_) {
      return absl::InvalidArgumentError(
          fmt::format("first, count: the file has {} queries", queries_));
    }
    const Json parameters = request.value("parameters", Json::object());
    KITH_RETURN_IF_ERROR(CheckNames(parameters));
    KITH_RETURN_IF_ERROR(Read(parameters, "nprobe", point.nprobe));
    KITH_RETURN_IF_ERROR(Read(parameters, "refine", point.refine));
    KITH_RETURN_IF_ERROR(Read(parameters, "rerank", point.rerank));
    KITH_RETURN_IF_ERROR(ReadStopRatio(parameters, point.stop_ratio));
    KITH_ASSIGN_OR_RETURN(const TimedSearch::Outcome outcome, search_.Run(point, range));
    return Json{{"recall", outcome.recall}, {"qps", outcome.qps}};
  }

  TimedSearch& search_;
  const uint64_t queries_;
  const uint64_t empty_bytes_;
};

absl::Status CheckFiles(const EngineSession& session, const cli::VectorMatrix& queries,
                        const cli::NeighbourTable& truth, uint32_t k) {
  const cli::FileShape& wanted = session.query_shape();
  if (queries.shape.dimension != wanted.dimension ||
      queries.shape.element_type != wanted.element_type) {
    return absl::InvalidArgumentError("--queries: not the dimension or elements of the index");
  }
  if (truth.queries != queries.rows || truth.depth < k) {
    return absl::InvalidArgumentError(
        fmt::format("--truth: has {} rows of {} neighbours, expected {} of {} or more",
                    truth.queries, truth.depth, queries.rows, k));
  }
  return absl::OkStatus();
}

absl::Status Serve(const Arguments& arguments) {
  constexpr uint64_t kAll = std::numeric_limits<uint32_t>::max();
  KITH_ASSIGN_OR_RETURN(const cli::VectorMatrix queries, cli::LoadVectors(arguments.queries, kAll));
  KITH_ASSIGN_OR_RETURN(const cli::NeighbourTable truth, cli::ReadNeighbours(arguments.truth));
  const uint64_t empty_bytes = ResidentBytes();
  KITH_ASSIGN_OR_RETURN(const auto session, EngineSession::Open(arguments.cache));
  KITH_RETURN_IF_ERROR(CheckFiles(*session, queries, truth, arguments.setting.k));
  TimedSearch search(*session, queries, truth, arguments.setting);
  std::cout << Json{{"description", session->Description()}, {"points", session->points()}}.dump()
            << std::endl;
  Server server(search, queries.rows, empty_bytes);
  for (std::string line; std::getline(std::cin, line);) {
    const absl::StatusOr<Json> answer = server.Answer(line);
    const Json said =
        answer.ok() ? *answer : Json{{"error", std::string(answer.status().message())}};
    std::cout << said.dump() << std::endl;
  }
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  CLI::App app("kith_library_bench: the engine as a library, for bench/peers");
  app.require_subcommand(1);
  Arguments arguments;
  CLI::App* build = app.add_subcommand("build", "Train, encode and keep an index");
  build->add_option("--base", arguments.base, "A file of vectors")->required();
  build->add_option("--cache", arguments.cache, "Folder for the index")->required();
  build->add_option("--lists", arguments.shape.lists, "0: as the engine chooses");
  build->add_option("--subspaces", arguments.shape.subspaces, "0: as the engine chooses");
  build->add_option("--plane-b-bytes", arguments.shape.plane_b_bytes, "0: one a dimension");
  build->add_option("--threads", arguments.shape.threads, "Of training and encoding")
      ->check(CLI::Range(1, 1024));
  CLI::App* serve = app.add_subcommand("serve", "Measure an index, as standard input asks");
  serve->add_option("--cache", arguments.cache, "Folder of the index")->required();
  serve->add_option("--queries", arguments.queries, "A file of vectors")->required();
  serve->add_option("--truth", arguments.truth, "Their true neighbours")->required();
  serve->add_option("--threads", arguments.setting.threads, "Searching")
      ->check(CLI::Range(1, 1024));
  serve->add_option("--batch", arguments.setting.batch, "Queries a call")
      ->check(CLI::Range(1, 1 << 20));
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = build->parsed() ? Build(arguments) : Serve(arguments);
  if (status.ok()) return 0;
  std::cerr << "kith_library_bench: " << status.message() << "\n";
  return 1;
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) { return kith::bench::Main(argc, argv); }
