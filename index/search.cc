#include "index/search.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>

#include "index/search_pass.h"

namespace kith::index {
namespace {

// Queries whose steps take turns. Their scores, tables and the lists that are on their way fit the
// second level of the cache.
constexpr size_t kLanes = 8;

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

// The coarse step of all of them, its time shared out.
void ScoreLists(Passes passes) {
  const auto begin = std::chrono::steady_clock::now();
  std::array<CoarseStep*, kLanes> steps;
  for (size_t i = 0; i < passes.size(); ++i) {
    passes[i]->BindCoarse();
    steps[i] = &passes[i]->coarse();
  }
  CoarseStep::Score({steps.data(), passes.size()});
  const auto time = std::chrono::steady_clock::now() - begin;
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
  for (auto& pass : passes) pass->work().coarse_ns += static_cast<uint64_t>(ns) / passes.size();
}

// While one is scanned the first lists of the next one are on their way, and what the one before
// looks at again.
void RunIndexed(Passes passes) {
  ScoreLists(passes);
  passes[0]->PickLists();
  for (size_t i = 0; i < passes.size(); ++i) {
    if (i + 1 < passes.size()) passes[i + 1]->PickLists();
    passes[i]->Scan();
    if (i > 0) passes[i - 1]->Rank();
  }
  passes.back()->Rank();
}

}  // namespace

struct SearchWorkspace::State {
  std::array<SearchLane, kLanes> lanes;
};

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
  coarse_ns += other.coarse_ns;
  scan_ns += other.scan_ns;
  refine_ns += other.refine_ns;
  rerank_ns += other.rerank_ns;
}

Status SearchBatch(const QueryBatch& batch, const SearchOptions& options,
                   SearchWorkspace& workspace, std::span<SearchAnswer> answers) {
  if (Status status = CheckOptions(batch.view, options); !status.ok()) return status;
  std::array<std::optional<SearchPass>, kLanes> lanes;
  for (size_t begin = 0; begin < answers.size(); begin += kLanes) {
    const Passes passes = std::span(lanes).first(std::min(kLanes, answers.size() - begin));
    for (size_t i = 0; i < passes.size(); ++i) {
      passes[i].emplace(batch.view, options, workspace.state().lanes[i], answers[begin + i]);
      const Status status = passes[i]->Bind(batch.Vector(begin + i));
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

Status Search(const Query& query, const SearchOptions& options, SearchWorkspace& workspace,
              SearchAnswer& answer) {
  answer.hits.clear();
  answer.work = {};
  return SearchBatch({query.view, query.vector, 0}, options, workspace, {&answer, 1});
}

}  // namespace kith::index
