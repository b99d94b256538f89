#ifndef KITH_INDEX_SAMPLE_RANGES_H_
#define KITH_INDEX_SAMPLE_RANGES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "index/index_version.h"
#include "index/pace.h"
#include "index/training_points.h"

namespace kith::index {

// The share of a sample that its stray points may be: what makes no difference to an index that is
// searched list by list, and what a side list of is compared quickly.
constexpr size_t kPointsPerStray = 400;

// Where the middle 99 % of some values lie.
struct Middle {
  float least = 0;
  float most = 0;

  float span() const { return most - least; }
  // How many spans (or `least_span`, where the values hardly vary) a value lies outside.
  float Excess(float value, float least_span) const;
};

// Reorders `values`, of which there is at least one.
Middle MiddleOf(std::span<float> values);

// Sets the bias and refine ranges, and what a packed plane B has, of `version`, whose quantizers
// are trained, by its sample's residuals. The few points that lie far outside the middle of the
// others have no say: a single one a hundred times too long would leave every other point a handful
// of codes. False when cancelled.
bool MeasureRanges(const TrainingResiduals& residuals, Pace& pace, IndexVersion& version);
// The work it counts with the pace.
double MeasureRangesWork(size_t points, const IndexParameters& parameters);

}  // namespace kith::index

#endif  // KITH_INDEX_SAMPLE_RANGES_H_
