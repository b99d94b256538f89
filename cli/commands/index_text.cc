#include "cli/commands/index_text.h"

#include <fmt/format.h>

#include <string_view>

#include "cli/client/wire.h"
#include "cli/console/progress.h"
#include "cli/console/table.h"

namespace kith::cli {
namespace {

std::string_view StateName(v1::IndexVersion::State state) {
  switch (state) {
    case v1::IndexVersion::STATE_SERVING:
      return "serving";
    case v1::IndexVersion::STATE_PREVIOUS:
      return "previous";
    case v1::IndexVersion::STATE_WAITING:
      return "waiting";
    default:
      return "unknown";
  }
}

std::string Percent(double ratio) { return fmt::format("{:.2f} %", 100 * ratio); }

int ReadyShards(const v1::IndexVersion& version) {
  int ready = 0;
  for (const v1::IndexVersionShard& shard : version.shards()) ready += shard.ready() ? 1 : 0;
  return ready;
}

Json ShardJson(const v1::IndexVersionShard& shard) {
  return {{"shard", shard.shard()},
          {"node", shard.node()},
          {"ready", shard.ready()},
          {"message", shard.message()},
          {"indexed_rows", shard.indexed_rows()},
          {"total_rows", shard.total_rows()},
          {"health", ToJson(shard.health())}};
}

Json VersionJson(const v1::IndexVersion& version) {
  Json shards = Json::array();
  for (const v1::IndexVersionShard& shard : version.shards()) shards.push_back(ShardJson(shard));
  return {{"version", version.version()},
          {"state", StateName(version.state())},
          {"lists", version.index().lists()},
          {"subspaces", version.index().subspaces()},
          {"plane_b_bytes", version.index().plane_b_bytes()},
          {"target_recall", version.index().target_recall()},
          {"trained_points", version.trained_points()},
          {"trained_unix_ms", version.trained_unix_ms()},
          {"recall", ToJson(version.recall())},
          {"at_target", version.has_at_target() ? ToJson(version.at_target()) : Json()},
          {"comparison", version.has_comparison() ? ToJson(version.comparison()) : Json()},
          {"health", ToJson(version.health())},
          {"shards", shards}};
}

}  // namespace

std::string RecallText(const v1::RecallAtTarget& measure) {
  return fmt::format("recall@10 {:.4f} at nprobe {}, scanning {} of the points",
                     measure.recall_at_10(), measure.nprobe(), Percent(measure.scanned_share()));
}

void PrintComparison(const v1::RecallComparison& comparison, Terminal& terminal) {
  terminal.out << fmt::format("  trained  {}\n  serving  {}, with the same queries\n",
                              RecallText(comparison.trained()), RecallText(comparison.serving()));
  terminal.out << fmt::format(
      "  gain     {:+.4f} of recall@10 where both scan as many points (chance: {:.4f})\n",
      comparison.recall_gain(), comparison.tolerance());
}

void PrintVersions(const v1::ListIndexVersionsResponse& versions, Terminal& terminal) {
  if (versions.versions().empty()) {
    terminal.out << "no index version: every search is exact; `kith collection train` makes one\n";
    return;
  }
  Table table({"VERSION", "STATE", "SHARDS READY", "LISTS", "TRAINED ON", "RECALL@10", "SCANNED",
               "GAIN", "DRIFT", "IMBALANCE", "DEAD", "GROWTH"});
  for (const v1::IndexVersion& version : versions.versions()) {
    const bool measured = version.has_at_target();
    const v1::RecallAtTarget& at = version.at_target();
    const std::string gain =
        version.has_comparison() ? fmt::format("{:+.4f}", version.comparison().recall_gain()) : "-";
    const v1::IndexHealth& health = version.health();
    table.Add({version.version(), std::string(StateName(version.state())),
               fmt::format("{} of {}", ReadyShards(version), version.shards_size()),
               std::to_string(version.index().lists()), WithThousands(version.trained_points()),
               measured ? fmt::format("{:.4f}", at.recall_at_10()) : "-",
               measured ? Percent(at.scanned_share()) : "-", gain, Percent(health.drift_ratio()),
               fmt::format("{:.1f}", health.imbalance_ratio()), Percent(health.dead_ratio()),
               fmt::format("{:+.1f} %", 100 * health.growth_ratio())});
  }
  table.Print(terminal.out);
  for (const v1::IndexVersion& version : versions.versions()) {
    for (const v1::IndexVersionShard& shard : version.shards()) {
      if (!shard.ready()) terminal.out << fmt::format("not ready: {}\n", shard.message());
    }
  }
}

Json ToJson(const v1::ListIndexVersionsResponse& versions) {
  Json all = Json::array();
  for (const v1::IndexVersion& version : versions.versions()) all.push_back(VersionJson(version));
  return all;
}

}  // namespace kith::cli
