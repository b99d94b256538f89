#include "coordinator/search/coverage.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

// The facts of an error travel in a header of 8 KiB: a few shards name the trouble.
constexpr size_t kShardsNamedMax = 16;

uint64_t Share(uint64_t points, const ShardProgress& shard) {
  if (shard.codes_done >= shard.codes_planned) return points;
  return static_cast<uint64_t>(static_cast<unsigned __int128>(points) * shard.codes_done /
                               shard.codes_planned);
}

// Points lie evenly over slots, because slots are hashes of ids.
uint64_t PointsOfUnknown(std::span<const ShardProgress> shards, uint32_t slots) {
  uint64_t points = 0;
  uint64_t known_slots = 0;
  for (const ShardProgress& shard : shards) {
    if (!shard.status.ok() && shard.points == 0) continue;
    points += shard.points;
    known_slots += shard.slots;
  }
  return std::max<uint64_t>(1, known_slots == 0 ? 0 : points * slots / known_slots);
}

ShardFailure Unfinished(const ShardProgress& shard) {
  return {shard.shard, reason::kDeadline,
          fmt::format("compared {} of {} planned codes in time", shard.codes_done,
                      shard.codes_planned)};
}

ShardFailure Failed(const ShardProgress& shard) {
  std::string reason = ReasonOf(shard.status);
  if (reason.empty()) reason = reason::kShardUnavailable;
  return {shard.shard, std::move(reason), std::string(shard.status.message())};
}

}  // namespace

Coverage MeasureCoverage(std::span<const ShardProgress> shards) {
  Coverage coverage;
  coverage.shards_total = static_cast<uint32_t>(shards.size());
  for (const ShardProgress& shard : shards) {
    if (!shard.status.ok()) {
      coverage.points_total +=
          shard.points > 0 ? shard.points : PointsOfUnknown(shards, shard.slots);
      coverage.failed.push_back(Failed(shard));
      continue;
    }
    coverage.points_total += shard.points;
    coverage.points_searched += Share(shard.points, shard);
    if (shard.codes_done < shard.codes_planned) {
      coverage.failed.push_back(Unfinished(shard));
    } else {
      ++coverage.shards_ok;
    }
  }
  if (coverage.points_total > 0) {
    coverage.ratio =
        static_cast<double>(coverage.points_searched) / static_cast<double>(coverage.points_total);
  }
  return coverage;
}

absl::Status CheckCoverage(const Coverage& coverage, double minimum) {
  if (coverage.ratio >= minimum) return absl::OkStatus();
  std::string failed;
  for (size_t i = 0; i < std::min(coverage.failed.size(), kShardsNamedMax); ++i) {
    if (i > 0) failed += ", ";
    failed += fmt::format("{}:{}", coverage.failed[i].shard, coverage.failed[i].reason);
  }
  return Error(absl::StatusCode::kUnavailable, reason::kCoverageBelowMinimum,
               fmt::format("{} of {} points were searched, {} of {} shards answered in full "
                           "({}); try again, or accept less with min_coverage",
                           coverage.points_searched, coverage.points_total, coverage.shards_ok,
                           coverage.shards_total, failed),
               {{"coverage", fmt::format("{:.6f}", coverage.ratio)},
                {"min_coverage", fmt::format("{:.6f}", minimum)},
                {"points_searched", std::to_string(coverage.points_searched)},
                {"points_total", std::to_string(coverage.points_total)},
                {"shards_ok", std::to_string(coverage.shards_ok)},
                {"shards_total", std::to_string(coverage.shards_total)},
                {"shards_failed", failed}});
}

}  // namespace kith::coordinator
