#include "shard/node.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

constexpr auto kTickEvery = std::chrono::milliseconds(200);
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
  KITH_ASSIGN_OR_RETURN(auto hint, storage::LogHint::Open(directory->path() + "/HINT",
                                                          *options.files, *options.clock));
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
  std::map<ShardId, Held> shards;
  {
    std::lock_guard lock(mutex_);
    shards = shards_;
  }
  for (auto& [id, held] : shards) {
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

absl::Status Node::LoadShards() {
  KITH_ASSIGN_OR_RETURN(auto directories, directory_->ListShards());
  for (storage::NodeDirectory::ShardDirectory& directory : directories) {
    Held held{std::move(directory), nullptr, absl::OkStatus()};
    held.failure = OpenCopy(held);
    if (!held.failure.ok()) {
      spdlog::error("shard does not serve shard={} error=\"{}\"", held.directory.spec.shard,
                    held.failure.ToString());
    }
    std::lock_guard lock(mutex_);
    const ShardId shard = held.directory.spec.shard;
    shards_.insert_or_assign(shard, std::move(held));
  }
  return absl::OkStatus();
}

absl::Status Node::OpenCopy(Held& held) {
  KITH_ASSIGN_OR_RETURN(
      held.copy, Copy::Open(held.directory.spec, held.directory.path, Host(), OptionsOfCopies()));
  return absl::OkStatus();
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
  while (!stop_ticking_.wait_for(lock, kTickEvery, [this] { return stopping_; })) {
    std::vector<std::shared_ptr<Copy>> copies;
    for (const auto& [id, held] : shards_) {
      if (held.copy != nullptr) copies.push_back(held.copy);
    }
    lock.unlock();
    for (const auto& copy : copies) copy->Tick();
    copies.clear();
    lock.lock();
  }
}

NodeHealth Node::health() const {
  NodeHealth health;
  health.ready = !draining_;
  if (draining_) health.reason = "draining";
  health.log_bytes = log_->bytes();
  health.search_queue = search_pool_.queued();
  if (const auto free = options_.files->FreeBytes(directory_->path()); free.ok()) {
    health.disk_free_bytes = *free;
  }
  std::lock_guard lock(mutex_);
  health.shards = shards_.size();
  for (const auto& [id, held] : shards_) {
    if (held.copy == nullptr) {
      health.ready = false;
      health.reason = fmt::format("shard {}: {}", id, held.failure.ToString());
    } else {
      health.live_points += held.copy->Stat().live_points;
    }
  }
  return health;
}

}  // namespace kith::shard
