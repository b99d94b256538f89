#ifndef KITH_INDEX_TRAINING_POINTS_H_
#define KITH_INDEX_TRAINING_POINTS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/assign.h"
#include "index/index_version.h"
#include "index/random.h"
#include "index/train.h"

namespace kith::index {

// A training sample in random order, so that any first part of it is a fair sample too, without the
// points that would spoil the quantizers of all the others. It stays as it is stored, and is
// decoded where it is read: of all that training holds it is the most.
//
// Threads: immutable once Choose is done.
class TrainingPoints {
 public:
  TrainingPoints(const IndexParameters& parameters, const TrainingSample& sample, Random& random);

  // Leaves out the strays, as long as `needed` points are left. False when cancelled.
  bool Choose(size_t needed, Pace& pace);

  size_t count() const { return order_.size(); }
  size_t dimension() const { return parameters_.dimension; }
  // Elements [begin, end) of a point as the metric compares it.
  void Read(size_t i, size_t begin, size_t end, float* out) const;
  // The first `count` of them.
  RowSource First(size_t count) const;

 private:
  float LongestKept(size_t needed) const;

  const IndexParameters& parameters_;
  const TrainingSample& sample_;
  std::vector<uint32_t> order_;
  std::vector<float> scales_;           // of each of `order_`, under cosine
  std::vector<float> squared_lengths_;  // until the strays are gone
};

// What is left of the first points where their lists' centroids are subtracted.
//
// Threads: immutable.
class TrainingResiduals {
 public:
  // All must outlive this; `lists` has the list of each of the first points.
  TrainingResiduals(const TrainingPoints& points, const IndexVersion& version,
                    std::span<const uint32_t> lists)
      : points_(points), version_(version), lists_(lists) {}

  size_t count() const { return lists_.size(); }
  size_t dimension() const { return points_.dimension(); }
  const float* Centroid(size_t i) const { return version_.Centroid(lists_[i]); }
  void Read(size_t i, size_t begin, size_t end, float* out) const;
  void Read(size_t i, float* out) const { Read(i, 0, dimension(), out); }

 private:
  const TrainingPoints& points_;
  const IndexVersion& version_;
  const std::span<const uint32_t> lists_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_TRAINING_POINTS_H_
