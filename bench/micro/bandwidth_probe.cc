// How far a search is from what this machine's memory gives. Prints, as tables of Markdown, what
// one and two threads read a second, what a query of an index made by `kith_library_bench build`
// touches, and what that comes to in its time.
//
//   kith_bandwidth_probe [--cache DIR --queries F [--nprobe N] [--refine N] [--rerank N]
//       [--stop-ratio X] [--k N] [--batch N] [--rounds N] [--count N]] [--no-machine]
//
// A figure of speed is the best of several rounds: other work on the machine only slows them.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/library/engine_session.h"
#include "bench/micro/memory_speed.h"
#include "cli/data/vector_reader.h"
#include "common/base/status.h"
#include "index/kernels/kernel_table.h"
#include "index/search.h"

namespace kith::bench {
namespace {

struct Arguments {
  std::string cache;
  std::string queries;
  index::SearchOptions options;
  uint32_t batch = 1;
  uint32_t rounds = 9;
  uint32_t count = 2000;
  bool machine = true;
};

void PrintMachine() {
  constexpr size_t kMemory = size_t{1} << 30;
  constexpr size_t kThirdLevel = size_t{8} << 20;
  fmt::print("| read, GB/s | one thread | two threads |\n|---|---|---|\n");
  const auto row = [](const std::string& what, auto read) {
    fmt::print("| {} | {:.1f} | {:.1f} |\n", what, read(1u) / 1e9, read(2u) / 1e9);
  };
  row("memory, 1 GiB a thread in order",
      [&](uint32_t threads) { return ReadInOrder({kMemory, threads}); });
  row("memory, 128 bytes at random of 1 GiB",
      [&](uint32_t threads) { return ReadAtRandom({kMemory, threads}, 128); });
  row("third level of the cache, 8 MiB a thread in order",
      [&](uint32_t threads) { return ReadInOrder({kThirdLevel, threads}); });
  fmt::print("\n");
}

// Nanoseconds a query.
struct Speed {
  double whole = std::numeric_limits<double>::infinity();
  double coarse = 0;
  double scan = 0;
  double refine = 0;
  double rerank = 0;
  double keys = 0;  // what a shard does with hits: row numbers become keys
};

class Probe {
 public:
  Probe(const EngineSession& session, const cli::VectorMatrix& queries, const Arguments& arguments)
      : session_(session),
        queries_(queries),
        arguments_(arguments),
        answers_(std::min<size_t>(arguments.count, queries.rows)) {}

  absl::Status Run() {
    for (uint32_t round = 0; round <= arguments_.rounds; ++round) {
      KITH_ASSIGN_OR_RETURN(const Speed speed, Round());
      // The first one warms the caches.
      if (round > 0 && speed.whole + speed.keys < best_.whole + best_.keys) best_ = speed;
    }
    PrintStages();
    PrintBytes();
    return absl::OkStatus();
  }

 private:
  using Clock = std::chrono::steady_clock;

  double count() const { return static_cast<double>(answers_.size()); }
  const index::IndexVersion& version() const { return *session_.view().version; }
  double Each(uint64_t total) const { return static_cast<double>(total) / count(); }
  double Since(Clock::time_point begin) const {
    return std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / count();
  }

  absl::StatusOr<Speed> Round() {
    const index::IndexView& view = session_.view();
    Speed speed;
    speed.whole = speed.keys = 0;
    work_ = {};
    for (size_t i = 0; i < answers_.size(); i += arguments_.batch) {
      const size_t some = std::min<size_t>(arguments_.batch, answers_.size() - i);
      const auto answers = std::span(answers_).subspan(i, some);
      const auto begin = Clock::now();
      const index::Status status =
          index::SearchBatch({view, queries_.Row(i), queries_.shape.row_bytes()},
                             arguments_.options, workspace_, answers);
      if (!status.ok()) return absl::InternalError(status.message());
      speed.whole += Since(begin);
      const auto found = Clock::now();
      for (const index::SearchAnswer& answer : answers) {
        for (const index::Hit& hit : answer.hits) key_sum_ += view.rows.Key(hit.row).bytes[15];
      }
      speed.keys += Since(found);
      for (const index::SearchAnswer& answer : answers) work_.Add(answer.work);
    }
    speed.coarse = Each(work_.coarse_ns);
    speed.scan = Each(work_.scan_ns);
    speed.refine = Each(work_.refine_ns);
    speed.rerank = Each(work_.rerank_ns);
    return speed;
  }

  void PrintStages() const {
    const double whole = best_.whole + best_.keys;
    fmt::print("{} points, {}; {} queries a call: {:.2f} us a query\n\n", session_.points(),
               session_.Description(), arguments_.batch, whole / 1000);
    fmt::print("| stage | us | share |\n|---|---|---|\n");
    const auto row = [&](const char* what, double ns) {
      fmt::print("| {} | {:.2f} | {:.1f}% |\n", what, ns / 1000, 100 * ns / whole);
    };
    row("lists chosen", best_.coarse);
    row("plane A, with the query's table", best_.scan);
    row("plane B", best_.refine);
    row("stored vectors compared", best_.rerank);
    row("keys of the hits", best_.keys);
    row("the rest", best_.whole - best_.coarse - best_.scan - best_.refine - best_.rerank);
    fmt::print("\n");
  }

  void PrintBytes() const {
    const double dimension = version().dimension();
    const double points = session_.points();
    const double code = version().subspaces() + 2;
    const double stride = session_.view().rows.stride;
    fmt::print("| read | bytes a query | of MB in all | GB/s in its stage |\n|---|---|---|---|\n");
    double all = 0;
    const auto row = [&](const char* what, double bytes, double of, double ns) {
      fmt::print("| {} | {:.0f} | {:.1f} | {:.1f} |\n", what, bytes, of / 1e6,
                 ns > 0 ? bytes / ns : 0);
      all += bytes;
    };
    const double lists = version().lists() * (dimension + 4);
    const double columns = 256 * dimension * sizeof(float);
    row("codes of centroids", lists / SharedBy(), lists, best_.coarse);
    row("codebooks", columns, columns, best_.scan);
    row("plane A and biases", code * Each(work_.rows_scanned), code * points, best_.scan);
    row("plane B", dimension * Each(work_.rows_refined), dimension * points, best_.refine);
    row("stored vectors", stride * Each(work_.rows_reranked), stride * points, best_.rerank);
    fmt::print("| all, of the whole query | {:.0f} | | {:.1f} |\n", all,
               all / (best_.whole + best_.keys));
    fmt::print("\nlists {:.1f}, scanned {:.0f}, refined {:.0f}, re-ranked {:.0f} a query\n\n",
               Each(work_.lists_probed), Each(work_.rows_scanned), Each(work_.rows_refined),
               Each(work_.rows_reranked));
  }

  // Queries of a call that share a pass over the centroids (index/search.cc).
  double SharedBy() const { return std::min<double>(arguments_.batch, 8); }

  const EngineSession& session_;
  const cli::VectorMatrix& queries_;
  const Arguments& arguments_;
  std::vector<index::SearchAnswer> answers_;
  index::SearchWorkspace workspace_;
  index::SearchWork work_;
  Speed best_;
  uint64_t key_sum_ = 0;  // so that the keys are read
};

absl::Status Measure(const Arguments& arguments) {
  if (arguments.machine) PrintMachine();
  if (arguments.cache.empty()) return absl::OkStatus();
  constexpr uint64_t kAll = std::numeric_limits<uint32_t>::max();
  KITH_ASSIGN_OR_RETURN(const cli::VectorMatrix queries, cli::LoadVectors(arguments.queries, kAll));
  KITH_ASSIGN_OR_RETURN(const auto session, EngineSession::Open(arguments.cache));
  if (queries.shape.dimension != session->query_shape().dimension ||
      queries.shape.element_type != session->query_shape().element_type) {
    return absl::InvalidArgumentError("--queries: not the dimension or elements of the index");
  }
  return Probe(*session, queries, arguments).Run();
}

int Main(int argc, char** argv) {
  CLI::App app("kith_bandwidth_probe: a search beside what memory gives");
  Arguments arguments;
  index::SearchOptions& options = arguments.options;
  auto* cache = app.add_option("--cache", arguments.cache, "Folder of an index");
  app.add_option("--queries", arguments.queries, "A file of vectors")->needs(cache);
  app.add_option("--k", options.limit, "Neighbours")->check(CLI::PositiveNumber);
  app.add_option("--nprobe", options.nprobe, "Lists at most")->check(CLI::PositiveNumber);
  app.add_option("--refine", options.refine, "Candidates of plane A");
  app.add_option("--rerank", options.rerank, "Candidates of plane B");
  app.add_option("--stop-ratio", options.stop_ratio, "Early termination")
      ->check(CLI::PositiveNumber);
  app.add_option("--batch", arguments.batch, "Queries a call")->check(CLI::PositiveNumber);
  app.add_option("--rounds", arguments.rounds, "Of all queries")->check(CLI::PositiveNumber);
  app.add_option("--count", arguments.count, "Queries")->check(CLI::PositiveNumber);
  app.add_flag("!--no-machine", arguments.machine, "Leave the machine's own figures out");
  CLI11_PARSE(app, argc, argv);
  if (!arguments.cache.empty() && arguments.queries.empty()) {
    std::cerr << "kith_bandwidth_probe: --queries: name the file of queries\n";
    return 1;
  }
  const absl::Status status = Measure(arguments);
  if (status.ok()) return 0;
  std::cerr << "kith_bandwidth_probe: " << status.message() << "\n";
  return 1;
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) { return kith::bench::Main(argc, argv); }
