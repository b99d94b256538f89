#include "index/smallest.h"

#include <algorithm>
#include <limits>

#include "index/kernels/kernel_table.h"

namespace kith::index {
namespace {

constexpr int32_t kNever = std::numeric_limits<int32_t>::max();

// A value that more than `wanted` are likely to lie under, from a sample.
int32_t SampledCut(std::span<const int32_t> values, size_t wanted) {
  constexpr size_t kSample = 256;
  const size_t count = values.size();
  if (count < 4 * kSample || uint64_t{wanted} * 4 > count) return kNever;
  const size_t step = count / kSample;
  int32_t sample[kSample];
  for (size_t i = 0; i < kSample; ++i) sample[i] = values[i * step];
  // Half as many again as wanted, and some for the sample's own scatter: too few costs a second
  // pass, too many a longer selection.
  const size_t rank = std::min(kSample, wanted * 3 / 2 * kSample / count + 7);
  return ActiveKernels().kth_smallest(sample, kSample, rank);
}

}  // namespace

size_t PickSmallest(std::span<const int32_t> values, size_t wanted, int32_t* kept,
                    uint32_t* indices) {
  const KernelTable& kernels = ActiveKernels();
  const auto collect = [&](int32_t limit) {
    return kernels.collect_at_most(values.data(), values.size(), limit, kept, indices);
  };
  size_t found = collect(SampledCut(values, wanted));
  if (found < wanted) found = collect(kNever);
  if (found <= wanted) return found;
  const int32_t last = kernels.kth_smallest(kept, found, wanted);
  size_t below = 0;
  for (size_t i = 0; i < found; ++i) below += kept[i] < last;
  size_t ties = wanted - below;
  size_t left = 0;
  for (size_t i = 0; i < found; ++i) {
    const bool tied = kept[i] == last;
    const bool stays = kept[i] < last || (tied && ties > 0);
    ties -= tied && stays;
    kept[left] = kept[i];
    indices[left] = indices[i];
    left += stays;
  }
  return left;
}

}  // namespace kith::index
