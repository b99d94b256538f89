#include "cli/dataset/wide_loops.h"

#include <cmath>
#include <cstring>

#include "cli/dataset/random.h"

namespace kith::cli {
namespace {

// Eight floats that a compiler keeps in as many registers as the instruction set needs: left to
// itself it finds no good way through the loops below.
using Lanes [[gnu::vector_size(32)]] = float;
constexpr size_t kLanes = sizeof(Lanes) / sizeof(float);
constexpr size_t kGroups = WideLoops::kColumns / kLanes;

// Inlined into one function an instruction set, which is then what they are compiled for.
[[gnu::always_inline]] inline void ApplyLoop(const WideLoops::Layer& layer, const float* in,
                                             float* out) {
  constexpr size_t kRows = WideLoops::kRows;
  for (size_t first = 0; first < layer.columns; first += WideLoops::kColumns) {
    Lanes sums[kRows][kGroups] = {};
    for (size_t r = 0; r < kRows && layer.bias != nullptr; ++r) {
      std::memcpy(sums[r], layer.bias + first, sizeof(sums[r]));
    }
    for (size_t i = 0; i < layer.inputs; ++i) {
      Lanes weights[kGroups];
      std::memcpy(weights, layer.weights + i * layer.columns + first, sizeof(weights));
      for (size_t r = 0; r < kRows; ++r) {
        const float unit = in[r * layer.inputs + i];
        for (size_t g = 0; g < kGroups; ++g) sums[r][g] += weights[g] * unit;
      }
    }
    for (size_t r = 0; r < kRows; ++r) {
      std::memcpy(out + r * layer.columns + first, sums[r], sizeof(sums[r]));
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
