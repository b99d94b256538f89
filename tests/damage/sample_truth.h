#ifndef KITH_TESTS_DAMAGE_SAMPLE_TRUTH_H_
#define KITH_TESTS_DAMAGE_SAMPLE_TRUTH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kith/v1/points.pb.h"
#include "tests/damage/sample_points.h"

namespace kith::test {

struct SampleHit {
  uint64_t id = 0;
  float score = 0;
};

// What a collection of the sample must answer, from its points alone.
class SampleTruth {
 public:
  explicit SampleTruth(const SampleCollection& collection);

  // How an exact answer to the query, of `limit` hits among the points that pass the filter (none:
  // all), contradicts the points; empty: it does not.
  std::string CheckSearch(const std::vector<float>& query, std::optional<uint64_t> filter,
                          const std::vector<SampleHit>& hits) const;
  std::string CheckPoint(uint64_t id, const v1::StoredPoint* found) const;  // null: missing
  uint64_t Count(std::optional<uint64_t> filter) const;

 private:
  struct Point {
    uint64_t id = 0;
    uint32_t revision = 0;
    std::vector<float> vector;
  };
  double Score(const std::vector<float>& query, const std::vector<float>& vector) const;
  const Point* Find(uint64_t id) const;

  const SampleCollection& collection_;
  std::vector<Point> points_;  // ascending by id
};

}  // namespace kith::test

#endif  // KITH_TESTS_DAMAGE_SAMPLE_TRUTH_H_
