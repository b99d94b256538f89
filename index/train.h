#ifndef KITH_INDEX_TRAIN_H_
#define KITH_INDEX_TRAIN_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "index/index_version.h"
#include "index/status.h"

namespace kith::index {

struct TrainingSample {
  const std::byte* vectors = nullptr;  // count x dimension, in the parameters' element type
  size_t count = 0;
};

struct TrainingControl {
  int threads = 1;
  std::function<void(double)> progress = [](double) {};  // 0 to 1
  std::function<bool()> cancelled = [] { return false; };
};

// The same sample (in the same order), parameters and seed give the same bytes for any number of
// threads: every reduction has a fixed order.
// Points that no float distance can be made of, and up to one in 400 that are far longer than the
// others, are left out: the encoder puts them on the side list.
// kInvalidArgument INVALID_PARAMETER for parameters, threads or a sample outside their range;
// kFailedPrecondition TOO_FEW_POINTS (fewer than max(256, lists) points, or of those left in) or
// DEGENERATE_POINTS (fewer distinct points than that); kCancelled TRAINING_CANCELLED.
//
// The method is the inverted file with product-quantized residuals of Jégou, Douze and Schmid
// ("Product quantization for nearest neighbor search", 2011): Lloyd's k-means for the coarse
// centroids, then for the codewords of each sub-space of the residuals.
Result<std::shared_ptr<const IndexVersion>> TrainIndexVersion(const IndexParameters& parameters,
                                                              const TrainingSample& sample,
                                                              const TrainingControl& control);

}  // namespace kith::index

#endif  // KITH_INDEX_TRAIN_H_
