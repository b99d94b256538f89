// What backups and restores ask of shard::Node.
#include <fmt/format.h>

#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/node.h"
#include "shard/shard_spec_check.h"

namespace kith::shard {

using ShardDirectory = storage::NodeDirectory::ShardDirectory;

absl::StatusOr<uint64_t> Node::PinShard(ShardId shard, const Uuid& incarnation,
                                        const std::string& directory) {
  KITH_ASSIGN_OR_RETURN(const auto copy, Find(shard, incarnation));
  return copy->upkeep().Pin(directory);
}

absl::StatusOr<storage::Digest> Node::TruthDigest(ShardId shard) const {
  KITH_ASSIGN_OR_RETURN(const auto copy, Find(shard));
  return copy->TruthDigest();
}

absl::StatusOr<ShardDirectory> Node::StageShard(const ShardSpec& spec) {
  KITH_RETURN_IF_ERROR(CheckSpec(spec));
  return directory_->StageShard(spec, ExtentBitsOf(spec));
}

void Node::RemoveStaged(const ShardDirectory& staged) { directory_->RemoveStaged(staged); }

absl::Status Node::AdoptShard(ShardDirectory staged) {
  std::lock_guard change(change_mutex_);
  const ShardId shard = staged.spec.shard;
  if (draining_ || HeldNow().contains(shard)) {
    RemoveStaged(staged);
    if (draining_) return Error(absl::StatusCode::kUnavailable, reason::kDraining, "shutting down");
    return Error(absl::StatusCode::kAlreadyExists, reason::kShardUnavailable,
                 fmt::format("this node holds a shard {} already", shard));
  }
  KITH_RETURN_IF_ERROR(directory_->PublishShard(staged));
  Held held{std::move(staged), nullptr, absl::OkStatus()};
  held.failure = OpenCopy(held);
  const absl::Status failure = held.failure;
  Hold(std::move(held));  // also where it failed: whoever restores drops it again
  return failure;
}

}  // namespace kith::shard
