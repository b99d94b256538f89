#include "index/nearest.h"

#include <algorithm>
#include <limits>

namespace kith::index {
namespace {

constexpr size_t kFew = 4;

}  // namespace

size_t PointsOfTask(size_t compared_centroids, size_t dimension) {
  constexpr double kProducts = 4e8;  // a few ms of the fastest kernel
  constexpr size_t kLeast = 96;      // so that the centroids' codes are read for many points
  const double each = static_cast<double>(compared_centroids) * static_cast<double>(dimension);
  const auto points = static_cast<size_t>(std::min(kProducts / each, 6144.0));
  return std::max(points / kLeast * kLeast, kLeast);
}

void NearestFinder::Find(const Matrix& points, uint32_t* nearest) {
  const size_t width = codes_.width();
  point_codes_.resize(points.count * width);
  is_exact_.resize(points.count);
  bool all_exact = codes_.exact();
  for (size_t i = 0; i < points.count; ++i) {
    is_exact_[i] = codes_.EncodePoint(points.Row(i), &point_codes_[i * width]) && codes_.exact();
    all_exact = all_exact && is_exact_[i] != 0;
  }
  if (!all_exact || is_grouped_) return FindAmongFew(points, nearest);
  ActiveKernels().panel_nearest(codes_.distance_panels(), point_codes_.data(), points.count,
                                nearest);
}

void NearestFinder::FindAmongFew(const Matrix& points, uint32_t* nearest) {
  candidates_.resize(points.count * PanelCandidate::kClasses);
  if (is_grouped_) {
    walk_.Find(point_codes_.data(), points.count, candidates_.data());
  } else {
    ActiveKernels().panel_candidates(codes_.distance_panels(), point_codes_.data(), points.count,
                                     candidates_.data());
  }
  for (size_t i = 0; i < points.count; ++i) {
    const PanelCandidate* classes = &candidates_[i * PanelCandidate::kClasses];
    nearest[i] = is_exact_[i] != 0 ? NearestOfClasses(classes) : NearestOf(classes, points.Row(i));
  }
}

uint32_t NearestFinder::NearestOf(const PanelCandidate* classes, const float* point) const {
  PanelCandidate few[kFew + 1];
  size_t count = 0;
  for (size_t i = 0; i < PanelCandidate::kClasses; ++i) {
    if (classes[i].score == std::numeric_limits<int32_t>::max()) continue;
    size_t place = count;
    for (; place > 0 && IsNearer(classes[i], few[place - 1]); --place) few[place] = few[place - 1];
    few[place] = classes[i];
    count = std::min(count + 1, kFew);
  }
  const void* rows[kFew];
  float distances[kFew];
  for (size_t i = 0; i < count; ++i) rows[i] = centroids_.Row(few[i].vector);
  ActiveKernels().l2_f32(point, rows, count, centroids_.dimension, distances);
  size_t best = 0;
  for (size_t i = 1; i < count; ++i) {
    if (distances[i] < distances[best] ||
        (distances[i] == distances[best] && few[i].vector < few[best].vector)) {
      best = i;
    }
  }
  return few[best].vector;
}

}  // namespace kith::index
