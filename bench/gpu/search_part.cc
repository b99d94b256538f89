#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "bench/gpu/made_index.h"
#include "bench/gpu/parts.h"
#include "bench/gpu/seconds.h"

namespace kith::bench {
namespace {

using index::Status;
using index::gpu::BatchLaunch;
using index::gpu::BatchView;
using index::gpu::Card;

struct Batching {
  uint32_t queries;
  uint32_t nprobe;
  bool is_paired = false;  // lists are scanned for two queries at a time
};

BatchLaunch LaunchOf(Card& card, const Batching& batching) {
  BatchLaunch launch;
  const uint32_t blocks = card.report().multiprocessors * 3;
  if (batching.is_paired) {
    launch.pair_blocks = blocks;
  } else {
    launch.slices = std::max(1u, blocks / batching.queries);
  }
  launch.rounds = 2;  // without a stop ratio
  return launch;
}

class Batches {
 public:
  Batches(Card& card, MadeIndex& made, const Batching& batching)
      : card_(card), made_(made), batching_(batching), launch_(LaunchOf(card, batching)) {
    view_ = made.view();
    view_.queries = batching.queries;
    view_.hits_max = 128;
  }
  // Fresh queries, so that no run finds the lists of the one before in a cache.
  void Fill(uint32_t run) {
    for (uint32_t i = 0; i < batching_.queries; ++i) {
      made_.FillQuery(made_.batch(run % 2), i, {batching_.nprobe, run * 65'536 + i});
    }
  }
  Status Start(uint32_t run) {
    index::gpu::HostBatch& batch = made_.batch(run % 2);
    Status status = made_.memory().SendQueries(card_, batch, view_);
    if (status.ok()) status = card_.Run(view_, launch_);
    if (status.ok()) status = made_.memory().FetchResults(card_, view_, batch);
    return status;
  }
  Status RunKernels() { return card_.Run(view_, launch_); }

 private:
  Card& card_;
  MadeIndex& made_;
  const Batching batching_;
  const BatchLaunch launch_;
  BatchView view_;
};

// One batch with its copies, and the kernels alone, back to back.
struct Times {
  double whole = 0;
  double kernels = 0;
};

constexpr uint32_t kRuns = 21;

Status TimeBatch(Card& card, MadeIndex& made, const Batching& batching, Times& times) {
  Batches batches(card, made, batching);
  std::vector<double> whole;
  for (uint32_t run = 0; run < kRuns; ++run) {
    batches.Fill(run);
    const auto begin = std::chrono::steady_clock::now();
    Status status = batches.Start(run);
    if (status.ok()) status = card.Wait();
    if (!status.ok()) return status;
    whole.push_back(SecondsSince(begin));
  }
  std::sort(whole.begin(), whole.end());
  times.whole = whole[kRuns / 2];
  const auto begin = std::chrono::steady_clock::now();
  for (uint32_t run = 0; run < kRuns; ++run) {
    if (Status status = batches.RunKernels(); !status.ok()) return status;
  }
  if (Status status = card.Wait(); !status.ok()) return status;
  times.kernels = SecondsSince(begin) / kRuns;
  return {};
}

// Many queries at once: batches of 1,024, queued one behind the other with their copies.
Status MeasureMany(Card& card, MadeIndex& made, uint32_t nprobe, Report& report) {
  constexpr uint32_t kBatches = 10;
  const Batching batching{1024, nprobe};
  Batches batches(card, made, batching);
  batches.Fill(0);
  batches.Fill(1);
  double least = 0;
  for (int i = 0; i < 3; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    for (uint32_t run = 0; run < kBatches; ++run) {
      if (Status status = batches.Start(run); !status.ok()) return status;
    }
    if (Status status = card.Wait(); !status.ok()) return status;
    const double seconds = SecondsSince(begin);
    least = i == 0 ? seconds : std::min(least, seconds);
  }
  report.Add({"search", "10,240 queries, " + std::to_string(nprobe) + " lists, best of 3: rate",
              kBatches * batching.queries / least, "queries/s"});
  return {};
}

// Batches one after the other, with what the host does for them: by turns, or one encoded while the
// card runs the one before.
Status MeasureOverlap(Card& card, MadeIndex& made, Report& report) {
  constexpr Batching kBatching{1024, 50};
  Batches batches(card, made, kBatching);
  for (const bool is_overlapped : {false, true}) {
    const auto begin = std::chrono::steady_clock::now();
    uint64_t before = 0;
    for (uint32_t run = 0; run < kRuns; ++run) {
      batches.Fill(run);
      if (Status status = batches.Start(run); !status.ok()) return status;
      const auto mark = card.Mark();
      if (!mark.ok()) return mark.status();
      const uint64_t wanted = is_overlapped ? before : *mark;
      if (wanted != 0) {
        if (Status status = card.Await(wanted); !status.ok()) return status;
      }
      before = *mark;
    }
    if (Status status = card.Wait(); !status.ok()) return status;
    report.Add({"search",
                std::string("batch 1024, 50 lists, queries made and encoded by one thread, ") +
                    (is_overlapped ? "beside the card" : "by turns with it"),
                kRuns * kBatching.queries / SecondsSince(begin), "queries/s"});
  }
  return {};
}

struct ListsToProbe {
  uint32_t lists;
  uint32_t probes_max;
};
// From how many visits of a list on it pays to scan it for two queries at a time
// (ResidentOptions::pair_visits).
Status MeasurePairs(Card& card, MadeIndex& made, const ListsToProbe& range, Report& report) {
  constexpr uint32_t kQueries = 1024;
  for (const uint32_t visits : {1u, 2u, 4u, 8u}) {
    const uint32_t nprobe = visits * range.lists / kQueries;
    if (nprobe == 0 || nprobe > range.probes_max) continue;
    for (const bool is_paired : {false, true}) {
      Times times;
      const Status status = TimeBatch(card, made, {kQueries, nprobe, is_paired}, times);
      if (!status.ok()) return status;
      report.Add({"search",
                  "batch 1024, each list wanted " + std::to_string(visits) + " times, " +
                      (is_paired ? "for two queries at a time" : "each query by itself"),
                  kQueries / times.whole, "queries/s"});
    }
  }
  return {};
}

}  // namespace

Status MeasureSearch(Card& card, const PartOptions& options, Report& report) {
  index::gpu::CardLimits limits;
  limits.segments_max = 1;
  const MadeShape shape = ShapeFor(options.points, card.report().free_bytes, limits);
  MadeIndex made;
  const auto begin = std::chrono::steady_clock::now();
  if (Status status = made.Make(card, shape, limits); !status.ok()) return status;
  report.Add({"search", "vectors of 96 dimensions, made on the card",
              static_cast<double>(shape.vectors()), "vectors"});
  report.Add({"search", "lists", static_cast<double>(shape.lists), "lists"});
  report.Add({"search", "time to make them", SecondsSince(begin), "s"});
  for (const uint32_t queries : {1u, 16u, 1024u}) {
    for (const uint32_t nprobe : {16u, 50u, 112u}) {
      Times times;
      const Status status = TimeBatch(card, made, {queries, nprobe}, times);
      if (!status.ok()) return status;
      const std::string name =
          "batch " + std::to_string(queries) + ", " + std::to_string(nprobe) + " lists: ";
      report.Add({"search", name + "whole", times.whole * 1e6, "us"});
      report.Add({"search", name + "kernels, same queries again", times.kernels * 1e6, "us"});
      report.Add({"search", name + "rate", queries / times.whole, "queries/s"});
    }
  }
  for (const uint32_t nprobe : {50u, 112u}) {
    if (Status status = MeasureMany(card, made, nprobe, report); !status.ok()) return status;
  }
  if (Status status = MeasureOverlap(card, made, report); !status.ok()) return status;
  return MeasurePairs(card, made, {shape.lists, limits.probes_max}, report);
}

}  // namespace kith::bench
