#include "index/query_order.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "common/vector/metric.h"
#include "index/kernels/kernel_table.h"

namespace kith::index {
namespace {

// Fewer centroids than that a landmark, and finding it would cost more than it saves.
constexpr size_t kCentroidsOfLandmark = 16;
constexpr size_t kMostLandmarks = 256;
constexpr size_t kMostPoints = 16'384;  // that they are made of

// Halves points again and again, across the line between two that lie far apart; the means of the
// parts, those of the halves of one part side by side.
class Halving {
 public:
  explicit Halving(const Matrix& points) : points_(points) {}

  std::vector<float> Means(size_t parts) {
    // Of a great many each n-th: what is wanted is a rough order, and an index is opened with it.
    const size_t step = (points_.count + kMostPoints - 1) / kMostPoints;
    std::vector<uint32_t> rows;
    for (size_t row = 0; row < points_.count; row += step) {
      rows.push_back(static_cast<uint32_t>(row));
    }
    Split(rows, parts);
    return std::move(means_);
  }

 private:
  void Split(std::span<uint32_t> rows, size_t parts) {
    if (parts == 1) return AddMean(rows);
    const uint32_t one = Farthest(rows, rows.front());
    const uint32_t other = Farthest(rows, one);
    std::vector<std::pair<float, uint32_t>> places;
    // Products that overflow may have no order, and selecting needs one.
    for (const uint32_t row : rows) places.emplace_back(OrderedRank(Along(row, one, other)), row);
    const size_t half = rows.size() / 2;
    std::nth_element(places.begin(), places.begin() + static_cast<ptrdiff_t>(half), places.end());
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = places[i].second;
    Split(rows.first(half), parts / 2);
    Split(rows.subspan(half), parts / 2);
  }

  uint32_t Farthest(std::span<const uint32_t> rows, uint32_t from) const {
    float most = -1;
    uint32_t farthest = from;
    for (const uint32_t row : rows) {
      float distance = 0;
      for (size_t j = 0; j < points_.dimension; ++j) {
        const float difference = points_.Row(row)[j] - points_.Row(from)[j];
        distance += difference * difference;
      }
      if (distance > most) {
        most = distance;
        farthest = row;
      }
    }
    return farthest;
  }

  float Along(uint32_t row, uint32_t one, uint32_t other) const {
    float product = 0;
    for (size_t j = 0; j < points_.dimension; ++j) {
      product += points_.Row(row)[j] * (points_.Row(other)[j] - points_.Row(one)[j]);
    }
    return product;
  }

  void AddMean(std::span<const uint32_t> rows) {
    const size_t begin = means_.size();
    means_.resize(begin + points_.dimension);
    const float share = 1 / static_cast<float>(rows.size());
    for (const uint32_t row : rows) {
      for (size_t j = 0; j < points_.dimension; ++j) {
        means_[begin + j] += points_.Row(row)[j] * share;
      }
    }
  }

  const Matrix points_;
  std::vector<float> means_;
};

}  // namespace

Landmarks::Landmarks(const Matrix& centroids) {
  const size_t count =
      std::min(kMostLandmarks, std::bit_floor(centroids.count / kCentroidsOfLandmark));
  if (count < 2) return;
  const std::vector<float> means = Halving(centroids).Means(count);
  codes_ = CentroidCodes({means.data(), count, centroids.dimension});
}

void Landmarks::Find(const int8_t* codes, size_t count, uint32_t* nearest) const {
  ActiveKernels().panel_nearest(codes_.distance_panels(), codes, count, nearest);
}

void QueryOrder::Plain(size_t count) {
  order_.resize(count);
  std::iota(order_.begin(), order_.end(), 0u);
}

void QueryOrder::Begin(const Landmarks& landmarks) {
  landmarks_ = &landmarks;
  codes_.clear();
}

void QueryOrder::Add(const float* query) {
  const size_t begin = codes_.size();
  codes_.resize(begin + landmarks_->width());
  landmarks_->Encode(query, &codes_[begin]);
}

void QueryOrder::End() {
  const size_t count = codes_.size() / landmarks_->width();
  nearest_.resize(count);
  landmarks_->Find(codes_.data(), count, nearest_.data());
  Plain(count);
  std::stable_sort(order_.begin(), order_.end(),
                   [this](uint32_t a, uint32_t b) { return nearest_[a] < nearest_[b]; });
}

}  // namespace kith::index
