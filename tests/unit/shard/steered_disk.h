#ifndef KITH_TESTS_UNIT_SHARD_STEERED_DISK_H_
#define KITH_TESTS_UNIT_SHARD_STEERED_DISK_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>

#include "tests/support/disk_hooks.h"
#include "tests/support/hooked_file_system.h"

namespace kith::test {

// The real disk, save for the calls that a test picks: they answer an errno or wait. Threads: any.
class SteeredDisk final : public DiskHooks {
 public:
  using Picks = std::function<bool(const DiskCall&)>;

  SteeredDisk() : files_(*this) {}
  storage::FileSystem& files() { return files_; }

  // From now on such calls answer `error`.
  void Fail(int error, Picks picks) {
    std::lock_guard lock(mutex_);
    error_ = error;
    failing_ = std::move(picks);
  }
  // From now on such calls wait until Release.
  void Hold(Picks picks) {
    std::lock_guard lock(mutex_);
    held_ = std::move(picks);
  }
  void Release() {
    std::lock_guard lock(mutex_);
    held_ = nullptr;
    failing_ = nullptr;
    changed_.notify_all();
  }
  // How many calls wait now.
  int waiting() {
    std::lock_guard lock(mutex_);
    return waiting_;
  }
  // Told of every call; set before the disk is used.
  std::function<void(const DiskCall&)> watch;

  int Run(const DiskCall& call, const RealOperation& real) override {
    if (watch) watch(call);
    {
      std::unique_lock lock(mutex_);
      if (failing_ && failing_(call)) return error_;
      ++waiting_;
      changed_.wait(lock, [&] { return !held_ || !held_(call); });
      --waiting_;
    }
    return real();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int error_ = 0;
  int waiting_ = 0;
  Picks failing_;
  Picks held_;
  HookedFileSystem files_;
};

// Picks calls of one kind whose path contains `text`.
inline SteeredDisk::Picks Calls(DiskCall::Kind kind, std::string text) {
  return [kind, text = std::move(text)](const DiskCall& call) {
    return call.kind == kind && call.path.find(text) != std::string::npos;
  };
}

}  // namespace kith::test

#endif  // KITH_TESTS_UNIT_SHARD_STEERED_DISK_H_
