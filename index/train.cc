#include "index/train.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "index/assign.h"
#include "index/decode.h"
#include "index/kmeans.h"
#include "index/nearest.h"
#include "index/pace.h"
#include "index/parameters.h"
#include "index/plan.h"
#include "index/product_code.h"
#include "index/random.h"
#include "index/sample_ranges.h"

namespace kith::index {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Lloyd's iterations from random points. Eight more bring held-out SIFT 0.04 % nearer to 2,048
// centroids.
constexpr int kCoarseIterations = 16;
// A longer vector could overflow floats where distances, biases and their ranges are made of it.
constexpr float kLongestSquared = 1e36f;
// Above so many times the squared length that all but a stray few have, a point is a stray: it
// would draw a centroid and codewords to itself.
constexpr float kStrayFactor = 16;

Status Cancelled() {
  return Status(Code::kCancelled, "TRAINING_CANCELLED", "training was cancelled");
}

size_t DistinctNeeded(const IndexParameters& parameters) {
  return std::max<size_t>(kCodewords, parameters.lists);
}

Status TooFewPoints(const IndexParameters& parameters, size_t count, const std::string& kind) {
  return Status(Code::kFailedPrecondition, "TOO_FEW_POINTS",
                "training " + std::to_string(parameters.lists) + " lists needs " +
                    std::to_string(DistinctNeeded(parameters)) + " points, there are " +
                    std::to_string(count) + kind + "; add points or ask for fewer lists");
}

Status CheckRequest(const IndexParameters& parameters, const TrainingSample& sample,
                    const TrainingControl& control) {
  std::string fault = ParameterFault(parameters);
  if (control.threads < 1) fault = "threads is below 1";
  if (sample.count > std::numeric_limits<uint32_t>::max()) {
    fault = "the sample has more than 2^32 - 1 points; take fewer";
  }
  if (!fault.empty()) return Status(Code::kInvalidArgument, "INVALID_PARAMETER", fault);
  if (sample.count >= DistinctNeeded(parameters)) return {};
  return TooFewPoints(parameters, sample.count, "");
}

// One training, step by step: the points become residuals in place, as they are the bulk of the
// memory.
class Training {
 public:
  Training(const IndexParameters& parameters, const TrainingSample& sample,
           const TrainingControl& control)
      : sample_(sample),
        random_(parameters.seed),
        used_(SamplePoints(sample.count, parameters.lists)),
        pace_(control, PlannedWork(parameters)) {
    version_.parameters = parameters;
    version_.subspace_begins = SubspaceBegins(parameters.dimension, parameters.subspaces);
  }

  Result<std::shared_ptr<const IndexVersion>> Run() {
    if (!Decode()) return Cancelled();
    Status status = DropStrays();
    if (status.ok()) status = ChooseFirstCentroids();
    if (!status.ok()) return status;
    points_.resize(used_ * dimension());
    if (!TrainQuantizers()) return Cancelled();
    points_ = {};
    const std::string artifact = SerializeIndexVersion(std::exchange(version_, {}));
    pace_.Finish();
    return ParseIndexVersion(artifact);
  }

 private:
  static constexpr size_t kChunk = 1024;

  bool TrainQuantizers() {
    const uint64_t seed = random_.Next();
    if (!KMeans(Points(used_), {.iterations = kCoarseIterations, .seed = seed}, pace_,
                version_.centroids) ||
        !SubtractCentroids()) {
      return false;
    }
    auto codebooks = TrainCodebooks(Points(std::min<size_t>(used_, kCodebookPoints)),
                                    version_.subspace_begins, random_.Next(), pace_);
    if (!codebooks.has_value()) return false;
    version_.codebooks = *std::move(codebooks);
    return MeasureRanges(Points(used_), lists_, pace_, version_);
  }

  size_t dimension() const { return version_.parameters.dimension; }
  Matrix Points(size_t count) const { return {points_.data(), count, dimension()}; }
  Matrix Centroids() const { return {version_.centroids.data(), version_.lists(), dimension()}; }

  double PlannedWork(const IndexParameters& parameters) const {
    const Matrix points = {nullptr, used_, parameters.dimension};
    const Matrix centroids = {nullptr, parameters.lists, parameters.dimension};
    const Matrix residuals = {nullptr, std::min<size_t>(used_, kCodebookPoints),
                              parameters.dimension};
    return KMeansWork(points, centroids, kCoarseIterations) + AssignAllWork(points, centroids) +
           CodebookWork(residuals) + MeasureRangesWork(points, parameters.metric);
  }

  // The sample as floats, in a random order: any first part of it is a fair sample too.
  bool Decode() {
    const std::vector<uint32_t> order = RandomOrder(static_cast<uint32_t>(sample_.count), random_);
    const IndexParameters& parameters = version_.parameters;
    const size_t stride = dimension() * ElementSize(parameters.element_type);
    const bool cosine = parameters.metric == Metric::kCosine;
    points_.resize(sample_.count * dimension());
    squared_lengths_.resize(sample_.count);
    return pace_.Run((sample_.count + kChunk - 1) / kChunk, 0, [&](size_t chunk) {
      const size_t end = std::min(sample_.count, (chunk + 1) * kChunk);
      for (size_t i = chunk * kChunk; i < end; ++i) {
        const StoredVector vector = {parameters.element_type, sample_.vectors + order[i] * stride,
                                     dimension()};
        float* point = &points_[i * dimension()];
        DecodeVector(vector, cosine ? InverseNorm(vector) : 1, point);
        const float squared = SquaredNorm(point, dimension());
        // Infinite too where it is not a number.
        squared_lengths_[i] = squared <= kLongestSquared ? squared : kInfinity;
      }
    });
  }

  // Leaves out what would spoil the quantizers of all the others. The encoder finds such points out
  // of range and puts them on the side list.
  Status DropStrays() {
    const float longest = LongestKept();
    size_t kept = 0;
    for (size_t i = 0; i < sample_.count; ++i) {
      if (!(squared_lengths_[i] <= longest)) continue;
      const float* point = &points_[i * dimension()];
      if (kept != i) std::copy_n(point, dimension(), &points_[kept * dimension()]);
      ++kept;
    }
    squared_lengths_ = {};
    decoded_ = kept;
    used_ = std::min(used_, kept);
    const size_t needed = DistinctNeeded(version_.parameters);
    if (kept >= needed) return {};
    return TooFewPoints(version_.parameters, kept, " that are finite and shorter than 1e18");
  }

  // The squared length up to which points are kept: no more than a stray few lie above it, and as
  // many remain as training needs.
  float LongestKept() const {
    std::vector<float> lengths = squared_lengths_;
    lengths.erase(std::remove(lengths.begin(), lengths.end(), kInfinity), lengths.end());
    const size_t needed = DistinctNeeded(version_.parameters);
    if (lengths.size() <= needed) return kLongestSquared;
    const size_t strays = std::min(lengths.size() / kPointsPerStray, lengths.size() - needed);
    const auto most = lengths.end() - 1 - static_cast<std::ptrdiff_t>(strays);
    std::nth_element(lengths.begin(), most, lengths.end());
    // Where nearly all points are zero, the others are no strays for that.
    return *most == 0 ? kLongestSquared : std::min(kLongestSquared, kStrayFactor * *most);
  }

  Status ChooseFirstCentroids() {
    const size_t needed = DistinctNeeded(version_.parameters);
    const std::vector<uint32_t> rows = DistinctRows(Points(decoded_), needed);
    if (rows.size() < needed) {
      return Status(Code::kFailedPrecondition, "DEGENERATE_POINTS",
                    "training " + std::to_string(version_.lists()) + " lists needs " +
                        std::to_string(needed) + " different points, there are " +
                        std::to_string(rows.size()) + "; add points or ask for fewer lists");
    }
    for (uint32_t list = 0; list < version_.lists(); ++list) {
      const float* point = Points(decoded_).Row(rows[list]);
      version_.centroids.insert(version_.centroids.end(), point, point + dimension());
    }
    return {};
  }

  bool SubtractCentroids() {
    if (!AssignAll(Points(used_), Centroids(), pace_, lists_)) return false;
    return pace_.Run((used_ + kChunk - 1) / kChunk, 0, [&](size_t chunk) {
      const size_t end = std::min(used_, (chunk + 1) * kChunk);
      for (size_t i = chunk * kChunk; i < end; ++i) {
        const float* centroid = Centroids().Row(lists_[i]);
        for (size_t j = 0; j < dimension(); ++j) points_[i * dimension() + j] -= centroid[j];
      }
    });
  }

  const TrainingSample& sample_;
  Random random_;
  size_t used_;         // points of the sample that k-means sees
  size_t decoded_ = 0;  // points of the sample that are no strays
  Pace pace_;
  IndexVersion version_;
  std::vector<float> points_;           // later: residuals
  std::vector<float> squared_lengths_;  // until the strays are gone
  std::vector<uint32_t> lists_;         // of each point
};

}  // namespace

Result<std::shared_ptr<const IndexVersion>> TrainIndexVersion(const IndexParameters& parameters,
                                                              const TrainingSample& sample,
                                                              const TrainingControl& control) {
  const Status status = CheckRequest(parameters, sample, control);
  if (!status.ok()) return status;
  return Training(parameters, sample, control).Run();
}

}  // namespace kith::index
