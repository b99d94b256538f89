#include "index/train.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "index/assign.h"
#include "index/byte_range.h"
#include "index/kmeans.h"
#include "index/list_groups.h"
#include "index/pace.h"
#include "index/parameters.h"
#include "index/plan.h"
#include "index/product_code.h"
#include "index/random.h"
#include "index/sample_ranges.h"
#include "index/training_points.h"

namespace kith::index {
namespace {

// Lloyd's iterations from random points. Eight more bring SIFT 0.16 % nearer to 4,096 centroids,
// four fewer leave it 0.2 % farther.
constexpr int kCoarseIterations = 12;
// Lists of more than so many times the mean's points are split: a query that meets one waits for
// it. SIFT comes nearer to its centroids for it.
constexpr float kLargestList = 2.5f;
// Floats that the bytes of the points are fitted to, at most.
constexpr size_t kFittedFloats = size_t{4} << 20;

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

// One training, step by step.
class Training {
 public:
  Training(const IndexParameters& parameters, const TrainingSample& sample,
           const TrainingControl& control)
      : random_(parameters.seed),
        points_(parameters, sample, random_),
        used_(SamplePoints(sample.count, parameters.lists)),
        pace_(control, PlannedWork(parameters)) {
    version_.parameters = parameters;
    version_.subspace_begins = SubspaceBegins(parameters.dimension, parameters.subspaces);
  }

  Result<std::shared_ptr<const IndexVersion>> Run() {
    const size_t needed = DistinctNeeded(version_.parameters);
    if (!points_.Choose(needed, pace_)) return Cancelled();
    used_ = std::min(used_, points_.count());
    if (points_.count() < needed) {
      return TooFewPoints(version_.parameters, points_.count(),
                          " that are finite and shorter than 1e18");
    }
    const Status status = ChooseFirstCentroids();
    if (!status.ok()) return status;
    if (!TrainQuantizers()) return Cancelled();
    lists_ = {};
    const std::string artifact = SerializeIndexVersion(std::exchange(version_, {}));
    pace_.Finish();
    return ParseIndexVersion(artifact);
  }

 private:
  bool TrainQuantizers() {
    if (!TrainCentroids() || !AssignRows(points_.First(used_), Centroids(), pace_, lists_)) {
      return false;
    }
    const TrainingResiduals residuals(points_, version_, lists_);
    auto codebooks = TrainCodebooks(residuals, version_.subspace_begins, random_.Next(), pace_);
    if (!codebooks.has_value()) return false;
    version_.codebooks = *std::move(codebooks);
    return MeasureRanges(residuals, pace_, version_);
  }

  // Where the points are bytes their centroids are too: then codes are exact, and so is the
  // search's choice of lists.
  bool TrainCentroids() {
    const ByteRange range = RangeOfPoints();
    CodedPoints coded{range};
    if (!EncodePoints(points_.First(used_), pace_, coded)) return false;
    Clusters clusters{std::move(version_.centroids), {}};
    const KMeansOptions options = {
        .iterations = kCoarseIterations, .seed = random_.Next(), .largest = kLargestList};
    if (!KMeans(coded, options, pace_, clusters)) return false;
    if (range.is_exact()) {
      for (float& value : clusters.centroids) value = std::floor(value + 0.5f);
    } else if (!MoveToMeans(points_.First(used_), range, pace_, clusters)) {
      return false;
    }
    version_.centroids = std::move(clusters.centroids);
    return version_.lists() <= kUngroupedLists || GroupRows(dimension(), pace_, version_.centroids);
  }

  ByteRange RangeOfPoints() const {
    const IndexParameters& parameters = version_.parameters;
    if (parameters.element_type == ElementType::kU8 && parameters.metric != Metric::kCosine) {
      return ByteRange::OfBytes(dimension());
    }
    const size_t count = std::min(used_, std::max<size_t>(kFittedFloats / dimension(), 256));
    std::vector<float> rows(count * dimension());
    for (size_t i = 0; i < count; ++i) points_.Read(i, 0, dimension(), &rows[i * dimension()]);
    return ByteRange::Fit({rows.data(), count, dimension()});
  }

  size_t dimension() const { return version_.parameters.dimension; }
  Matrix Centroids() const { return {version_.centroids.data(), version_.lists(), dimension()}; }

  double PlannedWork(const IndexParameters& parameters) const {
    return KMeansWork(used_, parameters.lists, parameters.dimension, kCoarseIterations) +
           AssignWork(used_, parameters.lists, parameters.dimension) +
           CodebookWork(used_, parameters.dimension) + MeasureRangesWork(used_, parameters);
  }

  Status ChooseFirstCentroids() {
    const size_t needed = DistinctNeeded(version_.parameters);
    const std::vector<uint32_t> rows = DistinctRows(points_.First(points_.count()), needed);
    if (rows.size() < needed) {
      return Status(Code::kFailedPrecondition, "DEGENERATE_POINTS",
                    "training " + std::to_string(version_.lists()) + " lists needs " +
                        std::to_string(needed) + " different points, there are " +
                        std::to_string(rows.size()) + "; add points or ask for fewer lists");
    }
    version_.centroids.resize(size_t{version_.lists()} * dimension());
    for (uint32_t list = 0; list < version_.lists(); ++list) {
      points_.Read(rows[list], 0, dimension(), &version_.centroids[list * dimension()]);
    }
    return {};
  }

  Random random_;
  TrainingPoints points_;
  size_t used_;  // points that quantizers are trained on
  Pace pace_;
  IndexVersion version_;
  std::vector<uint32_t> lists_;  // of each of them
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
