#ifndef KITH_TESTS_SUPPORT_FULL_DISK_FILE_SYSTEM_H_
#define KITH_TESTS_SUPPORT_FULL_DISK_FILE_SYSTEM_H_

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/disk_hooks.h"
#include "tests/support/hooked_file_system.h"

namespace kith::test {

// A disk with room for so many bytes more; then every write answers ENOSPC. Removed files do not
// make room, AddBytes does. With `below`, only files whose path contains it lie on that disk.
// Threads: any.
class FullDisk final : public DiskHooks {
 public:
  explicit FullDisk(uint64_t free_bytes, std::string below = "")
      : below_(std::move(below)), free_bytes_(free_bytes), files_(*this) {}

  storage::FileSystem& files() { return files_; }
  void AddBytes(uint64_t bytes);

  int Run(const DiskCall& call, const RealOperation& real) override;
  std::optional<uint64_t> FreeBytes() override;

 private:
  bool Take(uint64_t bytes);

  const std::string below_;
  std::mutex mutex_;
  uint64_t free_bytes_;
  HookedFileSystem files_;
};

}  // namespace kith::test

#endif  // KITH_TESTS_SUPPORT_FULL_DISK_FILE_SYSTEM_H_
