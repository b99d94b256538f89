#ifndef KITH_TESTS_SUPPORT_DISK_HOOKS_H_
#define KITH_TESTS_SUPPORT_DISK_HOOKS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace kith::test {

// One change of the disk, as a HookedFileSystem is about to make it.
struct DiskCall {
  enum class Kind {
    kCreateFile,  // or empties one
    kAppend,      // `size` bytes more
    kSyncFile,
    kTruncate,  // to `size` bytes
    kMakeDirectory,
    kRename,  // to `target`
    kRemoveFile,
    kRemoveDirectory,
    kSyncDirectory,
    kMap,      // of at least `size` bytes, shared
    kSyncMap,  // everything written through the map so far
  };
  Kind kind = Kind::kAppend;
  std::string path;
  std::string target;
  uint64_t size = 0;
};

// What stands between the code and the real disk. Threads: any.
class DiskHooks {
 public:
  // 0 or an errno.
  using RealOperation = std::function<int()>;

  virtual ~DiskHooks() = default;
  // Does the call, usually by `real`; answers 0 or the errno that the caller shall see.
  virtual int Run(const DiskCall& call, const RealOperation& real) = 0;
  virtual std::optional<uint64_t> FreeBytes() { return std::nullopt; }  // none: the real answer
};

}  // namespace kith::test

#endif  // KITH_TESTS_SUPPORT_DISK_HOOKS_H_
