#ifndef KITH_TESTS_UNIT_COORDINATOR_ADMIN_ADMIN_CLUSTER_H_
#define KITH_TESTS_UNIT_COORDINATOR_ADMIN_ADMIN_CLUSTER_H_

#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/base/ids.h"
#include "coordinator/admin/catalog.h"
#include "coordinator/admin/collection_service.h"
#include "coordinator/admin/index_version_service.h"
#include "coordinator/admin/operations.h"
#include "coordinator/admin/payload_index_service.h"
#include "coordinator/admin/reconcile.h"
#include "coordinator/admin/training/train_service.h"
#include "coordinator/cluster/cluster_map.h"
#include "tests/support/fake_shard_service.h"
#include "tests/support/memory_meta_store.h"

namespace kith::coordinator {

// Real time that a test can move forward. Threads: any.
class ShiftedClock final : public Clock {
 public:
  Deadline Now() const override {
    std::lock_guard lock(mutex_);
    return std::chrono::steady_clock::now() + shift_;
  }
  uint64_t UnixMs() const override {
    std::lock_guard lock(mutex_);
    return 1'700'000'000'000 + static_cast<uint64_t>(shift_.count());
  }
  void Advance(std::chrono::milliseconds by) {
    std::lock_guard lock(mutex_);
    shift_ += by;
  }

 private:
  mutable std::mutex mutex_;
  std::chrono::milliseconds shift_{0};
};

// A coordinator's administration over fake nodes named n0, n1 ... Restart makes a new one over the
// same metadata and nodes.
class AdminCluster {
 public:
  explicit AdminCluster(int nodes) {
    for (int i = 0; i < nodes; ++i) {
      nodes_.push_back(std::make_unique<testing::FakeShardService>());
      services_[fmt::format("n{}", i)] = nodes_.back().get();
    }
    Restart();
  }
  ~AdminCluster() { Stop(); }

  void Restart() {
    Stop();
    jobs_ = std::make_unique<Executor>(ExecutorOptions{"jobs", 2, 8, 0});
    map_ = std::make_unique<ClusterMap>();
    AdminContext context;
    context.meta = &meta;
    context.map = map_.get();
    context.nodes = services_;
    context.clock = &clock;
    context.timing = {std::chrono::milliseconds(2000),
                      std::chrono::milliseconds(1000),
                      std::chrono::milliseconds(5000),
                      std::chrono::milliseconds(1),
                      std::chrono::milliseconds(1),
                      std::chrono::milliseconds(50),
                      3};
    catalog_ = std::make_unique<Catalog>(context);
    operations_ = std::make_unique<Operations>(clock);
    collections_ =
        std::make_unique<CollectionService>(*catalog_, *operations_, CollectionDefaults{});
    trainer_ = std::make_unique<TrainService>(*catalog_, *operations_, *jobs_);
    versions_ = std::make_unique<IndexVersionService>(*catalog_, *operations_);
    payload_indexes_ = std::make_unique<PayloadIndexService>(*catalog_, *operations_);
    reconciler_ = std::make_unique<Reconciler>(*catalog_, *operations_);
  }

  testing::FakeShardService& node(size_t i) { return *nodes_[i]; }
  size_t nodes() const { return nodes_.size(); }
  void RemoveFromConfiguration(const std::string& node) { services_.erase(node); }
  ClusterMap& map() { return *map_; }
  Catalog& catalog() { return *catalog_; }
  Operations& operations() { return *operations_; }
  CollectionService& collections() { return *collections_; }
  TrainService& trainer() { return *trainer_; }
  IndexVersionService& versions() { return *versions_; }
  PayloadIndexService& payload_indexes() { return *payload_indexes_; }
  Reconciler& reconciler() { return *reconciler_; }

  static CreateCollectionCall Call(const std::string& name, uint32_t shards) {
    CreateCollectionCall call;
    call.collection = name;
    call.dimension = 4;
    call.metric = Metric::kL2;
    call.element_type = ElementType::kF32;
    call.shards = shards;
    return call;
  }

  // The same points whatever the number of shards.
  void Fill(const std::string& name, uint64_t points) {
    const CollectionRecord record = *meta.Get(name);
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    for (uint64_t i = 0; i < points; ++i) {
      const float vector[4] = {normal(random), normal(random), normal(random), normal(random)};
      std::string bytes(sizeof(vector), 0);
      std::memcpy(bytes.data(), vector, sizeof(vector));
      const PointKey key = PointKey::FromNumber(i);
      for (const ShardPlacement& placement : record.shards) {
        const auto [begin, end] = placement.slots.front();
        if (SlotOf(key) < begin || SlotOf(key) >= end) continue;
        NodeOf(placement).Put(placement.shard, key, bytes);
      }
    }
  }
  testing::FakeShardService& NodeOf(const ShardPlacement& placement) {
    return *static_cast<testing::FakeShardService*>(services_.at(placement.node));
  }

  // Waits until the operation ended.
  Operation Await(const std::string& id) {
    for (int i = 0; i < 20'000; ++i) {
      const Operation operation = *operations_->Get(id);
      if (operation.state != OperationState::kRunning) return operation;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return *operations_->Get(id);
  }
  bool AwaitStage(const std::string& id, const std::string& stage) {
    for (int i = 0; i < 20'000; ++i) {
      if (operations_->Get(id)->stage == stage) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  // Index versions on any shard of any node.
  std::set<std::string> Indexes() {
    std::set<std::string> versions;
    for (const auto& node : nodes_) {
      for (const ShardId shard : node->shards()) {
        for (const std::string& version : node->IndexesOf(shard)) versions.insert(version);
      }
    }
    return versions;
  }

  testing::MemoryMetaStore meta;
  ShiftedClock clock;

 private:
  void Stop() {
    if (operations_ != nullptr) operations_->Close(std::chrono::seconds(20));
    reconciler_.reset();
    trainer_.reset();
    versions_.reset();
    payload_indexes_.reset();
    jobs_.reset();
    collections_.reset();
    operations_.reset();
    catalog_.reset();
  }

  std::vector<std::unique_ptr<testing::FakeShardService>> nodes_;
  NodeServices services_;
  std::unique_ptr<Executor> jobs_;
  std::unique_ptr<ClusterMap> map_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<CollectionService> collections_;
  std::unique_ptr<TrainService> trainer_;
  std::unique_ptr<IndexVersionService> versions_;
  std::unique_ptr<PayloadIndexService> payload_indexes_;
  std::unique_ptr<Reconciler> reconciler_;
};

}  // namespace kith::coordinator

#endif  // KITH_TESTS_UNIT_COORDINATOR_ADMIN_ADMIN_CLUSTER_H_
