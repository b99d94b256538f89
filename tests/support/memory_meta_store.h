#ifndef KITH_TESTS_SUPPORT_MEMORY_META_STORE_H_
#define KITH_TESTS_SUPPORT_MEMORY_META_STORE_H_

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/meta/meta_store.h"

namespace kith::testing {

// A MetaStore in memory. `before_update` runs before each Update without the lock, so that a test
// can change the record in between, or fail the update by what it returns. Threads: any.
class MemoryMetaStore final : public MetaStore {
 public:
  std::function<absl::Status(const CollectionRecord&)> before_update;

  absl::StatusOr<Uuid> ClusterId() override { return cluster_; }

  absl::StatusOr<CollectionRecord> Get(const std::string& name) override {
    std::lock_guard lock(mutex_);
    const auto found = records_.find(name);
    if (found == records_.end()) return NotFound(name);
    return found->second;
  }

  absl::StatusOr<std::vector<CollectionRecord>> List() override {
    std::lock_guard lock(mutex_);
    std::vector<CollectionRecord> records;
    for (const auto& [name, record] : records_) records.push_back(record);
    return records;
  }

  absl::StatusOr<CollectionRecord> Create(CollectionRecord record) override {
    std::lock_guard lock(mutex_);
    if (records_.contains(record.name)) {
      return Error(absl::StatusCode::kAlreadyExists, reason::kCollectionExists, "it exists");
    }
    if (aliases_.contains(record.name)) {
      return Error(absl::StatusCode::kAlreadyExists, reason::kAliasExists, "it is an alias");
    }
    record.revision = ++revision_;
    return records_[record.name] = record;
  }

  absl::StatusOr<CollectionRecord> Update(CollectionRecord record) override {
    if (before_update) KITH_RETURN_IF_ERROR(before_update(record));
    std::lock_guard lock(mutex_);
    const auto found = records_.find(record.name);
    if (found == records_.end()) return NotFound(record.name);
    if (found->second.revision != record.revision) return Outdated();
    record.revision = ++revision_;
    return found->second = record;
  }

  absl::Status Delete(const std::string& name, uint64_t revision) override {
    std::lock_guard lock(mutex_);
    const auto found = records_.find(name);
    if (found == records_.end()) return NotFound(name);
    if (found->second.revision != revision) return Outdated();
    records_.erase(found);
    return absl::OkStatus();
  }

  absl::StatusOr<Aliases> ListAliases() override {
    std::lock_guard lock(mutex_);
    return aliases_;
  }

  absl::StatusOr<Aliases> ChangeAliases(const std::vector<AliasChange>& changes) override {
    std::lock_guard lock(mutex_);
    std::vector<CollectionRecord> records;
    for (const auto& [name, record] : records_) records.push_back(record);
    KITH_ASSIGN_OR_RETURN(aliases_, ChangedAliases(aliases_, changes, records));
    return aliases_;
  }

  absl::StatusOr<ShardId> ReserveShardIds(uint32_t count) override {
    std::lock_guard lock(mutex_);
    return std::exchange(next_shard_, next_shard_ + count);
  }

  // As if somebody else had written the record: its revision moves on.
  void Touch(const std::string& name) {
    std::lock_guard lock(mutex_);
    records_.at(name).revision = ++revision_;
  }
  void Set(const CollectionRecord& record) {
    std::lock_guard lock(mutex_);
    records_[record.name] = record;
    records_[record.name].revision = ++revision_;
  }

 private:
  static absl::Status NotFound(const std::string& name) {
    return Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound, "no " + name);
  }
  static absl::Status Outdated() {
    return Error(absl::StatusCode::kAborted, reason::kVersionMismatch, "read it again");
  }

  const Uuid cluster_ = Uuid::Random();
  std::mutex mutex_;
  std::map<std::string, CollectionRecord> records_;
  Aliases aliases_;
  uint64_t revision_ = 0;
  ShardId next_shard_ = 1;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_SUPPORT_MEMORY_META_STORE_H_
