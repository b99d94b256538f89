#include "index/smallest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace kith::index {
namespace {

constexpr int32_t kLargest = std::numeric_limits<int32_t>::max();

void ExpectSmallest(const std::vector<int32_t>& values, size_t wanted) {
  std::vector<uint32_t> expected(values.size());
  for (uint32_t i = 0; i < expected.size(); ++i) expected[i] = i;
  std::stable_sort(expected.begin(), expected.end(),
                   [&](uint32_t a, uint32_t b) { return values[a] < values[b]; });
  expected.resize(std::min(wanted, values.size()));
  std::sort(expected.begin(), expected.end());
  std::vector<int32_t> kept(values.size());
  std::vector<uint32_t> indices(values.size());
  indices.resize(PickSmallest(values, wanted, kept.data(), indices.data()));
  ASSERT_EQ(indices, expected) << wanted << " of " << values.size();
  for (size_t i = 0; i < indices.size(); ++i) ASSERT_EQ(kept[i], values[indices[i]]);
}

TEST(PickSmallestTest, FindsThemInTheirOrderAndOfEqualsTheFirst) {
  std::mt19937 random(1);
  for (const size_t count : {1, 40, 1023, 1024, 4096, 5000}) {
    for (const uint32_t range : {1u, 7u, 1000u, 0x7fffffffu}) {
      std::vector<int32_t> values(count);
      for (int32_t& value : values) value = static_cast<int32_t>(random() % range);
      for (const size_t wanted : {1, 16, 32, 400, 6000}) ExpectSmallest(values, wanted);
    }
  }
}

TEST(PickSmallestTest, ASampleThatMisleadsCostsNoValue) {
  // Every sixteenth is far smaller than the others: what a sample of just these says is too low.
  std::vector<int32_t> values(4096);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = i % 16 == 0 ? -1'000'000 + static_cast<int32_t>(i) : static_cast<int32_t>(i);
  }
  for (const size_t wanted : {1, 100, 300, 1000}) ExpectSmallest(values, wanted);
}

TEST(PickSmallestTest, TheLargestValueIsAValueToo) {
  std::vector<int32_t> values(100, kLargest);
  values[7] = 3;
  for (const size_t wanted : {1, 2, 100}) ExpectSmallest(values, wanted);
}

}  // namespace
}  // namespace kith::index
