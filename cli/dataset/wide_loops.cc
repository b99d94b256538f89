#include "cli/dataset/wide_loops.h"

#include <cmath>

#include "cli/dataset/random.h"

namespace kith::cli {
namespace {

// Eight floats that a compiler keeps in as many registers as the instruction set needs: left to
// itself it finds no good way through the loops below.
using Lanes [[gnu::vector_size(32)]] = float;
constexpr size_t kLanes = sizeof(Lanes) / sizeof(float);
constexpr size_t kGroups = WideLoops::kColumns / kLanes;

// The same in an array of floats. Copying arrays of lanes would keep them in memory; `auto` would
// lose the alignment.
typedef float LanesInMemory __attribute__((vector_size(32), aligned(4), may_alias));

// Inlined into one function an instruction set, which is then what they are compiled for.
[[gnu::always_inline]] inline void ApplyLoop(const WideLoops::Layer& layer, const float* in,
                                             float* out) {
  constexpr size_t kRows = WideLoops::kRows;
  for (size_t first = 0; first < layer.columns; first += WideLoops::kColumns) {
    Lanes sums[kRows][kGroups] = {};
    if (layer.bias != nullptr) {
      const LanesInMemory* bias = reinterpret_cast<const LanesInMemory*>(layer.bias + first);
      for (size_t r = 0; r < kRows; ++r) {
        for (size_t g = 0; g < kGroups; ++g) sums[r][g] = bias[g];
      }
    }
    for (size_t i = 0; i < layer.inputs; ++i) {
      const LanesInMemory* weights =
          reinterpret_cast<const LanesInMemory*>(layer.weights + i * layer.columns + first);
      for (size_t r = 0; r < kRows; ++r) {
        const float unit = in[r * layer.inputs + i];
        for (size_t g = 0; g < kGroups; ++g) sums[r][g] += weights[g] * unit;
      }
    }
    for (size_t r = 0; r < kRows; ++r) {
      LanesInMemory* to = reinterpret_cast<LanesInMemory*>(out + r * layer.columns + first);
      for (size_t g = 0; g < kGroups; ++g) to[g] = sums[r][g];
    }
  }
}

[[gnu::always_inline]] inline void PolarLoop(const double* squares, size_t count, double* out) {
  for (size_t i = 0; i < count; ++i) {
    out[i] = std::sqrt(-2 * RandomStream::LogWithoutBranches(squares[i]) / squares[i]);
  }
}

void ApplyBaseline(const WideLoops::Layer& layer, const float* in, float* out) {
  ApplyLoop(layer, in, out);
}
void PolarBaseline(const double* squares, size_t count, double* out) {
  PolarLoop(squares, count, out);
}
constexpr WideLoops kBaseline = {ApplyBaseline, PolarBaseline};

#if defined(__x86_64__)
[[gnu::target("avx2")]] void ApplyAvx2(const WideLoops::Layer& layer, const float* in, float* out) {
  ApplyLoop(layer, in, out);
}
[[gnu::target("avx2")]] void PolarAvx2(const double* squares, size_t count, double* out) {
  PolarLoop(squares, count, out);
}
constexpr WideLoops kAvx2 = {ApplyAvx2, PolarAvx2};
#endif

}  // namespace

const WideLoops& BaselineWideLoops() { return kBaseline; }

const WideLoops& BestWideLoops() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return kAvx2;
#endif
  return kBaseline;
}

}  // namespace kith::cli
