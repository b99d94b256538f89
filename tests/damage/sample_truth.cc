#include "tests/damage/sample_truth.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kith::test {
namespace {

// Scores are summed as floats, in another order than here.
bool AreEqual(double a, double b) { return std::abs(a - b) <= 1e-4 * (1 + std::abs(a)); }

}  // namespace

SampleTruth::SampleTruth(const SampleCollection& collection) : collection_(collection) {
  for (uint64_t id = 0; id < SampleEnd(collection); ++id) {
    if (!IsSampled(collection, id)) continue;
    const uint32_t revision = SampleRevision(collection, id, SampleStage::kSecond);
    points_.push_back({id, revision, SampleVector(collection, id, revision)});
  }
}

const SampleTruth::Point* SampleTruth::Find(uint64_t id) const {
  const auto found =
      std::lower_bound(points_.begin(), points_.end(), id,
                       [](const Point& point, uint64_t key) { return point.id < key; });
  return found == points_.end() || found->id != id ? nullptr : &*found;
}

double SampleTruth::Score(const std::vector<float>& query, const std::vector<float>& vector) const {
  double distance = 0;
  double product = 0;
  double query_norm = 0;
  double norm = 0;
  for (size_t i = 0; i < query.size(); ++i) {
    const double q = query[i];
    const double v = vector[i];
    distance += (q - v) * (q - v);
    product += q * v;
    query_norm += q * q;
    norm += v * v;
  }
  if (collection_.metric == v1::METRIC_L2) return distance;
  if (collection_.metric == v1::METRIC_COSINE) return product / std::sqrt(query_norm * norm);
  return product;
}

std::string SampleTruth::CheckSearch(const std::vector<float>& query,
                                     std::optional<uint64_t> filter,
                                     const std::vector<SampleHit>& hits) const {
  constexpr size_t kLimit = 10;
  const bool is_ascending = collection_.metric == v1::METRIC_L2;
  std::vector<double> scores;
  for (const Point& point : points_) {
    if (filter.has_value() && !PassesSampleFilter(*filter, point.id, point.revision)) continue;
    scores.push_back(Score(query, point.vector));
  }
  std::sort(scores.begin(), scores.end());
  if (!is_ascending) std::reverse(scores.begin(), scores.end());
  const size_t expected = std::min(kLimit, scores.size());
  if (hits.size() != expected) return fmt::format("{} hits, not {}", hits.size(), expected);
  for (size_t i = 0; i < hits.size(); ++i) {
    const Point* point = Find(hits[i].id);
    if (point == nullptr) return fmt::format("point {} is not there", hits[i].id);
    if (filter.has_value() && !PassesSampleFilter(*filter, point->id, point->revision)) {
      return fmt::format("point {} does not pass", point->id);
    }
    if (!AreEqual(Score(query, point->vector), hits[i].score)) {
      return fmt::format("the score of point {} is not its own", point->id);
    }
    if (!AreEqual(scores[i], hits[i].score)) return fmt::format("hit {} is not the best left", i);
  }
  return "";
}

std::string SampleTruth::CheckPoint(uint64_t id, const v1::StoredPoint* found) const {
  const Point* point = Find(id);
  if (point == nullptr) return found == nullptr ? "" : "it was deleted, or never written";
  if (found == nullptr) return "it is missing";
  if (found->vector().data() != VectorBytes(collection_, point->vector)) return "another vector";
  const bool is_same = found->payload() == SamplePayload(collection_, id, point->revision);
  return is_same ? "" : "another payload";
}

uint64_t SampleTruth::Count(std::optional<uint64_t> filter) const {
  return static_cast<uint64_t>(
      std::count_if(points_.begin(), points_.end(), [&](const Point& point) {
        return !filter.has_value() || PassesSampleFilter(*filter, point.id, point.revision);
      }));
}

}  // namespace kith::test
