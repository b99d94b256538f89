// The shards of shard::Node: found at start, created, dropped. Each step can fail and be repeated.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <thread>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "shard/node.h"
#include "shard/shard_spec_check.h"
#include "shard/storage/row_file.h"

namespace kith::shard {
namespace {

using ShardDirectory = storage::NodeDirectory::ShardDirectory;

absl::Status BeingDropped(ShardId shard) {
  return Error(absl::StatusCode::kNotFound, reason::kShardUnavailable,
               fmt::format("shard {} is being dropped", shard));
}

}  // namespace

absl::Status Node::LoadShards() {
  KITH_ASSIGN_OR_RETURN(storage::NodeDirectory::Listing listing, directory_->ListShards());
  std::map<ShardId, std::vector<ShardDirectory>> by_shard;
  for (ShardDirectory& directory : listing.shards) {
    const ShardId shard = directory.spec.shard;
    by_shard[shard].push_back(std::move(directory));
  }
  for (auto& [shard, directories] : by_shard) Load(std::move(directories));
  for (auto& unreadable : listing.unreadable) LoadUnreadable(std::move(unreadable));
  for (ShardDirectory& dropped : listing.dropped) LoadDropped(std::move(dropped));
  loaded_ = true;
  return absl::OkStatus();
}

void Node::Hold(Held held) {
  const ShardId shard = held.directory.spec.shard;
  if (!held.failure.ok()) {
    spdlog::error("event=shard_not_serving shard={} path={} error={}", shard, held.directory.path,
                  telemetry::LogValue(held.failure.ToString()));
  }
  std::lock_guard lock(mutex_);
  shards_.insert_or_assign(shard, std::move(held));
}

void Node::Load(std::vector<ShardDirectory> directories) {
  Held held{std::move(directories[0]), nullptr, absl::OkStatus()};
  if (directories.size() == 1) {
    held.failure = OpenCopy(held);
  } else {
    held.standing = Standing::kAmbiguous;
    held.failure =
        Error(absl::StatusCode::kFailedPrecondition, reason::kStorage,
              fmt::format("{} and {} both claim to be shard {}; move one away and start "
                          "again",
                          held.directory.path, directories[1].path, held.directory.spec.shard));
  }
  Hold(std::move(held));
}

void Node::LoadUnreadable(storage::NodeDirectory::Unreadable unreadable) {
  const ShardId shard = unreadable.directory.spec.shard;
  Held held{std::move(unreadable.directory), nullptr, std::move(unreadable.why),
            Standing::kUnreadable};
  if (const auto before = HeldNow(); before.contains(shard)) {
    spdlog::error("event=second_directory_unreadable shard={} path={}", shard, held.directory.path);
    return;
  }
  Hold(std::move(held));
}

// A drop that a crash or an error cut short. Its log entries may go only where no shard of that
// number has come since.
void Node::LoadDropped(ShardDirectory dropped) {
  const ShardId shard = dropped.spec.shard;
  if (HeldNow().contains(shard)) {
    const absl::Status removed = directory_->RemoveDropped(dropped);
    spdlog::warn("event=old_directory_removed shard={} status={}", shard, removed.ToString());
    return;
  }
  (void)FinishDrop({std::move(dropped), nullptr, BeingDropped(shard), Standing::kDropped});
}

absl::Status Node::OpenCopy(Held& held) {
  KITH_ASSIGN_OR_RETURN(held.copy, Copy::Open(held.directory, Host(), OptionsOfCopies()));
  return absl::OkStatus();
}

absl::Status Node::CreateShard(const ShardSpec& spec, Deadline) {
  if (draining_) return Error(absl::StatusCode::kUnavailable, reason::kDraining, "shutting down");
  KITH_RETURN_IF_ERROR(CheckSpec(spec));
  std::lock_guard change(change_mutex_);
  const std::map<ShardId, Held> held = HeldNow();
  const auto found = held.find(spec.shard);
  return found == held.end() ? CreateAnew(spec) : OpenOrFinish(found->second, spec);
}

// A shard of that number is here, in whatever state: what an earlier call began is brought to its
// end, never begun a second time beside it.
absl::Status Node::OpenOrFinish(Held held, const ShardSpec& spec) {
  switch (held.standing) {
    case Standing::kUnreadable:
    case Standing::kAmbiguous:
      return held.failure;
    case Standing::kDropped:
      KITH_RETURN_IF_ERROR(FinishDrop(std::move(held)));
      return CreateAnew(spec);
    case Standing::kWhole:
      break;
  }
  if (held.directory.spec.incarnation != spec.incarnation) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kWrongIncarnation,
                 fmt::format("this node holds shard {} of another incarnation of collection {}; "
                             "its directory belongs to another cluster",
                             spec.shard, spec.collection));
  }
  if (held.copy != nullptr) return absl::OkStatus();
  held.failure = OpenCopy(held);
  const absl::Status failure = held.failure;
  Hold(std::move(held));
  return failure;
}

uint32_t Node::ExtentBitsOf(const ShardSpec& spec) const {
  const auto vector_bytes = static_cast<uint32_t>(spec.dimension * ElementSize(spec.element_type));
  return options_.row_extent_bits.value_or(storage::ExtentBitsFor(vector_bytes));
}

absl::Status Node::CreateAnew(const ShardSpec& spec) {
  Held held;
  KITH_ASSIGN_OR_RETURN(held.directory, directory_->CreateShard(spec, ExtentBitsOf(spec)));
  held.failure = OpenCopy(held);
  const absl::Status failure = held.failure;
  Hold(std::move(held));  // also where it failed: a retry opens this directory
  return failure;
}

// Calls under way hold the copy for as long as they need it; the files go when nobody does.
absl::Status Node::AwaitCalls(const std::shared_ptr<Copy>& copy, Deadline deadline) const {
  while (copy.use_count() > 1) {
    if (options_.clock->Now() >= deadline) {
      return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
                   "calls on the shard are still under way; try again");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return absl::OkStatus();
}

absl::Status Node::DropShard(ShardId shard, const Uuid& incarnation, Deadline deadline) {
  std::lock_guard change(change_mutex_);
  Held held;
  {
    std::lock_guard lock(mutex_);
    const auto found = shards_.find(shard);
    const bool is_ours =
        found != shards_.end() && found->second.directory.spec.incarnation == incarnation;
    if (!is_ours) return absl::OkStatus();
    held = std::move(found->second);
    // It keeps its place until nothing of it is left.
    found->second = {held.directory, nullptr, BeingDropped(shard), held.standing};
  }
  absl::Status status =
      held.standing == Standing::kAmbiguous ? held.failure : AwaitCalls(held.copy, deadline);
  if (!status.ok()) {
    std::lock_guard lock(mutex_);
    shards_.insert_or_assign(shard, std::move(held));
    return status;
  }
  held.copy.reset();
  return FinishDrop(std::move(held));
}

// Once it is marked it does not come back, whatever fails after that; the log's entries go before
// the mark does, or a shard of the same number would find them.
absl::Status Node::FinishDrop(Held held) {
  const ShardId shard = held.directory.spec.shard;
  const absl::Status status = [&]() -> absl::Status {
    KITH_RETURN_IF_ERROR(directory_->MarkDropped(held.directory));
    held.standing = Standing::kDropped;
    KITH_RETURN_IF_ERROR(log_->DropShard(shard));
    KITH_RETURN_IF_ERROR(hint_->Forget(shard));
    return directory_->RemoveDropped(held.directory);
  }();
  if (status.ok()) {
    std::lock_guard lock(mutex_);
    shards_.erase(shard);
    return status;
  }
  spdlog::error("event=shard_not_dropped_yet shard={} error={}", shard,
                telemetry::LogValue(status.ToString()));
  held.failure = BeingDropped(shard);
  std::lock_guard lock(mutex_);
  shards_.insert_or_assign(shard, std::move(held));
  return status;
}

}  // namespace kith::shard
