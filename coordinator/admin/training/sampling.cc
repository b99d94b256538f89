#include "coordinator/admin/training/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

constexpr uint64_t kQueriesFromSample = 256;  // where too few points are left to hold any out

struct HashRange {
  uint64_t begin = 0;
  uint64_t end = 0;  // 0: to the end
};

// The points whose sample hash is below `sample_end` are trained on, those in the other range are
// the queries.
struct SampleBounds {
  uint64_t sample_end = 0;  // 0: every point
  HashRange held_out;
};

using Visit = std::function<absl::Status(SampleChunk)>;

absl::Status CheckChunk(const TrainingRun& run, const SampleChunk& chunk, const HashRange& range) {
  const size_t count = chunk.hashes.size();
  const size_t vector_bytes = run.record.dimension * ElementSize(run.record.element_type);
  const bool fits = chunk.keys.size() == count * PointKey::kSize &&
                    chunk.vectors.size() == count * vector_bytes &&
                    std::is_sorted(chunk.hashes.begin(), chunk.hashes.end());
  const bool inside = count == 0 || (chunk.hashes.front() >= range.begin &&
                                     (range.end == 0 || chunk.hashes.back() < range.end));
  if (fits && inside) return absl::OkStatus();
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               "a sample chunk's parts do not fit each other or what was asked for");
}

// Every point of one shard whose hash is in `range`, chunk by chunk, in ascending order.
absl::Status ReadRange(const TrainingRun& run, const ShardPlacement& placement, HashRange range,
                       const Visit& visit) {
  while (range.end == 0 || range.begin < range.end) {
    const SampleChunkCall call{placement.shard, run.plan.seed, range.begin, range.end,
                               limits::kSampleChunkBytes};
    KITH_ASSIGN_OR_RETURN(SampleChunk chunk, run.Repeat(placement, [&](ShardService& service) {
      return service.ReadSample(call, run.context().LongDeadline());
    }));
    if (chunk.hashes.empty()) return absl::OkStatus();
    KITH_RETURN_IF_ERROR(AtShard(CheckChunk(run, chunk, range), placement));
    const uint64_t last = chunk.hashes.back();
    KITH_RETURN_IF_ERROR(visit(std::move(chunk)));
    if (last == ~uint64_t{0}) return absl::OkStatus();
    range.begin = last + 1;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<uint64_t>> SmallestHashes(const TrainingRun& run, uint64_t count) {
  std::vector<uint64_t> merged;
  for (const ShardPlacement& placement : run.record.shards) {
    const SampleHashesCall call{placement.shard, run.plan.seed, count};
    KITH_ASSIGN_OR_RETURN(const std::vector<uint64_t> hashes,
                          run.Repeat(placement, [&](ShardService& service) {
                            return service.SampleHashes(call, run.context().LongDeadline());
                          }));
    if (!std::is_sorted(hashes.begin(), hashes.end())) {
      return AtShard(Error(absl::StatusCode::kDataLoss, reason::kCorruption,
                           "its sample hashes are not in order"),
                     placement);
    }
    const size_t middle = merged.size();
    merged.insert(merged.end(), hashes.begin(), hashes.end());
    std::inplace_merge(merged.begin(), merged.begin() + static_cast<ptrdiff_t>(middle),
                       merged.end());
    if (merged.size() > count) merged.resize(count);
  }
  return merged;
}

absl::Status FromTrainer(const absl::Status& status) {
  if (ReasonOf(status) != reason::kTrainingInProgress) return status;
  return Error(absl::StatusCode::kAborted, reason::kTrainingInProgress,
               fmt::format("{}: the node trains for another collection; try again when that is "
                           "done",
                           std::string(status.message())));
}

absl::Status SendChunk(const TrainingRun& run, SampleChunk sample) {
  TrainingChunk chunk;
  chunk.job = run.job;
  chunk.dimension = run.record.dimension;
  chunk.element_type = run.record.element_type;
  chunk.sample = std::move(sample);
  // Not repeated by itself: whether it arrived is unknown, and a chunk twice is another sample.
  auto call = [&](ShardService& service) {
    return service.AddTrainingChunk(std::move(chunk), run.context().CallDeadline());
  };
  return run.Once(run.trainer(), call);
}

absl::Status SendOnce(const TrainingRun& run, const SampleBounds& bounds) {
  // A job left by a coordinator that died would keep its chunks.
  const absl::Status cancelled = run.Repeat(run.trainer(), [&](ShardService& service) {
    return service.CancelTraining(run.job, run.context().CallDeadline());
  });
  if (!cancelled.ok() && !absl::IsNotFound(cancelled)) return cancelled;
  uint64_t sent = 0;
  for (const ShardPlacement& placement : run.record.shards) {
    KITH_RETURN_IF_ERROR(ReadRange(run, placement, {0, bounds.sample_end}, [&](SampleChunk chunk) {
      sent += chunk.hashes.size();
      run.Report(kSampling, static_cast<double>(sent) / static_cast<double>(run.plan.sample));
      return SendChunk(run, std::move(chunk));
    }));
  }
  return absl::OkStatus();
}

void Append(SampleChunk from, SampleChunk& to) {
  to.hashes.insert(to.hashes.end(), from.hashes.begin(), from.hashes.end());
  to.keys += from.keys;
  to.vectors += from.vectors;
}

// By (hash, key), cut to `count`: the same queries however the points are spread.
SampleChunk Smallest(const SampleChunk& chunk, size_t count, size_t vector_bytes) {
  std::vector<size_t> order(chunk.hashes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto key = [&](size_t i) {
    return std::string_view(chunk.keys).substr(i * PointKey::kSize, PointKey::kSize);
  };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::make_pair(chunk.hashes[a], key(a)) < std::make_pair(chunk.hashes[b], key(b));
  });
  order.resize(std::min(order.size(), count));
  SampleChunk sorted;
  for (const size_t i : order) {
    sorted.hashes.push_back(chunk.hashes[i]);
    sorted.keys.append(key(i));
    sorted.vectors.append(chunk.vectors, i * vector_bytes, vector_bytes);
  }
  return sorted;
}

absl::StatusOr<SampleBounds> FindSampleBounds(const TrainingRun& run) {
  const TrainingPlan& plan = run.plan;
  // One more than is used tells where the last of them ends.
  KITH_ASSIGN_OR_RETURN(const std::vector<uint64_t> hashes,
                        SmallestHashes(run, plan.sample + plan.held_out + 1));
  const auto at = [&](uint64_t i) { return i < hashes.size() ? hashes[i] : uint64_t{0}; };
  SampleBounds bounds;
  bounds.sample_end = at(plan.sample);
  if (plan.held_out > 0 && bounds.sample_end != 0) {
    bounds.held_out = {bounds.sample_end, at(plan.sample + plan.held_out)};
  } else {
    bounds.held_out = {0, at(kQueriesFromSample)};
  }
  return bounds;
}

absl::StatusOr<SampleChunk> ReadHeldOut(const TrainingRun& run, const SampleBounds& bounds) {
  SampleChunk all;
  for (const ShardPlacement& placement : run.record.shards) {
    KITH_RETURN_IF_ERROR(ReadRange(run, placement, bounds.held_out, [&](SampleChunk chunk) {
      Append(std::move(chunk), all);
      return absl::OkStatus();
    }));
  }
  const uint64_t count = run.plan.held_out > 0 ? run.plan.held_out : kQueriesFromSample;
  return Smallest(all, count, run.record.dimension * ElementSize(run.record.element_type));
}

absl::StatusOr<SampleChunk> DrawOnce(const TrainingRun& run) {
  KITH_ASSIGN_OR_RETURN(const SampleBounds bounds, FindSampleBounds(run));
  KITH_RETURN_IF_ERROR(SendOnce(run, bounds));
  return ReadHeldOut(run, bounds);
}

}  // namespace

absl::StatusOr<SampleChunk> DrawSample(const TrainingRun& run) {
  for (int attempt = 1;; ++attempt) {
    absl::StatusOr<SampleChunk> held_out = DrawOnce(run);
    if (held_out.ok()) return held_out;
    const bool again = absl::IsUnavailable(held_out.status()) && attempt < run.timing().attempts;
    if (!again) return FromTrainer(held_out.status());
    KITH_RETURN_IF_ERROR(run.operation.Pause(run.timing().retry_pause));
  }
}

}  // namespace kith::coordinator
