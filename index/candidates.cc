#include "index/candidates.h"

#include <algorithm>

#include "index/kernels/kernel_table.h"

namespace kith::index {

void Candidates::Truncate(size_t size) {
  orders_.resize(size);
  places_.resize(size);
}

float Candidates::Keep(size_t depth, const Before& before) {
  const KernelTable& kernels = ActiveKernels();
  const int32_t last = kernels.kth_smallest(orders_.data(), size(), depth);
  const size_t kept = kernels.keep_at_most(orders_.data(), places_.data(), size(), last);
  Truncate(kept);
  if (kept > depth) CutTies(depth, last, before);
  return ValueOf(last);
}

void Candidates::CutTies(size_t depth, int32_t tied, const Before& before) {
  std::vector<Candidate> ties;
  for (size_t i = 0; i < size(); ++i) {
    if (orders_[i] == tied) ties.push_back((*this)[i]);
  }
  DropIf(0, [tied](const Candidate& candidate) { return OrderOf(candidate.rank) == tied; });
  const size_t wanted = depth - size();
  std::nth_element(ties.begin(), ties.begin() + static_cast<ptrdiff_t>(wanted) - 1, ties.end(),
                   before);
  for (size_t i = 0; i < wanted; ++i) Add(ties[i]);
}

void Candidates::GiveBackMemory() {
  std::vector<int32_t>().swap(orders_);
  std::vector<uint64_t>().swap(places_);
}

}  // namespace kith::index
