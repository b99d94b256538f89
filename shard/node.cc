#include "shard/node.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

constexpr auto kTickEvery = std::chrono::milliseconds(200);
constexpr auto kSweepEvery = std::chrono::minutes(1);
constexpr size_t kMaintenanceQueueMax = 4096;
constexpr int kMaintenanceNice = 10;

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
  KITH_ASSIGN_OR_RETURN(auto log, storage::LogStore::Open(log_options));
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
      artifacts_(directory_->artifacts_path(), *options.files),
      training_(artifacts_, static_cast<int>(OrCores(static_cast<size_t>(options.encode_threads)))),
      search_pool_({"kith-search", OrCores(options.search_threads), limits::kSearchQueueMax, 0}),
      maintenance_pool_({"kith-upkeep", std::max<size_t>(1, options.maintenance_threads),
                         kMaintenanceQueueMax, kMaintenanceNice}),
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
  search_pool_.Stop();
  std::lock_guard lock(mutex_);
  shards_.clear();
}

void Node::Drain() { draining_ = true; }

absl::Status Node::Close() {
  Drain();
  absl::Status first;
  for (const auto& [id, held] : HeldNow()) {
    if (held.copy == nullptr) continue;
    const absl::Status status = held.copy->Close(Copy::Checkpoint::kMake);
    if (status.ok()) continue;
    spdlog::error("shard did not close cleanly shard={} error=\"{}\"", id, status.ToString());
    first.Update(status);
  }
  first.Update(hint_->Close());
  return first;
}

CopyHost Node::Host() {
  CopyHost host;
  host.files = options_.files;
  host.log = log_.get();
  host.hint = hint_.get();
  host.artifacts = &artifacts_;
  host.clock = options_.clock;
  host.search_pool = &search_pool_;
  host.maintenance_pool = &maintenance_pool_;
  host.workspaces = &workspaces_;
  host.faults = options_.faults;
  return host;
}

CopyOptions Node::OptionsOfCopies() const {
  CopyOptions copies;
  copies.encode_threads = static_cast<int>(OrCores(static_cast<size_t>(options_.encode_threads)));
  copies.write_buffer_bytes = options_.write_buffer_bytes;
  copies.block_cache_bytes = options_.block_cache_bytes;
  copies.disk_reserve_bytes = options_.disk_reserve_bytes;
  copies.checkpoint_log_bytes = options_.checkpoint_log_bytes;
  copies.checkpoint_seconds = options_.checkpoint_seconds;
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

void Node::Tick() {
  std::unique_lock lock(mutex_);
  while (!stop_ticking_.wait_for(lock, kTickEvery, [this] { return stopping_; })) {
    lock.unlock();
    for (const auto& [id, held] : HeldNow()) {
      if (held.copy != nullptr) held.copy->Tick();
    }
    SweepArtifacts();
    lock.lock();
  }
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
    spdlog::warn("unused artifacts were not removed error=\"{}\"", status.ToString());
  }
}

// Copies are asked outside the lock that every call takes: one that waits for its disk must not
// hold up the others.
NodeHealth Node::health() const {
  NodeHealth health;
  health.ready = !draining_;
  if (draining_) health.reason = "draining";
  health.log_bytes = log_->bytes();
  health.search_queue = search_pool_.queued();
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
    // What keeps the node from being ready is named before what is only amiss.
    if (!copy.reason.empty() && (health.reason.empty() || (health.ready && !copy.ready))) {
      health.reason = fmt::format("shard {}: {}", id, copy.reason);
    }
    health.ready = health.ready && copy.ready;
    health.live_points += copy.live_points;
    health.checkpoint_failures += copy.checkpoint_failures;
    health.digest_repairs += copy.digest_repairs;
  }
  return health;
}

}  // namespace kith::shard
