#include "index/search_pass.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "index/flat.h"

namespace kith::index {
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

}  // namespace

void SearchLane::GiveBackLarge() {
  constexpr size_t kEntries = 1 << 20;  // kept for the next search: some 16 MiB of each
  scan.GiveBack(kEntries);
  top.GiveBack(kEntries);
  if (rows.capacity() > kEntries) std::vector<uint32_t>().swap(rows);
}

uint64_t SearchLane::scratch_bytes() const {
  return scan.scratch_bytes() + top.scratch_bytes() + rows.capacity() * sizeof(uint32_t);
}

Status SearchPass::Bind(const void* vector) {
  answer_.hits.clear();
  work_ = {};
  if (Status status = lane_.query.Bind(view_, vector); !status.ok()) return status;
  lane_.top.Reset(view_.rows, options_.limit, options_.rank_bound);
  if (options_.after.has_value()) lane_.top.BeginAfter(*options_.after);
  return {};
}

void SearchPass::Exact() {
  CompareFlat(0, {});
  // Counted only where time ran out: under a filter it takes a look at every row's bit.
  work_.codes_planned =
      expiry_.Ask() ? FlatScan::LiveRows(view_, 0, view_.rows.row_end) : work_.rows_exact;
}

// A depth that could not even fill the answer is raised to the limit.
uint32_t SearchPass::Depth(uint32_t wanted) const { return std::max(wanted, options_.limit); }

// How many times the share of all rows that passes is the share in the lists that were taken first:
// 1 where a filter has nothing to do with the vectors, more where it picks a region. 0: not asked.
double SearchPass::Crowding() const {
  if (options_.passing_share == 0 || view_.allowed_lists == nullptr) return 0;
  return lane_.scan.passing_share() / options_.passing_share;
}

// Neighbours that pass and lie far apart are told apart by plane A with fewer candidates. In a
// region that the filter picks all of them may be about as far from the query, and it takes more
// (docs/decisions/0042).
uint32_t SearchPass::RefineDepth() const {
  const double crowding = Crowding();
  if (crowding == 0) return Depth(options_.refine);
  // Near the query more than elsewhere, or less: both say that the filter goes by the vectors.
  const double bias = std::max(crowding, 1 / std::max(crowding, 0.01));
  const double factor = bias * bias * bias * std::sqrt(options_.passing_share);
  const double refine = std::clamp(factor, 0.25, 4.0) * static_cast<double>(options_.refine);
  return Depth(static_cast<uint32_t>(std::min<double>(refine, kUnlimited)));
}

// To a query outside of the region that a filter picks all its lists are about as far: none is left
// out by how far it is.
float SearchPass::StopRatio() const {
  constexpr double kRegion = 2;
  const bool has_distances = view_.version->parameters.metric != Metric::kInnerProduct;
  return has_distances && Crowding() <= kRegion ? options_.stop_ratio
                                                : std::numeric_limits<float>::infinity();
}

// Under a filter the scan takes as many as it needs, and asks for all where these do not do. With
// groups of lists they cannot be picked a second time.
uint32_t SearchPass::PickedLists() const {
  constexpr uint32_t kTimes = 8;
  constexpr uint32_t kLeast = 256;
  if (view_.allowed_lists == nullptr) return options_.nprobe;
  const bool has_groups = view_.version->group_codes.centroids() != 0;
  const uint32_t lists = view_.version->lists();
  // Few are left once those of which nothing passes are taken away.
  const bool are_few = view_.allowed_lists->known_empty() > lists / 2;
  if (has_groups || are_few || options_.nprobe >= lists / kTimes) return kUnlimited;
  return std::max(options_.nprobe * kTimes, kLeast);
}

// What is compared exactly beside the lists.
void SearchPass::PlanFlatRows() {
  work_.codes_planned = FlatScan::LiveRows(view_, view_.indexed_end, view_.rows.row_end);
  for (const auto& segment : view_.segments) {
    work_.codes_planned += FlatScan::LiveRows(view_, segment->side_rows());
  }
}

void SearchPass::BindSteps() {
  lane_.coarse.Bind(*view_.version, lane_.query.decoded());
  lane_.scan.Bind(view_, lane_.query.decoded());
}

void SearchPass::PickLists() {
  Laps laps;
  PlanFlatRows();
  const uint32_t picked = PickedLists();
  if (view_.allowed_lists != nullptr) lane_.coarse.OrderByScore();
  lane_.coarse.Pick(picked);
  laps.Add(work_.coarse_ns);
  lane_.scan.Start(lane_.coarse, {options_.nprobe, options_.passing_rows, picked});
  laps.Add(work_.scan_ns);
}

SearchPass::FilteredScan SearchPass::PlanFilteredScan() {
  lane_.scan.TakeAll();
  return {lane_.scan.runs(), {RefineDepth(), StopRatio()}};
}

void SearchPass::Scan() {
  Laps laps;
  lane_.scan.Scan({RefineDepth(), StopRatio()}, expiry_);
  work_.lists_probed = lane_.scan.lists_probed();
  work_.rows_scanned = work_.codes_done = lane_.scan.scanned();
  work_.codes_planned += lane_.scan.planned();
  Refiner(view_, lane_.query, lane_.scan.runs()).PrefetchFirst(lane_.scan.candidates());
  laps.Add(work_.scan_ns);
}

void SearchPass::Rank() {
  RankCandidates();
  std::vector<uint32_t>& side_rows = lane_.rows;
  side_rows.clear();
  for (const auto& segment : view_.segments) {
    side_rows.insert(side_rows.end(), segment->side_rows().begin(), segment->side_rows().end());
  }
  CompareFlat(view_.indexed_end, side_rows);
}

// From candidates of plane A to exact ranks in the top k.
void SearchPass::RankCandidates() {
  Laps laps;
  Candidates& candidates = lane_.scan.candidates();
  Refiner refiner(view_, lane_.query, lane_.scan.runs());
  const size_t found = candidates.size();
  const uint32_t rerank = Depth(options_.rerank);
  const PlaneB kind = view_.version->parameters.plane_b;
  const bool raw = kind == PlaneB::kRawU8;
  is_cut_ = lane_.scan.is_cut() || (!raw && found > rerank);
  if (raw) {
    refiner.RankRaw(candidates, expiry_);
    work_.rows_refined = candidates.size();
  } else if (found > rerank) {  // fewer would all be kept: plane B could not change the answer
    if (kind == PlaneB::kPackedResidual) {
      refiner.RankPacked(lane_.scan, expiry_, lane_.refine);
    } else {
      refiner.RankResidual(candidates, expiry_, lane_.refine);
    }
    work_.rows_refined = candidates.size();
  }
  // Candidates that time did not reach were scanned in vain.
  work_.codes_done -= found - candidates.size();
  if (raw) {
    OfferCandidates(candidates);
    laps.Add(work_.refine_ns);
    return;
  }
  lane_.scan.Keep(rerank);
  laps.Add(work_.refine_ns);
  Rerank(candidates);
  laps.Add(work_.rerank_ns);
}

void SearchPass::NoteWithin(uint64_t within, uint64_t compared) {
  work_.rows_within += within;
  work_.crowded = is_cut_ && within * 2 > compared ? 1 : 0;
}

// Of exact ranks. Those of a later page are not among the nearest.
void SearchPass::OfferCandidates(const Candidates& candidates) {
  uint64_t within = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    within += candidates.rank(i) <= options_.rank_bound;
  }
  NoteWithin(within, candidates.size());
  if (!options_.after.has_value()) lane_.scan.Keep(options_.limit);
  lane_.scan.PrefetchRows();
  for (size_t i = 0; i < candidates.size(); ++i) {
    lane_.top.Offer(candidates.rank(i), lane_.scan.RowOf(candidates[i]));
  }
}

void SearchPass::Rerank(const Candidates& candidates) {
  lane_.rows.clear();
  lane_.scan.PrefetchRows();
  for (size_t i = 0; i < candidates.size(); ++i) {
    lane_.rows.push_back(lane_.scan.RowOf(candidates[i]));
  }
  FlatScan flat(view_, lane_.query, expiry_, lane_.top);
  flat.CompareCandidates(lane_.rows);
  work_.rows_reranked = flat.compared();
  NoteWithin(flat.within(), flat.compared());
  work_.codes_done -= candidates.size() - flat.compared();
}

void SearchPass::CompareFlat(uint32_t begin, std::span<const uint32_t> side_rows) {
  Laps laps;
  FlatScan flat(view_, lane_.query, expiry_, lane_.top);
  flat.CompareRows(side_rows);
  flat.CompareRange(begin, view_.rows.row_end);
  work_.rows_exact = flat.compared();
  work_.rows_within += flat.within();
  work_.codes_done += flat.compared();
  laps.Add(work_.scan_ns);
}

void SearchPass::Take() {
  lane_.top.Take(answer_.hits);
  lane_.GiveBackLarge();
}

}  // namespace kith::index
