#include "index/scan.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "common/vector/metric.h"
#include "index/prefetch.h"

namespace kith::index {
namespace {

constexpr uint32_t kBlockLanes = ListSegment::kBlockLanes;
constexpr size_t kEntries = 256;  // of a sub-space in the query's table
static_assert(kBlockLanes == ByteScan::kLanes);
constexpr size_t kAheadBytes = 8192;  // some 450 vectors: longer than memory takes to answer
// The candidates that are collected, at least, before they are cut.
constexpr uint64_t kCutFloor = 256;
// Lists that are scanned whatever the stop ratio says: the threshold is young.
constexpr uint64_t kFirstLists = 4;
// Lists that show how what passes lies near the query.
constexpr uint64_t kShareLists = 32;
// So many runs before the end of those taken, more lists are: the prefetch must not run dry.
constexpr size_t kRunsAhead = 6;

}  // namespace

void PlaneAScan::Bind(const IndexView& view, const float* query) {
  view_ = &view;
  version_ = view.version;
  query_ = query;
  rows_ = view.rows;
  const bool has_dead = view.tombstones != nullptr && view.tombstones->dead_rows() != 0;
  // What a filter lets through is alive.
  tombstones_ = has_dead && view.allowed.empty() ? view.tombstones : nullptr;
}

void PlaneAScan::MakeTables(std::span<PlaneAScan* const> scans) {
  constexpr size_t kMost = 4;  // whose tables of floats stay near until they are bytes
  const IndexVersion& version = *scans.front()->version_;
  const KernelTable& kernels = ActiveKernels();
  const float factor = version.parameters.metric == Metric::kInnerProduct ? -1.0f : -2.0f;
  const float* queries[kMost];
  float* tables[kMost];
  for (size_t begin = 0; begin < scans.size(); begin += kMost) {
    const size_t count = std::min(kMost, scans.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      PlaneAScan& scan = *scans[begin + i];
      scan.float_table_.resize(version.subspaces() * kEntries);
      queries[i] = scan.query_;
      tables[i] = scan.float_table_.data();
    }
    kernels.lookup_tables(queries, count, version.codebook_columns.data(),
                          version.subspace_begins.data(), version.subspaces(), factor, tables);
    for (PlaneAScan* scan : scans.subspan(begin, count)) scan->MakeByteTable();
  }
}

void PlaneAScan::MakeByteTable() {
  table_.resize(float_table_.size());
  scale_ = ActiveKernels().byte_table(float_table_.data(), version_->subspaces(), table_.data());
  // Rounded down, as every part of what the kernels compare is.
  const float bias_factor = version_->bias_scale / scale_.step * 65'536;
  bias_factor_ = static_cast<uint16_t>(bias_factor < 65'535 ? bias_factor : 65'535);
}

void PlaneAScan::Start(CoarseStep& coarse, const ProbeLimits& limits) {
  coarse_ = &coarse;
  limits_ = limits;
  passing_rows_ = rows_taken_ = first_passing_ = first_rows_ = 0;
  seen_.clear();
  runs_.clear();
  candidates_.Clear();
  known_live_ = 0;
  planned_ = scanned_ = lists_probed_ = 0;
  threshold_ = std::numeric_limits<float>::infinity();
  is_cut_ = false;
  ahead_run_ = ahead_byte_ = 0;
  if (view_->allowed_lists != nullptr) DropEmpty();
  bool more = TakeLists();
  while (more && view_->allowed_lists != nullptr && lists_probed_ < kShareLists) {
    more = TakeLists();
  }
  PrefetchBytes(kAheadBytes);
}

bool PlaneAScan::TakeLists() {
  std::span<const ProbedList> lists = coarse_->More();
  if (view_->allowed_lists != nullptr) {
    if (lists.empty() && limits_.picked < version_->lists()) {
      limits_.picked = kUnlimited;
      coarse_->Pick(kUnlimited);
      DropEmpty();
      std::sort(seen_.begin(), seen_.end());
      lists = coarse_->More();
    }
    return TakeAllowed(lists);
  }
  for (const ProbedList& probe : lists) {
    const auto order = static_cast<uint32_t>(lists_probed_++);
    for (const auto& segment : view_->segments) {
      const ListSegment::List list = segment->list(probe.list);
      if (list.count == 0) continue;
      runs_.push_back({list, probe.list, probe.term, order, nullptr});
    }
  }
  return !lists.empty();
}

// Where a filter picks a region most lists have nothing that passes. To sort them only to pass them
// over took longer than the scan of the others (docs/decisions/0042).
void PlaneAScan::DropEmpty() {
  coarse_->Drop([this](uint32_t list) { return view_->allowed_lists->IsKnownEmpty(list); });
}

// False once enough are taken, or none is left. Lists of which no row passes cost no more than this
// look.
bool PlaneAScan::TakeAllowed(std::span<const ProbedList> lists) {
  for (const ProbedList& probe : lists) {
    if (lists_probed_ >= limits_.lists && passing_rows_ >= limits_.passing_rows) return false;
    TakeAllowed(probe);
  }
  return !lists.empty();
}

// Lists that were picked before come again with all of them.
bool PlaneAScan::IsSeen(uint32_t list) {
  if (limits_.picked == kUnlimited) return std::binary_search(seen_.begin(), seen_.end(), list);
  seen_.push_back(list);
  return false;
}

void PlaneAScan::TakeAllowed(const ProbedList& probe) {
  if (IsSeen(probe.list)) return;
  const size_t before = runs_.size();
  const auto order = static_cast<uint32_t>(lists_probed_);
  for (size_t i = 0; i < view_->segments.size(); ++i) {
    const ListSegment::List list = view_->segments[i]->list(probe.list);
    if (list.count == 0) continue;
    const AllowedLists::List allowed = view_->allowed_lists->Of(i, probe.list);
    if (allowed.passing == 0) continue;
    passing_rows_ += allowed.passing;
    rows_taken_ += list.count;
    runs_.push_back({list, probe.list, probe.term, order, allowed.words});
  }
  if (runs_.size() == before) return view_->allowed_lists->NoteEmpty(probe.list);
  if (++lists_probed_ > kShareLists) return;
  first_passing_ = passing_rows_;
  first_rows_ = rows_taken_;
}

bool PlaneAScan::IsFarEnough(const ScanRun& run, float stop_ratio) const {
  // Ranks under inner product have no sign to multiply.
  return run.order >= kFirstLists && stop_ratio != std::numeric_limits<float>::infinity() &&
         run.term > stop_ratio * threshold_;
}

void PlaneAScan::Scan(const ScanLimits& limits, Expiry& expiry) {
  depth_ = limits.depth;
  bool more = true;
  for (uint32_t run = 0;; ++run) {
    while (more && run + kRunsAhead >= runs_.size()) more = TakeLists();
    if (run >= runs_.size()) break;
    if (IsFarEnough(runs_[run], limits.stop_ratio)) {
      lists_probed_ = run == 0 ? 0 : runs_[run - 1].order + 1;
      break;
    }
    if (expiry.Ask()) {
      // Under a filter not all that were picked are planned.
      while (more && view_->allowed_lists != nullptr) more = TakeLists();
      for (; run < runs_.size(); ++run) planned_ += runs_[run].list.count;
      if (view_->allowed_lists == nullptr) PlanRest();
      break;
    }
    ScanList(run);
    scanned_ += runs_[run].list.count;
  }
  planned_ += scanned_;
  CutAt(depth_);
}

// Lists that were not even sorted when time ran out.
void PlaneAScan::PlanRest() {
  const std::span<const uint32_t> rest = coarse_->Rest();
  for (const uint32_t list : rest) {
    for (const auto& segment : view_->segments) planned_ += segment->list(list).count;
  }
  lists_probed_ += rest.size();
}

uint16_t PlaneAScan::ThresholdAbove(float base) const {
  const float room = (threshold_ - base) / scale_.step;
  // Nor where there is no threshold yet, or a number overflowed: everything passes.
  if (!(room < 65'533)) return 65'535;
  // What floats round is far below two steps.
  return static_cast<uint16_t>(room + 2);
}

void PlaneAScan::ScanList(uint32_t run) {
  const ListSegment::List& list = runs_[run].list;
  const float base = runs_[run].term + version_->bias_min + scale_.minimum_sum;
  // A rank is this and more.
  if (base > threshold_) return;
  const size_t block_bytes = ListSegment::BlockBytes(version_->subspaces(), kBlockLanes);
  // Under a filter candidates are few: the sooner there is a threshold, the fewer rows come this
  // far.
  const uint64_t full = runs_[run].allowed != nullptr ? uint64_t{depth_} + depth_ / 2
                                                      : std::max(uint64_t{depth_} * 2, kCutFloor);
  ByteScan part;
  part.subspaces = version_->subspaces();
  part.table = table_.data();
  part.bias_factor = bias_factor_;
  for (uint32_t first = 0; first < list.count; first += ByteScan::kMaxCount) {
    part.blocks = list.blocks + first / kBlockLanes * block_bytes;
    part.count = std::min(ByteScan::kMaxCount, list.count - first);
    part.threshold = ThresholdAbove(base);
    PrefetchBytes(ListSegment::ListBytes(version_->subspaces(), part.count));
    if (runs_[run].allowed != nullptr) {
      ScanAllowed(run, part, first);
    } else {
      ScanPart(run, part, first);
    }
    if (candidates_.size() >= full) CutAt(depth_);
  }
  if (candidates_.size() > 2 * uint64_t{depth_}) CutAt(depth_);
}

// From the first block of which a vector may be a hit to the last.
void PlaneAScan::ScanAllowed(uint32_t run, ByteScan part, uint32_t first) {
  const uint64_t* const words = runs_[run].allowed + first / kBlockLanes;
  uint32_t begin = 0;
  uint32_t end = (part.count + kBlockLanes - 1) / kBlockLanes;
  while (begin < end && words[begin] == 0) ++begin;
  while (begin < end && words[end - 1] == 0) --end;
  if (begin == end) return;
  part.blocks += begin * ListSegment::BlockBytes(version_->subspaces(), kBlockLanes);
  part.count = std::min(part.count, end * kBlockLanes) - begin * kBlockLanes;
  ScanPart(run, part, first + begin * kBlockLanes);
}

void PlaneAScan::ScanPart(uint32_t run, ByteScan part, uint32_t first) {
  Survivor survivors[ByteScan::kMaxCount];
  const size_t count = ActiveKernels().scan_bytes(part, survivors);
  const float base = runs_[run].term + version_->bias_min + scale_.minimum_sum;
  const uint64_t* const allowed = runs_[run].allowed;
  for (size_t i = 0; i < count; ++i) {
    const Survivor& survivor = survivors[i];
    const uint32_t position = first + survivor.position;
    if (allowed != nullptr && (allowed[position / 64] >> (position % 64) & 1) == 0) continue;
    const float rank = (base + version_->bias_scale * static_cast<float>(survivor.bias)) +
                       scale_.step * static_cast<float>(survivor.sum);
    // Negated, so that a value without order is not lost where nothing may be.
    if (!(rank > threshold_)) {
      candidates_.Add({OrderedRank(rank), run, position});
    }
  }
}

void PlaneAScan::PrefetchRows(size_t begin) const {
  for (size_t i = begin; i < candidates_.size(); ++i) {
    const Candidate candidate = candidates_[i];
    __builtin_prefetch(runs_[candidate.run].list.rows + candidate.position);
  }
}

// Their row numbers lie far apart: all are fetched before the first is looked at.
void PlaneAScan::DropDead() {
  if (tombstones_ != nullptr) {
    PrefetchRows(known_live_);
    candidates_.DropIf(known_live_, [this](const Candidate& candidate) {
      return tombstones_->IsDead(RowOf(candidate));
    });
  }
  known_live_ = candidates_.size();
}

void PlaneAScan::CutAt(uint32_t depth) {
  DropDead();
  if (candidates_.size() <= depth) return;
  is_cut_ = true;
  // Equal to it is let in: its key may be the smaller one.
  threshold_ = Keep(depth);
  known_live_ = candidates_.size();
}

// Its codes lie a cache line apart, but the scan came by not long ago.
float PlaneAScan::RankInFloats(const Candidate& candidate) const {
  const ScanRun& run = runs_[candidate.run];
  const uint32_t subspaces = version_->subspaces();
  const auto place = ListSegment::PlaceOf(subspaces, run.list.count, candidate.position);
  const uint8_t* code = run.list.blocks + place.code;
  const float* table = float_table_.data();
  float sums[4] = {};
  for (uint32_t m = 0; m < subspaces; ++m, code += place.stride, table += kEntries) {
    sums[m % 4] += table[*code];
  }
  uint16_t bias;
  std::memcpy(&bias, run.list.blocks + place.bias, sizeof(bias));
  const float base =
      run.term + version_->bias_min + version_->bias_scale * static_cast<float>(bias);
  return base + ((sums[0] + sums[2]) + (sums[1] + sums[3]));
}

float PlaneAScan::Keep(uint32_t depth) {
  if (candidates_.size() <= depth) return std::numeric_limits<float>::infinity();
  // Keys lie in the row file, far away: looked at only where a tie is cut.
  return candidates_.Keep(depth, [this](const Candidate& a, const Candidate& b) {
    return rows_.Key(RowOf(a)) < rows_.Key(RowOf(b));
  });
}

void PlaneAScan::GiveBack(size_t entries) {
  if (candidates_.memory_bytes() > entries * 16) candidates_.GiveBackMemory();
}

void PlaneAScan::PrefetchBytes(size_t bytes) {
  while (ahead_run_ < runs_.size()) {
    const ListSegment::List& list = runs_[ahead_run_].list;
    const size_t end = ListSegment::ListBytes(version_->subspaces(), list.count);
    const size_t stop = std::min(end, ahead_byte_ + bytes);
    bytes -= stop - ahead_byte_;
    for (; ahead_byte_ < stop; ahead_byte_ += kCacheLineBytes) {
      // Into the second level: this far ahead the first would lose it again.
      __builtin_prefetch(list.blocks + ahead_byte_, 0, 2);
    }
    if (ahead_byte_ < end) return;
    ++ahead_run_;
    ahead_byte_ = 0;
  }
}

}  // namespace kith::index
