#include "index/scan.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "common/vector/metric.h"
#include "index/kernels/kernel_table.h"
#include "index/prefetch.h"

namespace kith::index {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr uint32_t kLanes = ListSegment::kBlockLanes;
constexpr size_t kAheadBytes = 8192;  // some 370 vectors: longer than memory takes to answer

struct BlockBias {
  const uint16_t* codes;
  float scale;
  float base;  // of the list: its term and the smallest bias
};

// Ranks of a block's vectors in place of their table sums; how many reach the threshold.
uint32_t AddBias(const BlockBias& bias, std::span<float> sums, float threshold) {
  uint32_t reached = 0;
  for (size_t i = 0; i < sums.size(); ++i) {
    sums[i] = (bias.base + bias.scale * static_cast<float>(bias.codes[i])) + sums[i];
    // Negated, so that a value without order is not lost where nothing may be.
    reached += !(sums[i] > threshold);
  }
  return reached;
}

}  // namespace

void PlaneAScan::Prepare(const IndexView& view, std::span<const ProbedList> probes,
                         const float* query) {
  version_ = view.version;
  rows_ = view.rows;
  tombstones_ =
      view.tombstones != nullptr && view.tombstones->dead_rows() != 0 ? view.tombstones : nullptr;
  runs_.clear();
  candidates_.clear();
  planned_ = scanned_ = 0;
  threshold_ = kInfinity;
  ahead_run_ = ahead_byte_ = 0;
  for (const ProbedList& probe : probes) {
    for (const auto& segment : view.segments) {
      const ListSegment::List list = segment->list(probe.list);
      if (list.count == 0) continue;
      runs_.push_back({list, probe.list, probe.term});
      planned_ += list.count;
    }
  }
  // Under way while the table is built.
  PrefetchBytes(kAheadBytes);
  const float scale = version_->parameters.metric == Metric::kInnerProduct ? -1.0f : -2.0f;
  table_.resize(size_t{version_->subspaces()} * 256);
  ActiveKernels().lookup_table(query, version_->codebooks.data(), version_->subspace_begins.data(),
                               version_->subspaces(), version_->dimension(), scale, table_.data());
}

void PlaneAScan::Scan(uint32_t depth, Expiry& expiry) {
  for (uint32_t run = 0; run < runs_.size() && !expiry.Ask(); ++run) {
    ScanList(run, depth);
    scanned_ += runs_[run].list.count;
  }
  CutAt(depth);
}

void PlaneAScan::ScanList(uint32_t run, uint32_t depth) {
  const uint64_t full = uint64_t{depth} * 3 + kLanes;
  const uint32_t blocks = (runs_[run].list.count + kLanes - 1) / kLanes;
  for (uint32_t block = 0; block < blocks; ++block) {
    PrefetchBytes(ListSegment::BlockBytes(version_->subspaces(), kLanes));
    ScanBlock(run, block);
    if (candidates_.size() >= full) CutAt(depth);
  }
}

void PlaneAScan::ScanBlock(uint32_t run, uint32_t block) {
  const ListSegment::List& list = runs_[run].list;
  const uint32_t subspaces = version_->subspaces();
  const uint32_t count = std::min(kLanes, list.count - block * kLanes);
  const uint32_t lanes = ListSegment::LanesOf(list.count, block);
  const uint8_t* codes = list.blocks + block * ListSegment::BlockBytes(subspaces, kLanes);
  const auto* bias = reinterpret_cast<const uint16_t*>(codes + size_t{lanes} * subspaces);
  const auto* rows = reinterpret_cast<const uint32_t*>(bias + lanes);

  alignas(64) float ranks[kLanes];
  ActiveKernels().scan_block(codes, lanes, subspaces, table_.data(), ranks);
  const float base = runs_[run].term + version_->bias_min;
  // Padding lanes are left out here: only `count` lanes are ever looked at.
  const BlockBias block_bias = {bias, version_->bias_scale, base};
  if (AddBias(block_bias, {ranks, count}, threshold_) == 0) return;
  uint8_t reached[kLanes];
  uint32_t survivors = 0;
  for (uint32_t i = 0; i < count; ++i) {
    reached[survivors] = static_cast<uint8_t>(i);
    survivors += !(ranks[i] > threshold_);
  }
  for (uint32_t i = 0; i < survivors; ++i) {
    const uint32_t lane = reached[i];
    if (tombstones_ != nullptr && tombstones_->IsDead(rows[lane])) continue;
    candidates_.push_back({OrderedRank(ranks[lane]), rows[lane], run, block * kLanes + lane});
  }
}

void PlaneAScan::CutAt(uint32_t depth) {
  if (candidates_.size() <= depth) return;
  Keep(depth);
  // Equal to it is let in: its key may be the smaller one.
  threshold_ = candidates_.back().rank;
}

void PlaneAScan::Keep(uint32_t depth) {
  if (candidates_.size() <= depth) return;
  const auto last = candidates_.begin() + (depth - 1);
  std::nth_element(candidates_.begin(), last, candidates_.end(),
                   [](const Candidate& a, const Candidate& b) { return a.rank < b.rank; });
  const float rank = last->rank;
  const auto is_tied = [rank](const Candidate& candidate) { return candidate.rank == rank; };
  // Keys lie in the row file, far away: looked at only where a tie is cut.
  if (std::any_of(last + 1, candidates_.end(), is_tied)) {
    const auto ties = std::partition(candidates_.begin(), last,
                                     [rank](const Candidate& c) { return c.rank < rank; });
    const auto ties_end = std::partition(last + 1, candidates_.end(), is_tied);
    std::nth_element(ties, last, ties_end, [this](const Candidate& a, const Candidate& b) {
      return rows_.Key(a.row) < rows_.Key(b.row);
    });
  }
  candidates_.resize(depth);
}

void PlaneAScan::GiveBack(size_t entries) {
  if (candidates_.capacity() > entries) std::vector<Candidate>().swap(candidates_);
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
