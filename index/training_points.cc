#include "index/training_points.h"

#include <algorithm>
#include <limits>

#include "index/decode.h"
#include "index/pace.h"
#include "index/sample_ranges.h"

namespace kith::index {
namespace {

constexpr size_t kChunk = 1024;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
// A longer vector could overflow floats where distances, biases and their ranges are made of it.
constexpr float kLongestSquared = 1e36f;
// Above so many times the squared length that all but a stray few have, a point is a stray: it
// would draw a centroid and codewords to itself.
constexpr float kStrayFactor = 16;

}  // namespace

TrainingPoints::TrainingPoints(const IndexParameters& parameters, const TrainingSample& sample,
                               Random& random)
    : parameters_(parameters),
      sample_(sample),
      order_(RandomOrder(static_cast<uint32_t>(sample.count), random)) {}

bool TrainingPoints::Choose(size_t needed, Pace& pace) {
  const size_t all = order_.size();
  const size_t stride = dimension() * ElementSize(parameters_.element_type);
  if (parameters_.metric == Metric::kCosine) scales_.resize(all);
  squared_lengths_.resize(all);
  const bool done = pace.Run((all + kChunk - 1) / kChunk, 0, [&](size_t chunk) {
    std::vector<float> point(dimension());
    for (size_t i = chunk * kChunk; i < std::min(all, (chunk + 1) * kChunk); ++i) {
      if (!scales_.empty()) {
        scales_[i] = InverseNorm(
            {parameters_.element_type, sample_.vectors + order_[i] * stride, dimension()});
      }
      Read(i, 0, dimension(), point.data());
      const auto squared =
          static_cast<float>(SquaredLength({ElementType::kF32, point.data(), point.size()}));
      // Infinite too where it is not a number.
      squared_lengths_[i] = squared <= kLongestSquared ? squared : kInfinity;
    }
  });
  if (!done) return false;
  const float longest = LongestKept(needed);
  size_t kept = 0;
  for (size_t i = 0; i < all; ++i) {
    if (!(squared_lengths_[i] <= longest)) continue;
    order_[kept] = order_[i];
    if (!scales_.empty()) scales_[kept] = scales_[i];
    ++kept;
  }
  order_.resize(kept);
  squared_lengths_ = {};
  return true;
}

// The squared length up to which points are kept: no more than a stray few lie above it, and as
// many remain as training needs. The encoder finds the others out of range and puts them on the
// side list.
float TrainingPoints::LongestKept(size_t needed) const {
  std::vector<float> lengths = squared_lengths_;
  lengths.erase(std::remove(lengths.begin(), lengths.end(), kInfinity), lengths.end());
  if (lengths.size() <= needed) return kLongestSquared;
  const size_t strays = std::min(lengths.size() / kPointsPerStray, lengths.size() - needed);
  const auto most = lengths.end() - 1 - static_cast<std::ptrdiff_t>(strays);
  std::nth_element(lengths.begin(), most, lengths.end());
  // Where nearly all points are zero, the others are no strays for that.
  return *most == 0 ? kLongestSquared : std::min(kLongestSquared, kStrayFactor * *most);
}

void TrainingPoints::Read(size_t i, size_t begin, size_t end, float* out) const {
  const size_t element = ElementSize(parameters_.element_type);
  const std::byte* vector = sample_.vectors + order_[i] * dimension() * element;
  DecodeVector({parameters_.element_type, vector + begin * element, end - begin},
               scales_.empty() ? 1 : scales_[i], out);
}

RowSource TrainingPoints::First(size_t count) const {
  return {count, dimension(), [this](size_t i, float* out) { Read(i, 0, dimension(), out); }};
}

void TrainingResiduals::Read(size_t i, size_t begin, size_t end, float* out) const {
  points_.Read(i, begin, end, out);
  const float* centroid = Centroid(i) + begin;
  for (size_t j = 0; j < end - begin; ++j) out[j] -= centroid[j];
}

}  // namespace kith::index
