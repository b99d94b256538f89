#include "coordinator/admin/training/encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

// One shard on its way to the new version.
struct Progress {
  ShardPlacement placement;
  Deadline patience;
  Deadline standstill;
  uint64_t indexed = 0;
  uint64_t total = 0;
  bool ready = false;
};

absl::Status Build(const TrainingRun& run, const ShardPlacement& placement,
                   const std::string& version) {
  return run.Repeat(placement, [&](ShardService& service) {
    return service.BuildIndex(placement.shard, version, run.context().CallDeadline());
  });
}

absl::Status Take(const TrainingRun& run, const ShardStat& stat, const std::string& version,
                  Progress& progress) {
  for (const IndexState& index : stat.indexes) {
    if (index.version != version) continue;
    const Deadline now = run.context().clock->Now();
    if (index.indexed_rows != progress.indexed) {
      progress.standstill = now + run.timing().encode_standstill;
    }
    progress.indexed = index.indexed_rows;
    progress.total = index.total_rows;
    progress.ready = index.ready;
    if (index.ready || now < progress.standstill) return absl::OkStatus();
    return AtShard(Error(absl::StatusCode::kUnavailable, reason::kStorage,
                         fmt::format("encoding stands still at {} of {} rows ({}); the node's log "
                                     "says more",
                                     index.indexed_rows, index.total_rows, stat.not_ready_reason)),
                   progress.placement);
  }
  // A node that restarted may have forgotten that it was asked.
  return stat.ready ? Build(run, progress.placement, version) : absl::OkStatus();
}

absl::Status Poll(const TrainingRun& run, const std::string& version, Progress& progress) {
  auto ask = [&](ShardService& service) {
    return service.Stat(progress.placement.shard, run.context().CallDeadline());
  };
  const auto stat = run.Once(progress.placement, ask);
  const Deadline now = run.context().clock->Now();
  if (stat.ok()) {
    progress.patience = now + run.timing().node_patience;
    return Take(run, *stat, version, progress);
  }
  const bool silent = absl::IsUnavailable(stat.status()) || absl::IsDeadlineExceeded(stat.status());
  return silent && now < progress.patience ? absl::OkStatus() : stat.status();
}

double ShareDone(const std::vector<Progress>& shards) {
  uint64_t indexed = 0;
  uint64_t total = 0;
  for (const Progress& shard : shards) {
    indexed += std::min(shard.indexed, shard.total);
    total += shard.total;
  }
  return total == 0 ? 0 : static_cast<double>(indexed) / static_cast<double>(total);
}

}  // namespace

absl::Status EncodeShards(const TrainingRun& run, const std::string& version) {
  std::vector<Progress> shards;
  for (const ShardPlacement& placement : run.record.shards) {
    KITH_RETURN_IF_ERROR(Build(run, placement, version));
    const Deadline now = run.context().clock->Now();
    shards.push_back(
        {placement, now + run.timing().node_patience, now + run.timing().encode_standstill});
  }
  while (true) {
    for (Progress& shard : shards) {
      if (!shard.ready) KITH_RETURN_IF_ERROR(Poll(run, version, shard));
    }
    run.Report(kEncoding, ShareDone(shards));
    const bool all = std::all_of(shards.begin(), shards.end(),
                                 [](const Progress& shard) { return shard.ready; });
    if (all) return absl::OkStatus();
    KITH_RETURN_IF_ERROR(run.operation.Pause(run.timing().poll));
  }
}

}  // namespace kith::coordinator
