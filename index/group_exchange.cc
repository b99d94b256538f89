#include "index/group_exchange.h"

#include <algorithm>

#include "common/vector/metric.h"
#include "index/kernels/kernel_table.h"
#include "index/list_groups.h"

namespace kith::index {
namespace {

// Of 65,536 centroids, eight neighbours and three rounds leave the mean squared distance to a
// group's mean at 0.85 of what halving leaves, 24 at 0.79 (docs/decisions/0020-groups-of-lists.md).
constexpr int kRounds = 3;
constexpr size_t kNeighbours = 24;
constexpr size_t kEach = 32;  // groups, or pairs, of a task

}  // namespace

GroupExchange::GroupExchange(const Matrix& rows, std::vector<uint32_t>& order)
    : rows_(rows),
      order_(order),
      means_(GroupsOf(static_cast<uint32_t>(rows.count)) * rows.dimension) {}

size_t GroupExchange::Size(size_t group) const {
  return std::min<size_t>(kGroupLists, rows_.count - group * kGroupLists);
}

void GroupExchange::FindMean(size_t group) {
  const size_t size = Size(group);
  std::vector<double> sums(rows_.dimension);
  for (size_t i = 0; i < size; ++i) {
    const float* row = rows_.Row(order_[group * kGroupLists + i]);
    for (size_t j = 0; j < sums.size(); ++j) sums[j] += row[j];
  }
  for (size_t j = 0; j < sums.size(); ++j) {
    Mean(group)[j] = static_cast<float>(sums[j] / static_cast<double>(size));
  }
}

// Each pair once, the lower group first.
bool GroupExchange::FindNeighbours(Pace& pace, std::vector<Pair>& pairs) {
  const size_t count = groups();
  const size_t near = std::min(kNeighbours, count - 1);
  std::vector<const void*> means(count);
  for (size_t g = 0; g < count; ++g) means[g] = Mean(g);
  pairs.resize(count * near);
  const bool done = pace.Run((count + kEach - 1) / kEach, 0, [&](size_t task) {
    std::vector<float> distances(count);
    std::vector<std::pair<float, uint32_t>> others(count);
    for (size_t g = task * kEach; g < std::min(count, (task + 1) * kEach); ++g) {
      ActiveKernels().l2_f32(Mean(g), means.data(), count, rows_.dimension, distances.data());
      for (uint32_t other = 0; other < count; ++other) others[other] = {distances[other], other};
      others[g].first = -1;  // the first, and left out
      std::nth_element(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(near),
                       others.end());
      std::sort(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(near) + 1);
      for (size_t i = 0; i < near; ++i) {
        pairs[g * near + i] = std::minmax(static_cast<uint32_t>(g), others[i + 1].second);
      }
    }
  });
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return done;
}

void GroupExchange::Exchange(const Pair& pair) {
  const auto [a, b] = pair;
  uint32_t* of_a = &order_[a * kGroupLists];
  uint32_t* of_b = &order_[b * kGroupLists];
  const size_t n = rows_.dimension;
  std::vector<float> direction(n);
  const float* origin = Mean(a);  // so that rows far from zero keep their digits
  for (size_t j = 0; j < n; ++j) direction[j] = Mean(b)[j] - origin[j];
  const auto along = [&](uint32_t row) {
    float sum = 0;
    for (size_t j = 0; j < n; ++j) sum += (rows_.Row(row)[j] - origin[j]) * direction[j];
    return std::pair(OrderedRank(sum), row);
  };
  std::pair<float, uint32_t> both[2 * kGroupLists];
  const auto middle = std::transform(of_a, of_a + Size(a), both, along);
  const auto end = std::transform(of_b, of_b + Size(b), middle, along);
  if (*std::max_element(both, middle) < *std::min_element(middle, end)) return;
  std::sort(both, end);
  for (auto at = both; at != end; ++at) (at < middle ? *of_a++ : *of_b++) = at->second;
  FindMean(a);
  FindMean(b);
}

bool GroupExchange::Run(Pace& pace) {
  const size_t count = groups();
  const auto find_means = [&](size_t task) {
    for (size_t g = task * kEach; g < std::min(count, (task + 1) * kEach); ++g) FindMean(g);
  };
  if (!pace.Run((count + kEach - 1) / kEach, 0, find_means)) return false;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Pair> pairs;
    if (!FindNeighbours(pace, pairs)) return false;
    while (!pairs.empty()) {
      std::vector<uint8_t> is_taken(count);
      const auto later = std::stable_partition(pairs.begin(), pairs.end(), [&](const Pair& pair) {
        if (is_taken[pair.first] != 0 || is_taken[pair.second] != 0) return false;
        is_taken[pair.first] = is_taken[pair.second] = 1;
        return true;
      });
      const auto some = static_cast<size_t>(later - pairs.begin());
      const bool done = pace.Run((some + kEach - 1) / kEach, 0, [&](size_t task) {
        for (size_t i = task * kEach; i < std::min(some, (task + 1) * kEach); ++i) {
          Exchange(pairs[i]);
        }
      });
      if (!done) return false;
      pairs.erase(pairs.begin(), later);
    }
  }
  return true;
}

}  // namespace kith::index
