#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/gpu/made_collection.h"
#include "bench/gpu/parts.h"
#include "bench/gpu/seconds.h"
#include "index/gpu/card_asker.h"
#include "index/gpu/card_finisher.h"
#include "index/parallel.h"

namespace kith::bench {
namespace {

using index::Status;
using index::gpu::CardAnswer;
using index::gpu::CardQuestion;

constexpr uint32_t kQueries = MadePoints::kQueries;
constexpr uint32_t kNeighbours = 10;

int Threads() { return static_cast<int>(std::max(1u, std::thread::hardware_concurrency())); }

struct HostRun {
  index::SearchOptions options;
  int threads = 1;
};

Status SearchHost(const MadeCollection& made, const HostRun& run, Hits& hits) {
  constexpr uint32_t kQueriesOfChunk = 50;
  const index::IndexView view = made.View();
  hits.resize(kQueries);
  std::vector<Status> statuses(kQueries / kQueriesOfChunk);
  const auto work = [&](size_t chunk) {
    index::SearchWorkspace workspace;
    const auto begin = static_cast<uint32_t>(chunk) * kQueriesOfChunk;
    for (uint32_t i = begin; i < begin + kQueriesOfChunk && statuses[chunk].ok(); ++i) {
      index::SearchAnswer answer;
      statuses[chunk] = Search({view, made.points->query(i)}, run.options, workspace, answer);
      hits[i] = std::move(answer.hits);
    }
  };
  index::ForEachChunk(run.threads, statuses.size(), work, [](size_t) { return true; });
  for (Status& status : statuses) {
    if (!status.ok()) return std::move(status);
  }
  return {};
}

struct CardRun {
  index::SearchOptions options;
  uint32_t batch = 0;
};

Status SearchCard(index::gpu::ResidentIndex& index, const MadeCollection& made, const CardRun& run,
                  Hits& hits) {
  const auto& [options, batch] = run;
  index::SearchWorkspace workspace;
  index::gpu::CardAsker asker;
  index::gpu::CardFinisher finisher(workspace);
  const index::IndexView view = made.View();
  const index::gpu::CardScope scope = ScopeOf(index, view);
  hits.resize(kQueries);
  for (uint32_t begin = 0; begin < kQueries; begin += batch) {
    const uint32_t some = std::min(batch, kQueries - begin);
    std::vector<CardQuestion> questions;
    for (uint32_t i = 0; i < some; ++i) {
      questions.push_back({made.points->query(begin + i), &options});
    }
    std::vector<CardAnswer> answers(some);
    Status status = asker.Ask(index, {view, scope}, questions, answers);
    for (uint32_t i = 0; i < some && status.ok(); ++i) {
      index::SearchAnswer answer;
      status = finisher.Finish({view, scope}, questions[i], answers[i], answer);
      hits[begin + i] = std::move(answer.hits);
    }
    if (!status.ok()) return status;
  }
  return {};
}

// A batch of all queries that is begun and finished while others are.
struct Round {
  std::vector<CardAnswer> answers{kQueries};
  uint64_t ticket = 0;
};

// Searches a second of batches, one after the other: while the card runs one, the threads of the
// host rank the hits of the one before by their stored vectors.
index::Result<double> RateOf(index::gpu::ResidentIndex& index, const MadeCollection& made,
                             const index::SearchOptions& options) {
  constexpr uint32_t kRounds = 20;
  constexpr uint32_t kQueriesOfChunk = 25;
  const index::IndexView view = made.View();
  const index::gpu::CardScope scope = ScopeOf(index, view);
  std::vector<CardQuestion> questions;
  for (uint32_t i = 0; i < kQueries; ++i) questions.push_back({made.points->query(i), &options});
  std::array<Round, 2> rounds;
  index::gpu::CardAsker asker;
  const auto finish = [&](const Round& round) {
    const auto work = [&](size_t chunk) {
      index::SearchWorkspace workspace;
      index::gpu::CardFinisher finisher(workspace);
      index::SearchAnswer answer;
      for (size_t i = chunk * kQueriesOfChunk; i < (chunk + 1) * kQueriesOfChunk; ++i) {
        (void)finisher.Finish({view, scope}, questions[i], round.answers[i], answer);
      }
    };
    index::ForEachChunk(Threads(), kQueries / kQueriesOfChunk, work, [](size_t) { return true; });
  };
  const auto begin = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i <= kRounds; ++i) {
    if (i < kRounds) {
      Round& round = rounds[i % 2];
      const auto begun = asker.Begin(index, {view, scope}, questions, round.answers);
      if (!begun.ok()) return begun.status();
      round.ticket = *begun;
    }
    if (i == 0) continue;
    const Round& before = rounds[(i - 1) % 2];
    if (Status status = asker.Await(before.ticket); !status.ok()) return status;
    finish(before);
  }
  return kRounds * kQueries / SecondsSince(begin);
}

// A point of the curve that other libraries are compared with.
struct AtRecall {
  uint32_t nprobe = 0;
  double recall = 0;
  double rate = 0;
};

Status MeasureProbes(index::gpu::ResidentIndex& index, const MadeCollection& made, AtRecall& at,
                     Report& report) {
  const uint32_t nprobe = at.nprobe;
  index::SearchOptions options;
  options.limit = kNeighbours;
  options.nprobe = nprobe;
  Hits host;
  Hits card;
  const std::string name = std::to_string(nprobe) + " lists: ";
  auto begin = std::chrono::steady_clock::now();
  if (Status status = SearchHost(made, {options, 1}, host); !status.ok()) return status;
  report.Add({"recall", name + "CPU, one thread", kQueries / SecondsSince(begin), "queries/s"});
  for (const uint32_t batch : {1u, kQueries}) {
    begin = std::chrono::steady_clock::now();
    const Status status = SearchCard(index, made, {options, batch}, card);
    if (!status.ok()) return status;
    report.Add({"recall", name + "card and one host thread, batch " + std::to_string(batch),
                kQueries / SecondsSince(begin), "queries/s"});
  }
  const index::Result<double> rate = RateOf(index, made, options);
  if (!rate.ok()) return rate.status();
  at.rate = *rate;
  at.recall = ShareFound(card, made.truth);
  report.Add({"recall", name + "card and all host threads, batch 1000", at.rate, "queries/s"});
  report.Add({"recall", name + "recall@10 of the CPU", ShareFound(host, made.truth), ""});
  report.Add({"recall", name + "recall@10 of the card", at.recall, ""});
  report.Add({"recall", name + "ids that agree", ShareFound(card, host), ""});
  return {};
}

struct IndexShape {
  uint32_t lists = 0;
  double vector_bytes = 0;  // on the card
};

bool WriteCurve(const std::vector<AtRecall>& curve, const IndexShape& shape,
                const std::string& folder) {
  std::ofstream file(folder + "/kith.tsv");
  for (const AtRecall& at : curve) {
    file << at.nprobe << '\t' << at.recall << '\t' << at.rate << '\t' << shape.lists << '\t'
         << shape.vector_bytes << '\n';
  }
  file.close();
  return file.good();
}

}  // namespace

Status MeasureRecall(index::gpu::Card& card, const PartOptions& options, Report& report) {
  const auto count = static_cast<uint32_t>(
      options.points != 0 ? std::min<uint64_t>(options.points, 20'000'000) : 1'000'000);
  MadeCollection made;
  if (Status status = MakeCollection(count, report, made); !status.ok()) return status;
  index::gpu::ResidentOptions room;
  room.load = index::gpu::LoadOf(made.segments, made.version->lists(), 0);
  room.threads = Threads();
  auto begin = std::chrono::steady_clock::now();
  auto index = index::gpu::ResidentIndex::Create(card, made.version, room);
  if (!index.ok()) return index.status();
  for (index::Result<bool> more = true; more.ok() && *more;) {
    more = (*index)->Step(made.segments);
    if (!more.ok()) return more.status();
  }
  report.Add({"recall", "load of the card, rows a second", count / SecondsSince(begin), "rows/s"});
  index::SearchOptions exact;
  exact.exact = true;
  begin = std::chrono::steady_clock::now();
  if (Status status = SearchHost(made, {exact, Threads()}, made.truth); !status.ok()) return status;
  report.Add({"recall", "exact search on the host", SecondsSince(begin), "s"});
  std::vector<AtRecall> curve;
  for (const uint32_t nprobe : {4u, 8u, 16u, 32u, 64u, 128u}) {
    const Status status =
        MeasureProbes(**index, made, curve.emplace_back(AtRecall{nprobe}), report);
    if (!status.ok()) return status;
  }
  if (options.peers_folder.empty()) return {};
  const index::gpu::ResidentMemory memory = (*index)->memory();
  const auto bytes = static_cast<double>(memory.codes + memory.refine + memory.rows);
  if (WriteForPeers(made, options.peers_folder) &&
      WriteCurve(curve, {made.version->lists(), bytes / count}, options.peers_folder)) {
    return {};
  }
  return {index::Code::kResourceExhausted, "FOLDER_NOT_WRITTEN",
          options.peers_folder + " cannot be written"};
}

}  // namespace kith::bench
