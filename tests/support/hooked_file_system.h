#ifndef KITH_TESTS_SUPPORT_HOOKED_FILE_SYSTEM_H_
#define KITH_TESTS_SUPPORT_HOOKED_FILE_SYSTEM_H_

#include <rocksdb/env.h>

#include <memory>
#include <string>
#include <vector>

#include "shard/storage/file_system.h"
#include "tests/support/disk_hooks.h"

namespace kith::test {

// The real file system with every change going through hooks, RocksDB's changes too. `hooks`
// outlives it and every store opened through it. Threads: any.
class HookedFileSystem final : public storage::FileSystem {
 public:
  explicit HookedFileSystem(DiskHooks& hooks);
  ~HookedFileSystem() override;

  absl::Status CreateDirectories(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::Status SyncFile(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  bool Exists(const std::string& path) override { return real_->Exists(path); }
  absl::Status Remove(const std::string& path) override;
  absl::Status RemoveTree(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::StatusOr<std::unique_ptr<storage::WritableFile>> Create(const std::string& path) override;
  // Not simulated: UNIMPLEMENTED, so that whoever links copies.
  absl::Status Link(const std::string& from, const std::string& to) override;
  absl::StatusOr<std::unique_ptr<storage::ReadableFile>> OpenToRead(
      const std::string& path) override {
    return real_->OpenToRead(path);
  }
  absl::StatusOr<uint64_t> FileBytes(const std::string& path) override {
    return real_->FileBytes(path);
  }
  absl::StatusOr<std::string> ReadAll(const std::string& path, uint64_t bytes_max) override;
  absl::StatusOr<std::unique_ptr<storage::MappedFile>> MapReadOnly(
      const std::string& path) override;
  absl::StatusOr<std::unique_ptr<storage::MappedFile>> MapShared(const std::string& path,
                                                                 size_t size) override;
  absl::StatusOr<uint64_t> FreeBytes(const std::string& path) override;
  rocksdb::Env* rocksdb_env() override { return env_.get(); }

 private:
  DiskHooks& hooks_;
  const std::unique_ptr<storage::FileSystem> real_;
  const std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace kith::test

#endif  // KITH_TESTS_SUPPORT_HOOKED_FILE_SYSTEM_H_
