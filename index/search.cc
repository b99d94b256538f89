#include "index/search.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "index/coarse.h"
#include "index/exact_query.h"
#include "index/expiry.h"
#include "index/flat.h"
#include "index/refine.h"
#include "index/scan.h"
#include "index/top_k.h"

namespace kith::index {

struct SearchWorkspace::State {
  ExactQuery query;
  TopK top;
  CoarseStep coarse;
  PlaneAScan scan;
  Refiner::Scratch refine;
  std::vector<uint32_t> rows;  // to compare exactly

  // One deep search must not hold its memory for as long as the thread lives.
  void GiveBackLarge() {
    constexpr size_t kEntries = 1 << 20;  // kept for the next search: some 16 MiB of each
    scan.GiveBack(kEntries);
    top.GiveBack(kEntries);
    if (rows.capacity() > kEntries) std::vector<uint32_t>().swap(rows);
  }
};

SearchWorkspace::SearchWorkspace() : state_(std::make_unique<State>()) {}
SearchWorkspace::~SearchWorkspace() = default;

uint64_t SearchWorkspace::scratch_bytes() const {
  return state_->scan.scratch_bytes() + state_->top.scratch_bytes() +
         state_->rows.capacity() * sizeof(uint32_t);
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

namespace {

// Adds the time since the last lap to a stage.
class Laps {
 public:
  void Add(uint64_t& stage_ns) {
    const auto now = std::chrono::steady_clock::now();
    stage_ns += static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_).count());
    last_ = now;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

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

// One search, step by step.
class Pass {
 public:
  Pass(const IndexView& view, const SearchOptions& options, SearchWorkspace::State& state,
       SearchWork& work)
      : view_(view), options_(options), state_(state), work_(work), expiry_(options.expired) {}

  // Every live row.
  void Exact() {
    work_.codes_planned = FlatScan::LiveRows(view_, 0, view_.rows.row_end);
    CompareFlat(0, {});
  }

  // The probed lists, then the rows that have no code: nearest first, so that time running out
  // costs least.
  void Indexed() {
    PlanFlatRows();
    ChooseLists();
    Scan();
    RankCandidates();
    std::vector<uint32_t>& side_rows = state_.rows;
    side_rows.clear();
    for (const auto& segment : view_.segments) {
      side_rows.insert(side_rows.end(), segment->side_rows().begin(), segment->side_rows().end());
    }
    CompareFlat(view_.indexed_end, side_rows);
  }

 private:
  // A depth that could not even fill the answer is raised to the limit.
  uint32_t Depth(uint32_t wanted) const { return std::max(wanted, options_.limit); }

  // What is compared exactly beside the lists.
  void PlanFlatRows() {
    work_.codes_planned = FlatScan::LiveRows(view_, view_.indexed_end, view_.rows.row_end);
    for (const auto& segment : view_.segments) {
      work_.codes_planned += FlatScan::LiveRows(view_, segment->side_rows());
    }
  }

  void ChooseLists() {
    state_.coarse.Begin(*view_.version, state_.query.decoded(), options_.nprobe);
    laps_.Add(work_.coarse_ns);
  }

  void Scan() {
    state_.scan.Prepare(view_, state_.coarse, state_.query.decoded());
    const bool has_distances = view_.version->parameters.metric != Metric::kInnerProduct;
    constexpr float kNever = std::numeric_limits<float>::infinity();
    state_.scan.Scan({Depth(options_.refine), has_distances ? options_.stop_ratio : kNever},
                     expiry_);
    work_.lists_probed = state_.scan.lists_probed();
    work_.rows_scanned = work_.codes_done = state_.scan.scanned();
    work_.codes_planned += state_.scan.planned();
    laps_.Add(work_.scan_ns);
  }

  // From candidates of plane A to exact ranks in the top k.
  void RankCandidates() {
    Candidates& candidates = state_.scan.candidates();
    Refiner refiner(view_, state_.query, state_.scan.runs());
    const size_t found = candidates.size();
    const uint32_t rerank = Depth(options_.rerank);
    const bool raw = view_.version->parameters.plane_b == PlaneB::kRawU8;
    if (raw) {
      refiner.RankRaw(candidates, expiry_);
      work_.rows_refined = candidates.size();
    } else if (found > rerank) {  // fewer would all be kept: plane B could not change the answer
      refiner.RankResidual(candidates, expiry_, state_.refine);
      work_.rows_refined = candidates.size();
    }
    // Candidates that time did not reach were scanned in vain.
    work_.codes_done -= found - candidates.size();
    if (raw) return OfferCandidates(candidates);
    state_.scan.Keep(rerank);
    laps_.Add(work_.refine_ns);
    Rerank(candidates);
  }

  // Of exact ranks.
  void OfferCandidates(const Candidates& candidates) {
    state_.scan.Keep(options_.limit);
    state_.scan.PrefetchRows();
    for (size_t i = 0; i < candidates.size(); ++i) {
      state_.top.Offer(candidates.rank(i), state_.scan.RowOf(candidates[i]));
    }
    laps_.Add(work_.refine_ns);
  }

  void Rerank(const Candidates& candidates) {
    state_.rows.clear();
    state_.scan.PrefetchRows();
    for (size_t i = 0; i < candidates.size(); ++i) {
      state_.rows.push_back(state_.scan.RowOf(candidates[i]));
    }
    FlatScan flat(view_, state_.query, expiry_, state_.top);
    flat.CompareCandidates(state_.rows);
    work_.rows_reranked = flat.compared();
    work_.codes_done -= candidates.size() - flat.compared();
    laps_.Add(work_.rerank_ns);
  }

  void CompareFlat(uint32_t begin, std::span<const uint32_t> side_rows) {
    FlatScan flat(view_, state_.query, expiry_, state_.top);
    flat.CompareRows(side_rows);
    flat.CompareRange(begin, view_.rows.row_end);
    work_.rows_exact = flat.compared();
    work_.codes_done += flat.compared();
    laps_.Add(work_.scan_ns);
  }

  const IndexView& view_;
  const SearchOptions& options_;
  SearchWorkspace::State& state_;
  SearchWork& work_;
  Expiry expiry_;
  Laps laps_;
};

}  // namespace

Status Search(const Query& query, const SearchOptions& options, SearchWorkspace& workspace,
              SearchAnswer& answer) {
  answer.hits.clear();
  answer.work = {};
  const IndexView& view = query.view;
  SearchWorkspace::State& state = workspace.state();
  if (Status status = CheckOptions(view, options); !status.ok()) return status;
  if (Status status = state.query.Bind(view, query.vector); !status.ok()) return status;
  state.top.Reset(view.rows, options.limit, options.rank_bound);
  Pass pass(view, options, state, answer.work);
  if (options.exact || view.version == nullptr) {
    pass.Exact();
  } else {
    pass.Indexed();
  }
  state.top.Take(answer.hits);
  state.GiveBackLarge();
  return {};
}

}  // namespace kith::index
