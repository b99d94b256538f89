#include "index/coarse.h"

#include <algorithm>
#include <limits>

#include "common/vector/metric.h"
#include "index/kernels/kernel_table.h"

namespace kith::index {
namespace {

constexpr int32_t kNever = std::numeric_limits<int32_t>::max();
// A query that stops early needs some 30 lists; sorting them is quicker than sorting all.
constexpr size_t kFirstLists = 32;
constexpr size_t kMoreLists = 64;

int32_t ScoreOf(uint64_t key) { return static_cast<int32_t>((key >> 32) ^ 0x80000000u); }
uint32_t ListOf(uint64_t key) { return static_cast<uint32_t>(key); }

}  // namespace

void CoarseStep::ScoreLists() {
  const CentroidCodes& codes = version_->centroid_codes;
  code_.resize(codes.width());
  exact_ = false;
  BytePanels panels;
  if (version_->parameters.metric == Metric::kInnerProduct) {
    codes.EncodeDirection(query_, code_.data());
    panels = codes.product_panels();
  } else {
    exact_ = codes.EncodePoint(query_, code_.data()) && codes.exact();
    if (exact_) offset_ = codes.DistanceOffset(code_.data());
    panels = codes.distance_panels();
  }
  scores_.resize(panels.panels * BytePanels::kLanes);
  ActiveKernels().panel_scores(panels, code_.data(), scores_.data());
}

int32_t CoarseStep::SampledCut(uint32_t nprobe) {
  constexpr size_t kSample = 256;
  const size_t lists = version_->lists();
  if (lists < 4 * kSample || uint64_t{nprobe} * 4 > lists) return kNever;
  const size_t step = lists / kSample;
  sample_.resize(kSample);
  for (size_t i = 0; i < kSample; ++i) sample_[i] = scores_[i * step];
  // Half as many again as wanted, and some for the sample's own scatter: too few costs a second
  // pass, too many a longer sort.
  const size_t rank = std::min(kSample - 1, size_t{nprobe} * 3 / 2 * kSample / lists + 6);
  std::nth_element(sample_.begin(), sample_.begin() + static_cast<ptrdiff_t>(rank), sample_.end());
  return sample_[rank];
}

void CoarseStep::Collect(uint32_t nprobe) {
  keys_.resize(scores_.size());
  picked_ = ActiveKernels().collect_scores(scores_.data(), version_->lists(), SampledCut(nprobe),
                                           keys_.data());
  if (picked_ < nprobe) {
    picked_ =
        ActiveKernels().collect_scores(scores_.data(), version_->lists(), kNever, keys_.data());
  }
}

void CoarseStep::Begin(const IndexVersion& version, const float* query, uint32_t nprobe) {
  version_ = &version;
  query_ = query;
  handed_out_ = 0;
  nprobe = std::min(nprobe, version.lists());
  ScoreLists();
  Collect(nprobe);
  if (picked_ > nprobe) {
    // Only the first lists are sorted now; which others come at all is settled when they do, unless
    // they are few.
    std::nth_element(keys_.begin(), keys_.begin() + nprobe - 1,
                     keys_.begin() + static_cast<ptrdiff_t>(picked_));
    picked_ = nprobe;
  }
}

std::span<const ProbedList> CoarseStep::More() {
  const size_t count = std::min(picked_ - handed_out_, handed_out_ == 0 ? kFirstLists : kMoreLists);
  some_.resize(count);
  if (count == 0) return {};
  const auto begin = keys_.begin() + static_cast<ptrdiff_t>(handed_out_);
  const auto last = begin + static_cast<ptrdiff_t>(count) - 1;
  std::nth_element(begin, last, keys_.begin() + static_cast<ptrdiff_t>(picked_));
  ComputeTerms();
  std::sort(some_.begin(), some_.end(), [](const ProbedList& a, const ProbedList& b) {
    return a.term != b.term ? a.term < b.term : a.list < b.list;
  });
  handed_out_ += count;
  return some_;
}

void CoarseStep::ComputeTerms() {
  const uint64_t* keys = keys_.data() + handed_out_;
  if (exact_) {
    for (size_t i = 0; i < some_.size(); ++i) {
      const uint32_t list = ListOf(keys[i]);
      const int64_t distance = version_->centroid_codes.Distance(offset_, ScoreOf(keys[i]), list);
      some_[i] = {static_cast<float>(distance), list};
    }
    return;
  }
  const bool product = version_->parameters.metric == Metric::kInnerProduct;
  const auto kernel = product ? ActiveKernels().ip_f32 : ActiveKernels().l2_f32;
  const void* centroids[kMoreLists];
  float terms[kMoreLists];
  for (size_t i = 0; i < some_.size(); ++i) centroids[i] = version_->Centroid(ListOf(keys[i]));
  kernel(query_, centroids, some_.size(), version_->dimension(), terms);
  // Values that overflowed have no order, and sorting needs one.
  for (size_t i = 0; i < some_.size(); ++i) {
    some_[i] = {OrderedRank(product ? -terms[i] : terms[i]), ListOf(keys[i])};
  }
}

std::vector<uint32_t> CoarseStep::Rest() const {
  std::vector<uint32_t> lists;
  for (size_t i = handed_out_; i < picked_; ++i) lists.push_back(ListOf(keys_[i]));
  return lists;
}

std::vector<ProbedList> CoarseStep::Nearest(const IndexVersion& version, const float* query,
                                            uint32_t nprobe) {
  Begin(version, query, nprobe);
  std::vector<ProbedList> all;
  for (auto some = More(); !some.empty(); some = More()) {
    all.insert(all.end(), some.begin(), some.end());
  }
  std::sort(all.begin(), all.end(), [](const ProbedList& a, const ProbedList& b) {
    return a.term != b.term ? a.term < b.term : a.list < b.list;
  });
  return all;
}

}  // namespace kith::index
