#ifndef KITH_TESTS_FUZZ_MEMORY_FILES_H_
#define KITH_TESTS_FUZZ_MEMORY_FILES_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "shard/storage/file_system.h"

namespace kith::fuzz {

// Files in memory: a decoder may read one a hundred thousand times a second. A mapping is a block
// of exactly the file's size, so that a byte too far shows. Threads: one.
class MemoryFiles final : public storage::FileSystem {
 public:
  using Bytes = std::vector<std::byte>;

  void Put(const std::string& path, std::string_view bytes);
  std::string Get(const std::string& path) const;

  absl::Status CreateDirectories(const std::string&) override { return absl::OkStatus(); }
  absl::Status SyncDirectory(const std::string&) override { return absl::OkStatus(); }
  absl::Status SyncFile(const std::string&) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  bool Exists(const std::string& path) override { return path == "." || files_.contains(path); }
  absl::Status Remove(const std::string& path) override;
  absl::Status RemoveTree(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::StatusOr<std::unique_ptr<storage::WritableFile>> Create(const std::string& path) override;
  absl::Status Link(const std::string& from, const std::string& to) override;
  absl::StatusOr<std::unique_ptr<storage::ReadableFile>> OpenToRead(
      const std::string& path) override;
  absl::StatusOr<uint64_t> FileBytes(const std::string& path) override;
  absl::StatusOr<std::string> ReadAll(const std::string& path, uint64_t bytes_max) override;
  absl::StatusOr<std::unique_ptr<storage::MappedFile>> MapReadOnly(
      const std::string& path) override;
  absl::StatusOr<std::unique_ptr<storage::MappedFile>> MapShared(const std::string& path,
                                                                 size_t size) override;
  absl::StatusOr<uint64_t> FreeBytes(const std::string&) override { return uint64_t{1} << 40; }
  rocksdb::Env* rocksdb_env() override { return nullptr; }

 private:
  std::map<std::string, std::shared_ptr<Bytes>> files_;
};

}  // namespace kith::fuzz

#endif  // KITH_TESTS_FUZZ_MEMORY_FILES_H_
