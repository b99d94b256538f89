#include "index/train.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "index/assign.h"
#include "index/code_ranges.h"
#include "index/decode.h"
#include "index/kmeans.h"
#include "index/nearest.h"
#include "index/pace.h"
#include "index/parameters.h"
#include "index/product_code.h"
#include "index/random.h"

namespace kith::index {
namespace {

constexpr int kCoarseIterations = 16;
constexpr size_t kPointsPerCentroid = 48;
constexpr size_t kCodebookPoints = 65'536;

Status Cancelled() {
  return Status(Code::kCancelled, "TRAINING_CANCELLED", "training was cancelled");
}

size_t DistinctNeeded(const IndexParameters& parameters) {
  return std::max<size_t>(kCodewords, parameters.lists);
}

Status CheckRequest(const IndexParameters& parameters, const TrainingSample& sample,
                    const TrainingControl& control) {
  std::string fault = ParameterFault(parameters);
  if (control.threads < 1) fault = "threads is below 1";
  if (sample.count > std::numeric_limits<uint32_t>::max()) {
    fault = "the sample has more than 2^32 - 1 points; take fewer";
  }
  if (!fault.empty()) return Status(Code::kInvalidArgument, "INVALID_PARAMETER", fault);
  const size_t needed = DistinctNeeded(parameters);
  if (sample.count >= needed) return {};
  return Status(Code::kFailedPrecondition, "TOO_FEW_POINTS",
                "training " + std::to_string(parameters.lists) + " lists needs " +
                    std::to_string(needed) + " points, there are " + std::to_string(sample.count) +
                    "; add points or ask for fewer lists");
}

// One training, step by step: the points become residuals in place, as they are the bulk of the
// memory.
class Training {
 public:
  Training(const IndexParameters& parameters, const TrainingSample& sample,
           const TrainingControl& control)
      : sample_(sample),
        random_(parameters.seed),
        used_(std::min<size_t>(sample.count, std::max(size_t{parameters.lists} * kPointsPerCentroid,
                                                      kCodebookPoints))),
        pace_(control, PlannedWork(parameters)) {
    version_.parameters = parameters;
    version_.subspace_begins = SubspaceBegins(parameters.dimension, parameters.subspaces);
  }

  Result<std::shared_ptr<const IndexVersion>> Run() {
    Status status = Decode();
    if (status.ok()) status = ChooseFirstCentroids();
    if (!status.ok()) return status;
    points_.resize(used_ * dimension());
    const uint64_t seed = random_.Next();
    if (!KMeans(Points(used_), {.iterations = kCoarseIterations, .seed = seed}, pace_,
                version_.centroids) ||
        !SubtractCentroids() ||
        !TrainCodebooks(Points(std::min(used_, kCodebookPoints)), version_.subspace_begins,
                        random_.Next(), pace_, version_.codebooks) ||
        !MeasureRanges()) {
      return Cancelled();
    }
    points_ = {};
    const std::string artifact = SerializeIndexVersion(std::exchange(version_, {}));
    pace_.Finish();
    return ParseIndexVersion(artifact);
  }

 private:
  static constexpr size_t kChunk = 1024;

  size_t dimension() const { return version_.parameters.dimension; }
  Matrix Points(size_t count) const { return {points_.data(), count, dimension()}; }
  Matrix Centroids() const { return {version_.centroids.data(), version_.lists(), dimension()}; }

  double PlannedWork(const IndexParameters& parameters) const {
    const Matrix points = {nullptr, used_, parameters.dimension};
    const Matrix centroids = {nullptr, parameters.lists, parameters.dimension};
    const Matrix residuals = {nullptr, std::min(used_, kCodebookPoints), parameters.dimension};
    return KMeansWork(points, centroids, kCoarseIterations) + AssignAllWork(points, centroids) +
           CodebookWork(residuals) +
           AssignAllWork(points, {nullptr, kCodewords, parameters.dimension});
  }

  // The sample as floats, in a random order: any first part of it is a fair sample too.
  Status Decode() {
    const IndexParameters& parameters = version_.parameters;
    const std::vector<uint32_t> order = RandomOrder(static_cast<uint32_t>(sample_.count), random_);
    const size_t stride = dimension() * ElementSize(parameters.element_type);
    points_.resize(sample_.count * dimension());
    std::atomic<bool> finite = true;
    const bool done = pace_.Run((sample_.count + kChunk - 1) / kChunk, 0, [&](size_t chunk) {
      const size_t end = std::min(sample_.count, (chunk + 1) * kChunk);
      for (size_t i = chunk * kChunk; i < end; ++i) {
        if (!DecodeOne(sample_.vectors + order[i] * stride, &points_[i * dimension()])) {
          finite = false;
        }
      }
    });
    if (!done) return Cancelled();
    if (finite) return {};
    return Status(Code::kInvalidArgument, "NOT_FINITE",
                  "the sample holds a vector with a NaN, an infinity or a norm beyond floats");
  }

  bool DecodeOne(const std::byte* vector, float* out) const {
    const IndexParameters& parameters = version_.parameters;
    DecodeVector(parameters.element_type, vector, dimension(), 1, out);
    if (parameters.metric == Metric::kCosine) {
      const float scale = InverseNorm(out, dimension());
      for (size_t j = 0; j < dimension(); ++j) out[j] *= scale;
    }
    return std::isfinite(SquaredNorm(out, dimension()));
  }

  Status ChooseFirstCentroids() {
    const size_t needed = DistinctNeeded(version_.parameters);
    const std::vector<uint32_t> rows = DistinctRows(Points(sample_.count), needed);
    if (rows.size() < needed) {
      return Status(Code::kFailedPrecondition, "DEGENERATE_POINTS",
                    "training " + std::to_string(version_.lists()) + " lists needs " +
                        std::to_string(needed) + " different points, there are " +
                        std::to_string(rows.size()) + "; add points or ask for fewer lists");
    }
    for (uint32_t list = 0; list < version_.lists(); ++list) {
      const float* point = Points(sample_.count).Row(rows[list]);
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

  bool MeasureRanges() {
    const ProductCoder coder(version_.codebooks, version_.subspace_begins);
    const size_t chunks = (used_ + kChunk - 1) / kChunk;
    std::vector<SampleExtents> extents(chunks, SampleExtents(version_.dimension()));
    const double work = double{kChunk} * kCodewords * static_cast<double>(dimension());
    const bool done =
        pace_.Run(chunks, work, [&](size_t chunk) { MeasureChunk(coder, chunk, extents[chunk]); });
    if (!done) return false;
    for (size_t chunk = 1; chunk < chunks; ++chunk) extents[0].Take(extents[chunk]);
    SetCodeRanges(extents[0], version_);
    return true;
  }

  void MeasureChunk(const ProductCoder& coder, size_t chunk, SampleExtents& extents) const {
    std::vector<uint8_t> codes(coder.subspaces());
    std::vector<float> decoded(dimension());
    std::vector<float> scratch;
    const size_t end = std::min(used_, (chunk + 1) * kChunk);
    for (size_t i = chunk * kChunk; i < end; ++i) {
      const float* residual = Points(used_).Row(i);
      coder.Encode(residual, codes.data(), decoded.data(), scratch);
      const double bias = BiasOf(Centroids().Row(lists_[i]), decoded.data(), dimension());
      extents.bias.Take(static_cast<float>(bias));
      for (size_t j = 0; j < dimension(); ++j) extents.residual[j].Take(residual[j]);
    }
  }

  const TrainingSample& sample_;
  Random random_;
  const size_t used_;  // points of the sample that k-means sees
  Pace pace_;
  IndexVersion version_;
  std::vector<float> points_;    // later: residuals
  std::vector<uint32_t> lists_;  // of each point
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
