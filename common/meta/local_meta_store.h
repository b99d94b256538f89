#ifndef KITH_COMMON_META_LOCAL_META_STORE_H_
#define KITH_COMMON_META_LOCAL_META_STORE_H_

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/meta/meta_store.h"

namespace rocksdb {
class DB;
class Env;
class WriteBatch;
}  // namespace rocksdb

namespace kith {

struct LocalMetaOptions {
  std::string directory;        // created where missing; its parent must exist
  rocksdb::Env* env = nullptr;  // null: the machine's; outlives the store
};

// The metadata of a cluster with one coordinator: one small RocksDB, every change a synced batch.
// One lock orders the changes, which are few.
// Threads: any.
class LocalMetaStore final : public MetaStore {
 public:
  // Creates an empty store with a new cluster id, or opens an existing one.
  // FAILED_PRECONDITION DIRECTORY_IN_USE, STORAGE (read-only, no rights); RESOURCE_EXHAUSTED
  // DISK_FULL; DATA_LOSS CORRUPTION.
  static absl::StatusOr<std::unique_ptr<LocalMetaStore>> Open(const LocalMetaOptions& options);
  ~LocalMetaStore() override;

  absl::StatusOr<Uuid> ClusterId() override;
  absl::StatusOr<CollectionRecord> Get(const std::string& name) override;
  absl::StatusOr<std::vector<CollectionRecord>> List() override;
  absl::StatusOr<CollectionRecord> Create(CollectionRecord record) override;
  absl::StatusOr<CollectionRecord> Update(CollectionRecord record) override;
  absl::Status Delete(const std::string& name, uint64_t revision) override;
  absl::StatusOr<Aliases> ListAliases() override;
  absl::StatusOr<Aliases> ChangeAliases(const std::vector<AliasChange>& changes) override;
  absl::StatusOr<ShardId> ReserveShardIds(uint32_t count) override;

 private:
  explicit LocalMetaStore(std::unique_ptr<rocksdb::DB> db);

  absl::Status Initialise();
  absl::StatusOr<CollectionRecord> Read(const std::string& name);
  absl::StatusOr<std::vector<CollectionRecord>> ReadAll();
  absl::StatusOr<Aliases> ReadAliases();
  absl::StatusOr<uint64_t> Counter(std::string_view key);
  // Gives the record the next revision and writes both.
  absl::StatusOr<CollectionRecord> Put(CollectionRecord record);
  absl::Status Commit(rocksdb::WriteBatch& batch);

  std::mutex mutex_;
  const std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace kith

#endif  // KITH_COMMON_META_LOCAL_META_STORE_H_
