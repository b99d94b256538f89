#ifndef KITH_CLI_DATASET_WIDE_LOOPS_H_
#define KITH_CLI_DATASET_WIDE_LOOPS_H_

#include <cstddef>

namespace kith::cli {

// The generator's inner loops, compiled for the baseline and, where the machine has it, for AVX2.
// Both give the same bits: each sum runs in one order, lanes never meet, nothing is fused.
struct WideLoops {
  static constexpr size_t kRows = 4;      // that go through a layer together
  static constexpr size_t kColumns = 16;  // of the decoder's output summed together

  struct Layer {
    const float* weights;  // inputs x columns, row-major
    const float* bias;     // one a column, or nullptr: none
    size_t inputs;
    size_t columns;  // a multiple of kColumns
  };
  // out[r][c] = bias[c] + the sum over i, in order, of weights[i][c] * in[r][i]; kRows rows.
  void (*apply)(const Layer& layer, const float* in, float* out);
  // out[i] = sqrt(-2 ln(squares[i]) / squares[i]), as RandomStream::Normal has it.
  void (*polar_scales)(const double* squares, size_t count, double* out);
};

const WideLoops& BestWideLoops();
const WideLoops& BaselineWideLoops();

}  // namespace kith::cli

#endif  // KITH_CLI_DATASET_WIDE_LOOPS_H_
