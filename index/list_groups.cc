#include "index/list_groups.h"

#include <algorithm>
#include <utility>

#include "index/group_exchange.h"
#include "index/nearness_order.h"

namespace kith::index {

bool GroupRows(size_t dimension, Pace& pace, std::vector<float>& rows) {
  const Matrix matrix = {rows.data(), rows.size() / dimension, dimension};
  std::vector<uint32_t> order = OrderByNearness(matrix, pace);
  if (order.size() != matrix.count || !GroupExchange(matrix, order).Run(pace)) return false;
  std::vector<float> ordered(rows.size());
  for (size_t i = 0; i < order.size(); ++i) {
    std::copy_n(matrix.Row(order[i]), dimension, &ordered[i * dimension]);
  }
  rows = std::move(ordered);
  return true;
}

CentroidCodes GroupCodes(const Matrix& centroids, const ByteRange& range) {
  const size_t n = centroids.dimension;
  std::vector<float> means;
  std::vector<double> sums(n);
  for (size_t begin = 0; begin < centroids.count; begin += kGroupLists) {
    const size_t end = std::min<size_t>(centroids.count, begin + kGroupLists);
    std::fill(sums.begin(), sums.end(), 0);
    for (size_t i = begin; i < end; ++i) {
      for (size_t j = 0; j < n; ++j) sums[j] += centroids.Row(i)[j];
    }
    for (const double sum : sums) {
      means.push_back(static_cast<float>(sum / static_cast<double>(end - begin)));
    }
  }
  return CentroidCodes({means.data(), means.size() / n, n}, range);
}

}  // namespace kith::index
