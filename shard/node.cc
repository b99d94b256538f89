#include "shard/node.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/base/memory.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "shard/storage/log_check.h"

namespace kith::shard {
namespace {

// Of the node's write buffers, so that a flush of one family leaves room to go on.
constexpr uint64_t kFamilyShare = 4;
constexpr uint64_t kFamilyBytesMin = 64 << 10;
constexpr uint64_t kFamilyBytesMax = 32 << 20;
constexpr auto kSweepEvery = std::chrono::minutes(1);
constexpr size_t kMaintenanceQueueMax = 4096;
constexpr int kMaintenanceNice = 10;
constexpr int kBackgroundNice = 19;  // the most there is

size_t OrCores(size_t threads) {
  return threads != 0 ? threads : std::max(1u, std::thread::hardware_concurrency());
}

absl::Status Draining() {
  return Error(absl::StatusCode::kUnavailable, reason::kDraining,
               "the node is shutting down; retry on its successor");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Node>> Node::Open(const NodeOptions& options) {
  KITH_ASSIGN_OR_RETURN(auto directory,
                        storage::NodeDirectory::Open(options.directory, *options.files));
  auto hint = storage::LogHint::Open(directory->hint_path(), *options.files, *options.clock);
  storage::LogOptions log_options;
  log_options.directory = directory->log_path();
  log_options.files = options.files;
  log_options.faults = options.faults;
  log_options.write_buffer_bytes = options.log_write_buffer_bytes;
  KITH_ASSIGN_OR_RETURN(const auto listing, directory->ListShards());
  KITH_RETURN_IF_ERROR(storage::CheckLogBeforeOpening(log_options, *hint, listing.shards));
  KITH_ASSIGN_OR_RETURN(auto log, storage::LogStore::Open(log_options));
  hint->Begin();
  auto node = std::unique_ptr<Node>(
      new Node(options, std::move(directory), std::move(log), std::move(hint)));
  KITH_RETURN_IF_ERROR(node->LoadShards());
  return node;
}

Node::Node(const NodeOptions& options, std::unique_ptr<storage::NodeDirectory> directory,
           std::unique_ptr<storage::LogStore> log, std::unique_ptr<storage::LogHint> hint)
    : options_(options),
      directory_(std::move(directory)),
      log_(std::move(log)),
      hint_(std::move(hint)),
      memory_(storage::NewStoreMemory({options.write_buffer_bytes, options.block_cache_bytes})),
      artifacts_(directory_->artifacts_path(), *options.files),
      training_(artifacts_, static_cast<int>(OrCores(static_cast<size_t>(options.encode_threads)))),
      search_pool_({"kith-search", OrCores(options.search_threads), limits::kSearchQueueMax, 0,
                    &search_cores_}),
      background_pool_({"kith-sample", 1, limits::kSearchQueueMax, kBackgroundNice}),
      searches_(search_pool_, background_pool_, *options.clock, options.search_queue),
      maintenance_pool_({"kith-upkeep", std::max<size_t>(1, options.maintenance_threads),
                         kMaintenanceQueueMax, kMaintenanceNice}),
      encode_pool_({"kith-encode", 1, kMaintenanceQueueMax, kMaintenanceNice}),
      ticker_([this] { Tick(); }) {}

Node::~Node() {
  Drain();
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_ticking_.notify_all();
  ticker_.join();
  // Queued searches hold their copies; they end before the copies do.
  if (options_.cards != nullptr) options_.cards->AwaitAnswers();
  search_pool_.Stop();
  background_pool_.Stop();
  std::lock_guard lock(mutex_);
  shards_.clear();
}

void Node::Drain() {
  draining_ = true;
  for (const auto& [id, held] : HeldNow()) {
    if (held.copy != nullptr) held.copy->EndWaiting();
  }
}

absl::Status Node::Close() {
  Drain();
  absl::Status first;
  for (const auto& [id, held] : HeldNow()) {
    if (held.copy == nullptr) continue;
    const absl::Status status = held.copy->Close(Copy::Checkpoint::kMake);
    if (status.ok()) continue;
    spdlog::error("event=shard_not_closed_cleanly shard={} error={}", id,
                  telemetry::LogValue(status.ToString()));
    first.Update(status);
  }
  // Its entries are in the checkpoints: the next start has nothing to read.
  if (first.ok()) first.Update(log_->Flush());
  first.Update(hint_->Close());
  return first;
}

CopyHost Node::Host() {
  CopyHost host;
  host.files = options_.files;
  host.memory = memory_;
  host.log = log_.get();
  host.hint = hint_.get();
  host.artifacts = &artifacts_;
  host.clock = options_.clock;
  host.searches = &searches_;
  host.maintenance_pool = &maintenance_pool_;
  host.encode_pool = &encode_pool_;
  host.workspaces = &workspaces_;
  host.cards = options_.cards.get();
  host.faults = options_.faults;
  return host;
}

CopyOptions Node::OptionsOfCopies() const {
  CopyOptions copies;
  copies.encode_threads = static_cast<int>(OrCores(static_cast<size_t>(options_.encode_threads)));
  copies.write_buffer_bytes =
      std::clamp(options_.write_buffer_bytes / kFamilyShare, kFamilyBytesMin, kFamilyBytesMax);
  copies.admission = options_.admission;
  copies.checkpoint_log_bytes = options_.checkpoint_log_bytes;
  copies.checkpoint_seconds = options_.checkpoint_seconds;
  copies.filter_exact_rows = options_.filter_exact_rows;
  copies.scrub_every = options_.scrub_every;
  copies.before_encoding = options_.before_encoding;
  copies.before_fields = options_.before_fields;
  return copies;
}

absl::StatusOr<std::shared_ptr<Copy>> Node::Find(ShardId shard) const {
  if (draining_) return Draining();
  std::lock_guard lock(mutex_);
  const auto found = shards_.find(shard);
  if (found == shards_.end()) {
    return Error(absl::StatusCode::kNotFound, reason::kShardUnavailable,
                 fmt::format("this node holds no copy of shard {}", shard));
  }
  if (found->second.copy == nullptr) return found->second.failure;
  return found->second.copy;
}

std::map<ShardId, Node::Held> Node::HeldNow() const {
  std::lock_guard lock(mutex_);
  return shards_;
}

absl::StatusOr<std::shared_ptr<Copy>> Node::Find(ShardId shard, const Uuid& incarnation) const {
  KITH_ASSIGN_OR_RETURN(std::shared_ptr<Copy> copy, Find(shard));
  if (copy->incarnation() == incarnation) return copy;
  return Error(absl::StatusCode::kFailedPrecondition, reason::kWrongIncarnation,
               fmt::format("this node holds shard {} of incarnation {}, the call is for {}: node "
                           "or coordinator belongs to another cluster",
                           shard, copy->incarnation().ToString(), incarnation.ToString()));
}

void Node::Tick() {
  std::unique_lock lock(mutex_);
  while (!stop_ticking_.wait_for(lock, options_.tick_every, [this] { return stopping_; })) {
    lock.unlock();
    const bool log_is_long = log_->bytes() > options_.admission.log_bytes_max / 2;
    const auto shards = HeldNow();
    for (const auto& [id, held] : shards) {
      if (held.copy == nullptr) continue;
      if (log_is_long) held.copy->upkeep().RequestCheckpoint();
      held.copy->upkeep().AllowScrub(ScrubAllowance(shards.size()));
      held.copy->Tick();
    }
    if (const absl::Status noted = hint_->Tick(); !noted.ok()) {
      spdlog::warn("event=log_bound_not_noted error={}", telemetry::LogValue(noted.ToString()));
    }
    TickQuiet();
    SweepArtifacts();
    lock.lock();
  }
}

uint64_t Node::ScrubAllowance(size_t shards) const {
  const auto ticks_per_second =
      std::max<uint64_t>(1, 1000 / static_cast<uint64_t>(options_.tick_every.count()));
  return options_.scrub_bytes_per_second / ticks_per_second / std::max<size_t>(1, shards);
}

// An idle node keeps no write buffers and no blocks that only checks of new files have read.
void Node::TickQuiet() {
  switch (quiet_.Tick(log_->memory_bytes())) {
    case QuietWatch::Due::kNothing:
      return;
    case QuietWatch::Due::kWriteDown:
      for (const auto& [id, held] : HeldNow()) {
        if (held.copy != nullptr) held.copy->upkeep().RequestCheckpoint();
      }
      return;
    case QuietWatch::Due::kGiveBack:
      if (!maintenance_pool_.Post([this] { GiveBackMemory(); })) quiet_.Postpone();
      return;
  }
}

// What the shards have written down is dropped by the log's flush, the rest goes into a file.
void Node::GiveBackMemory() {
  if (const absl::Status status = log_->Flush(); !status.ok()) {
    spdlog::error("event=log_not_flushed error={}", telemetry::LogValue(status.ToString()));
  }
  storage::DropCachedBlocks(*memory_);
  ReturnFreeMemory();
}

// Only while all is known: an artifact may belong to a shard that could not be opened, or to a
// training whose index nobody has begun to build.
void Node::SweepArtifacts() {
  if (!loaded_ || options_.clock->Now() < next_sweep_) return;
  next_sweep_ = options_.clock->Now() + kSweepEvery;
  if (training_.busy()) return;
  std::set<std::string> used;
  for (const auto& [id, held] : HeldNow()) {
    if (held.copy == nullptr) return;
    used.merge(held.copy->IndexVersions());
  }
  if (const absl::Status status = artifacts_.Sweep(used); !status.ok()) {
    spdlog::warn("event=artifacts_not_removed error={}", telemetry::LogValue(status.ToString()));
  }
}

// Copies are asked outside the lock that every call takes: one that waits for its disk must not
// hold up the others.
NodeHealth Node::health() const {
  NodeHealth health;
  bool all_ready = true;
  health.log_bytes = log_->bytes();
  health.log_memory_bytes = log_->memory_bytes();
  health.memory = storage::MemoryUse(*memory_);
  if (const auto free = options_.files->FreeBytes(directory_->path()); free.ok()) {
    health.disk_free_bytes = *free;
  }
  for (const auto& [id, held] : HeldNow()) {
    if (held.standing == Standing::kDropped) continue;
    ++health.shards;
    CopyHealth copy;
    if (held.copy != nullptr) {
      copy = held.copy->health();
    } else {
      copy.ready = false;
      copy.reason = held.failure.ToString();
    }
    // A shard that does not serve is named before one where something is only amiss.
    if (!copy.reason.empty() && (health.reason.empty() || (all_ready && !copy.ready))) {
      health.reason = fmt::format("shard {}: {}", id, copy.reason);
    }
    all_ready = all_ready && copy.ready;
    health.shards_ready += copy.ready ? 1 : 0;
    health.live_points += copy.live_points;
    health.checkpoint_failures += copy.checkpoint_failures;
    health.digest_repairs += copy.digest_repairs;
    health.upkeep.Add(copy.upkeep);
    health.write_queue.Add(copy.write_queue);
  }
  health.ready = !draining_ && (health.shards == 0 || health.shards_ready > 0);
  if (draining_) health.reason = "draining";
  return health;
}

}  // namespace kith::shard
