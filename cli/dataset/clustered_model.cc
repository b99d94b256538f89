#include "cli/dataset/clustered_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cli/dataset/wide_loops.h"

namespace kith::cli {
namespace {

constexpr size_t kHidden = 192;
constexpr size_t kTile = WideLoops::kColumns;
static_assert(kHidden % kTile == 0);
constexpr uint64_t kTopClusters = 64;  // the clusters' centres are themselves clustered
constexpr double kCentreSpread = 0.7;  // of centres about their top cluster, whose own is 1
constexpr double kSpreadMin = 0.25;
constexpr double kSpreadScale = 0.5;
constexpr double kBiasScale = 0.5;
constexpr float kLeak = 0.1f;  // slope of the rectifier below zero

// The streams of the model's own draws; the rows of sequence s come from stream kRowStreams + s.
enum Stream : uint64_t { kFirstLayer, kSecondLayer, kTops, kCentres, kRowStreams = 1024 };

}  // namespace

ClusteredModel::ClusteredModel(const ClusteredModelOptions& options)
    : options_(options), columns_((options.dimension + kTile - 1) / kTile * kTile) {
  const size_t latent = options.latent;
  RandomStream layer1(options.seed, kFirstLayer, 0);
  first_.resize(latent * kHidden);
  for (float& w : first_) {
    w = static_cast<float>(layer1.Normal() / std::sqrt(static_cast<double>(latent)));
  }
  first_bias_.resize(kHidden);
  for (float& b : first_bias_) b = static_cast<float>(kBiasScale * layer1.Normal());

  RandomStream layer2(options.seed, kSecondLayer, 0);
  second_.assign(kHidden * columns_, 0.0f);
  for (size_t h = 0; h < kHidden; ++h) {
    for (size_t j = 0; j < options.dimension; ++j) {
      second_[h * columns_ + j] =
          static_cast<float>(layer2.Normal() / std::sqrt(static_cast<double>(kHidden)));
    }
  }

  RandomStream top_stream(options.seed, kTops, 0);
  std::vector<double> tops(kTopClusters * latent);
  for (double& x : tops) x = top_stream.Normal();

  RandomStream random(options.seed, kCentres, 0);
  double weights = 0;
  for (uint32_t c = 0; c < options.clusters; ++c) {
    const size_t top = random.Next() % kTopClusters;
    for (size_t j = 0; j < latent; ++j) {
      centres_.push_back(
          static_cast<float>(tops[top * latent + j] + kCentreSpread * random.Normal()));
    }
    spreads_.push_back(static_cast<float>(kSpreadMin + kSpreadScale * std::abs(random.Normal())));
    weights += RandomStream::Exp(random.Normal());
    weight_below_.push_back(weights);
  }
}

void ClusteredModel::DrawLatent(RandomStream& random, double* normals, float* latent) const {
  const double at = random.Uniform() * weight_below_.back();
  const auto found = std::upper_bound(weight_below_.begin(), weight_below_.end(), at);
  const auto cluster =
      std::min<size_t>(static_cast<size_t>(found - weight_below_.begin()), options_.clusters - 1);
  random.Normals(options_.latent, normals, BestWideLoops().polar_scales);
  for (size_t j = 0; j < options_.latent; ++j) {
    latent[j] = centres_[cluster * options_.latent + j] +
                spreads_[cluster] * static_cast<float>(normals[j]);
  }
}

void ClusteredModel::Finish(const double* normals, float* row) const {
  double squares = 0;
  for (size_t j = 0; j < options_.dimension; ++j) {
    row[j] += static_cast<float>(options_.noise * normals[j]);
    squares += double{row[j]} * row[j];
  }
  // A zero row would take a decoder of zeros; even then the row stays a finite vector.
  const auto scale = static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0);
  for (size_t j = 0; j < options_.dimension; ++j) row[j] *= scale;
}

void ClusteredModel::DrawChunk(uint64_t sequence, uint64_t chunk, uint64_t rows, float* out) const {
  RandomStream random(options_.seed, kRowStreams + sequence, chunk);
  const WideLoops& loops = BestWideLoops();
  std::vector<double> normals(std::max(options_.dimension, options_.latent));
  std::vector<float> latent(kBlock * options_.latent);
  std::vector<float> hidden(kBlock * kHidden);
  std::vector<float> decoded(kBlock * columns_);
  for (uint64_t first = 0; first < rows; first += kBlock) {
    // A whole block is drawn even where fewer rows are wanted: the rows before do not depend on it.
    for (size_t r = 0; r < kBlock; ++r) {
      DrawLatent(random, normals.data(), latent.data() + r * options_.latent);
    }
    loops.apply({first_.data(), first_bias_.data(), options_.latent, kHidden}, latent.data(),
                hidden.data());
    // The same as to ask for its sign, of which no branch could be predicted.
    for (float& unit : hidden) unit = std::max(unit, kLeak * unit);
    loops.apply({second_.data(), nullptr, kHidden, columns_}, hidden.data(), decoded.data());
    for (size_t r = 0; r < std::min<uint64_t>(kBlock, rows - first); ++r) {
      float* row = decoded.data() + r * columns_;
      random.Normals(options_.dimension, normals.data(), loops.polar_scales);
      Finish(normals.data(), row);
      std::memcpy(out + (first + r) * options_.dimension, row, options_.dimension * sizeof(float));
    }
  }
}

}  // namespace kith::cli
