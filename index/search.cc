#include "index/search.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>

#include "index/query_order.h"
#include "index/search_pass.h"

namespace kith::index {
namespace {

// Queries whose steps take turns. Their scores, tables and the lists that are on their way fit the
// second level of the cache.
constexpr size_t kSearchLanes = 8;

Status CheckOptions(const IndexView& view, const SearchOptions& options) {
  if (options.limit == 0) {
    return {Code::kInvalidArgument, "LIMIT_ZERO", "limit: is 0; ask for at least one hit"};
  }
  if (options.nprobe == 0 && !options.exact && view.version != nullptr) {
    return {Code::kInvalidArgument, "NPROBE_ZERO", "nprobe: is 0; probe at least one list"};
  }
  if (!(options.stop_ratio > 0)) {
    return {Code::kInvalidArgument, "STOP_RATIO_NOT_POSITIVE",
            "stop_ratio: is not above 0; leave it out to scan all probed lists"};
  }
  if (std::isnan(options.rank_bound)) {
    return {Code::kInvalidArgument, "RANK_BOUND_NOT_A_NUMBER",
            "rank_bound: is not a number; leave it out for no bound"};
  }
  return {};
}

using Passes = std::span<std::optional<SearchPass>>;

// Does what they do at once and shares its time out to a stage of each.
template <typename Step>
void ForAll(Passes passes, uint64_t SearchWork::*stage_ns, Step step) {
  const auto begin = std::chrono::steady_clock::now();
  step();
  const auto time = std::chrono::steady_clock::now() - begin;
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
  for (auto& pass : passes) pass->work().*stage_ns += static_cast<uint64_t>(ns) / passes.size();
}

// While one is scanned the first lists of the next one are on their way, and what the one before
// looks at again; while the tables are made, the first lists of the first one.
void RunIndexed(Passes passes) {
  std::array<CoarseStep*, kSearchLanes> coarse;
  std::array<PlaneAScan*, kSearchLanes> scans;
  for (size_t i = 0; i < passes.size(); ++i) {
    coarse[i] = &passes[i]->coarse();
    scans[i] = &passes[i]->scan();
  }
  ForAll(passes, &SearchWork::coarse_ns, [&] {
    for (auto& pass : passes) pass->BindSteps();
    CoarseStep::Score({coarse.data(), passes.size()});
  });
  passes[0]->PickLists();
  ForAll(passes, &SearchWork::scan_ns, [&] {
    PlaneAScan::MakeTables({scans.data(), passes.size()});
  });
  for (size_t i = 0; i < passes.size(); ++i) {
    if (i + 1 < passes.size()) passes[i + 1]->PickLists();
    passes[i]->Scan();
    if (i > 0) passes[i - 1]->Rank();
  }
  passes.back()->Rank();
}

// Of queries [begin, begin + count) of a batch.
struct Run {
  const QueryBatch& batch;
  size_t begin;
  size_t count;
};

// Fewer queries than this lie too far apart to share anything.
constexpr size_t kOrdered = 4 * kSearchLanes;
// Queries that are ordered together.
constexpr size_t kMostOrdered = 1024;

// Decides in which order the run's queries are answered; the first that is refused refuses all.
Status Arrange(const Run& run, const SearchOptions& options, ExactQuery& query, QueryOrder& order) {
  const IndexView& view = run.batch.view;
  const bool exact = options.exact || view.version == nullptr;
  if (run.count < kOrdered || exact || view.version->landmarks.count() == 0) {
    order.Plain(run.count);
    return {};
  }
  order.Begin(view.version->landmarks);
  for (size_t i = 0; i < run.count; ++i) {
    const Status status = query.Bind(view, run.batch.Vector(run.begin + i));
    if (!status.ok()) return status;
    order.Add(query.decoded());
  }
  order.End();
  return {};
}

}  // namespace

struct SearchWorkspace::State {
  std::array<SearchLane, kSearchLanes> lanes;
  QueryOrder order;

  // Answers the queries of a run in their order.
  Status Answer(const Run& run, const SearchOptions& options, SearchAnswer* answers);
};

Status SearchWorkspace::State::Answer(const Run& run, const SearchOptions& options,
                                      SearchAnswer* answers) {
  if (Status status = Arrange(run, options, lanes[0].query, order); !status.ok()) return status;
  std::array<std::optional<SearchPass>, kSearchLanes> turns;
  for (size_t begin = 0; begin < run.count; begin += kSearchLanes) {
    const Passes passes = std::span(turns).first(std::min(kSearchLanes, run.count - begin));
    for (size_t i = 0; i < passes.size(); ++i) {
      const size_t query = order[begin + i];
      passes[i].emplace(run.batch.view, options, lanes[i], answers[query]);
      const Status status = passes[i]->Bind(run.batch.Vector(run.begin + query));
      if (!status.ok()) return status;
    }
    if (passes[0]->is_exact()) {
      for (auto& pass : passes) pass->Exact();
    } else {
      RunIndexed(passes);
    }
    for (auto& pass : passes) pass->Take();
  }
  return {};
}

SearchWorkspace::SearchWorkspace() : state_(std::make_unique<State>()) {}
SearchWorkspace::~SearchWorkspace() = default;

uint64_t SearchWorkspace::scratch_bytes() const {
  uint64_t bytes = 0;
  for (const SearchLane& lane : state_->lanes) bytes += lane.scratch_bytes();
  return bytes;
}

void SearchWork::Add(const SearchWork& other) {
  lists_probed += other.lists_probed;
  rows_scanned += other.rows_scanned;
  rows_exact += other.rows_exact;
  rows_refined += other.rows_refined;
  rows_reranked += other.rows_reranked;
  codes_planned += other.codes_planned;
  codes_done += other.codes_done;
  rows_within += other.rows_within;
  crowded += other.crowded;
  coarse_ns += other.coarse_ns;
  scan_ns += other.scan_ns;
  refine_ns += other.refine_ns;
  rerank_ns += other.rerank_ns;
}

Status SearchBatch(const QueryBatch& batch, const SearchOptions& options,
                   SearchWorkspace& workspace, std::span<SearchAnswer> answers) {
  if (Status status = CheckOptions(batch.view, options); !status.ok()) return status;
  for (size_t begin = 0; begin < answers.size(); begin += kMostOrdered) {
    const Run run = {batch, begin, std::min(kMostOrdered, answers.size() - begin)};
    const Status status = workspace.state().Answer(run, options, &answers[begin]);
    if (!status.ok()) return status;
  }
  return {};
}

Status Search(const Query& query, const SearchOptions& options, SearchWorkspace& workspace,
              SearchAnswer& answer) {
  answer.hits.clear();
  answer.work = {};
  return SearchBatch({query.view, query.vector, 0}, options, workspace, {&answer, 1});
}

}  // namespace kith::index
