#ifndef KITH_CLI_DATASET_CLUSTERED_MODEL_H_
#define KITH_CLI_DATASET_CLUSTERED_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cli/dataset/random.h"
#include "cli/dataset/wide_loops.h"

namespace kith::cli {

struct ClusteredModelOptions {
  uint32_t dimension = 80;
  uint32_t latent = 16;
  uint32_t clusters = 2000;
  uint64_t seed = 1;
  double noise = 0.05;  // standard deviation, where a decoded element's is about 1
};

// Vectors with the shape that embeddings have: clusters of clusters in a latent space of few
// dimensions, bent into the full space by a random two-layer network, a little noise, length 1.
// docs/dataset.md gives the formula and says what such data is not.
// Threads: any, once made.
class ClusteredModel {
 public:
  // Rows are drawn in chunks of this many, each from a random stream of its own, so that any number
  // of threads makes the same rows. Part of the format: a change makes other data.
  static constexpr uint64_t kChunkRows = 1024;

  explicit ClusteredModel(const ClusteredModelOptions& options);

  uint32_t dimension() const { return options_.dimension; }
  // Rows [chunk * kChunkRows, + rows) of a sequence, rows <= kChunkRows, row-major into `out`.
  // Sequences of other numbers are independent draws of one distribution.
  void DrawChunk(uint64_t sequence, uint64_t chunk, uint64_t rows, float* out) const;

 private:
  static constexpr size_t kBlock = WideLoops::kRows;  // rows drawn together; part of the format

  // `normals` is room for as many as the latent dimensions.
  void DrawLatent(RandomStream& random, double* normals, float* latent) const;
  void Finish(const double* normals, float* row) const;

  const ClusteredModelOptions options_;
  const size_t columns_;              // dimension, rounded up to whole tiles
  std::vector<double> weight_below_;  // of the clusters up to each
  std::vector<float> centres_;        // clusters x latent
  std::vector<float> spreads_;        // one a cluster
  std::vector<float> first_;          // latent x kHidden
  std::vector<float> first_bias_;     // kHidden
  std::vector<float> second_;         // kHidden x columns_
};

}  // namespace kith::cli

#endif  // KITH_CLI_DATASET_CLUSTERED_MODEL_H_
