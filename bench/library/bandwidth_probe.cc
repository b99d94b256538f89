// How far a search is from what this machine's memory gives. Prints, as tables of Markdown, what
// one and two threads read a second, what a query of an index made by `kith_library_bench build`
// touches, and what that comes to in its time.
//
//   kith_bandwidth_probe [--cache DIR --queries F [--nprobe N] [--refine N] [--rerank N]
//       [--stop-ratio X] [--k N] [--batch N] [--rounds N] [--count N]] [--no-machine]
//
// Figures of speed are the best of several rounds: other work on the machine only slows them.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/library/engine_session.h"
#include "bench/library/memory_speed.h"
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
  uint32_t rounds = 30;
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
  row("memory, 1 GiB a thread in order", [&](uint32_t threads) {
    return ReadInOrder({kMemory, threads});
  });
  row("memory, 128 bytes at random of 1 GiB", [&](uint32_t threads) {
    return ReadAtRandom({kMemory, threads}, 128);
  });
  row("third level of the cache, 8 MiB a thread in order", [&](uint32_t threads) {
    return ReadInOrder({kThirdLevel, threads});
  });
  fmt::print("\n");
}

// Nanoseconds of some queries.
struct Times {
  double whole = std::numeric_limits<double>::infinity();
  double coarse = 0;
  double scan = 0;
  double refine = 0;
  double rerank = 0;
  double keys = 0;  // what a shard does with hits: row numbers become keys

  void Add(const Times& other) {
    whole += other.whole;
    coarse += other.coarse;
    scan += other.scan;
    refine += other.refine;
    rerank += other.rerank;
    keys += other.keys;
  }
};

class Probe {
 public:
  Probe(const EngineSession& session, const cli::VectorMatrix& queries, const Arguments& arguments)
      : session_(session),
        queries_(queries),
        arguments_(arguments),
        answers_(std::min<size_t>(arguments.count, queries.rows)) {}

  absl::Status Run() {
    const size_t run = std::max(kRun, arguments_.batch);
    std::vector<Times> best((answers_.size() + run - 1) / run);
    for (uint32_t round = 0; round <= arguments_.rounds; ++round) {
      work_ = {};
      for (size_t i = 0; i < best.size(); ++i) {
        const size_t first = i * run;
        KITH_ASSIGN_OR_RETURN(const Times times,
                              Ask(first, std::min(run, answers_.size() - first)));
        // The first round warms the caches.
        if (round > 0 && times.whole < best[i].whole) best[i] = times;
      }
    }
    best_.whole = 0;
    for (const Times& times : best) best_.Add(times);
    PrintStages();
    PrintBytes();
    return absl::OkStatus();
  }

 private:
  using Clock = std::chrono::steady_clock;
  // Queries that are timed together: they take less than a turn of the scheduler, so that the best
  // of some rounds is one that nothing else interrupted.
  static constexpr uint32_t kRun = 40;

  const index::IndexVersion& version() const { return *session_.view().version; }
  double Each(double total) const { return total / static_cast<double>(answers_.size()); }
  double Each(uint64_t total) const { return Each(static_cast<double>(total)); }

  absl::StatusOr<Times> Ask(size_t first, size_t count) {
    const index::IndexView& view = session_.view();
    index::SearchWork work;
    Clock::duration keys{};
    const auto begin = Clock::now();
    for (size_t i = first; i < first + count; i += arguments_.batch) {
      const size_t some = std::min<size_t>(arguments_.batch, first + count - i);
      const auto answers = std::span(answers_).subspan(i, some);
      const index::Status status =
          index::SearchBatch({view, queries_.Row(i), queries_.shape.row_bytes()},
                             arguments_.options, workspace_, answers);
      if (!status.ok()) return absl::InternalError(status.message());
      const auto found = Clock::now();
      for (const index::SearchAnswer& answer : answers) {
        for (const index::Hit& hit : answer.hits) key_sum_ += view.rows.Key(hit.row).bytes[15];
        work.Add(answer.work);
      }
      keys += Clock::now() - found;
    }
    const auto nanoseconds = [](Clock::duration time) {
      return std::chrono::duration<double, std::nano>(time).count();
    };
    work_.Add(work);
    return Times{nanoseconds(Clock::now() - begin),   static_cast<double>(work.coarse_ns),
                 static_cast<double>(work.scan_ns),   static_cast<double>(work.refine_ns),
                 static_cast<double>(work.rerank_ns), nanoseconds(keys)};
  }

  void PrintStages() const {
    const double whole = Each(best_.whole);
    fmt::print("{} points, {}; {} queries a call: {:.2f} us a query\n\n", session_.points(),
               session_.Description(), arguments_.batch, whole / 1000);
    fmt::print("| stage | us | share |\n|---|---|---|\n");
    const auto row = [&](const char* what, double ns) {
      fmt::print("| {} | {:.2f} | {:.1f}% |\n", what, ns / 1000, 100 * ns / whole);
    };
    row("lists chosen", Each(best_.coarse));
    row("plane A, with the query's table", Each(best_.scan));
    row("plane B", Each(best_.refine));
    row("stored vectors compared", Each(best_.rerank));
    row("keys of the hits", Each(best_.keys));
    row("the rest",
        Each(best_.whole - best_.coarse - best_.scan - best_.refine - best_.rerank - best_.keys));
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
                 ns > 0 ? bytes / Each(ns) : 0);
      all += bytes;
    };
    const double lists = version().lists() * (dimension + 4);
    const double columns = 256 * dimension * sizeof(float);
    row("codes of centroids", lists / SharedBy(), lists, best_.coarse);
    row("codebooks", columns, columns, best_.scan);
    row("plane A and biases", code * Each(work_.rows_scanned), code * points, best_.scan);
    row("plane B", dimension * Each(work_.rows_refined), dimension * points, best_.refine);
    row("stored vectors", stride * Each(work_.rows_reranked), stride * points, best_.rerank);
    fmt::print("| all, of the whole query | {:.0f} | | {:.1f} |\n", all, all / Each(best_.whole));
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
  Times best_;
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
