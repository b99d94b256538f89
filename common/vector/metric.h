#ifndef KITH_COMMON_VECTOR_METRIC_H_
#define KITH_COMMON_VECTOR_METRIC_H_

#include <cstdint>
#include <limits>

namespace kith {

// On disk and on the wire: never renumber.
enum class Metric : uint8_t { kL2 = 1, kInnerProduct = 2, kCosine = 3 };

constexpr bool SmallerIsNearer(Metric metric) { return metric == Metric::kL2; }

// Inside a copy every score is a *rank*: smaller is nearer under every metric. L2 keeps its squared
// distance, inner product and cosine are negated; negation is exact, so no bit is lost on the way.
constexpr float RankFromScore(Metric metric, float score) {
  return SmallerIsNearer(metric) ? score : -score;
}
constexpr float ScoreFromRank(Metric metric, float rank) { return RankFromScore(metric, rank); }

// Arithmetic that overflowed both ways gives no number, and sorting needs an order: it goes last.
constexpr float OrderedRank(float rank) {
  return rank == rank ? rank : std::numeric_limits<float>::infinity();
}

}  // namespace kith

#endif  // KITH_COMMON_VECTOR_METRIC_H_
