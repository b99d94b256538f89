// Races planted on purpose, and the same done right. tests/tsan/sight_test.py runs each by itself:
// whatever is named Reported has to be, and nothing else. A suppression that hides what is ours
// fails there.
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "common/base/executor.h"
#include "shard/parts/snapshot.h"

namespace kith {
namespace {

constexpr int kRounds = 1000;

// Two threads, the second of which waits for the first by a relaxed flag: both run, in this order,
// and nothing orders what they do.
void RunBoth(const std::function<void()>& first, const std::function<void()>& second) {
  std::atomic<bool> first_has_run = false;
  std::thread one([&] {
    first();
    first_has_run.store(true, std::memory_order_relaxed);
  });
  std::thread other([&] {
    while (!first_has_run.load(std::memory_order_relaxed)) std::this_thread::yield();
    second();
  });
  one.join();
  other.join();
}

TEST(TsanSight, ACounterWithoutALockIsReported) {
  int counter = 0;
  RunBoth([&] { ++counter; }, [&] { ++counter; });
}

TEST(TsanSight, ALockThatOneOfTwoOmitsIsReported) {
  std::mutex mutex;
  int counter = 0;
  const auto locked = [&] {
    std::lock_guard lock(mutex);
    ++counter;
  };
  RunBoth(locked, [&] { ++counter; });
}

TEST(TsanSight, ACounterUnderALockIsNot) {
  std::mutex mutex;
  int counter = 0;
  const auto locked = [&] {
    std::lock_guard lock(mutex);
    ++counter;
  };
  RunBoth(locked, locked);
}

TEST(TsanSight, BytesCopiedByOursWithoutALockAreReported) {
  std::array<char, 64> bytes{}, one{}, other{};
  one.fill('1');
  // Not inlined: the copy is libc's, which ThreadSanitizer sees as called by ours.
  size_t volatile size = bytes.size();
  RunBoth([&] { std::memcpy(bytes.data(), one.data(), size); },
          [&] { std::memcpy(other.data(), bytes.data(), size); });
}

TEST(TsanSight, WhatTwoTasksOfAnExecutorShareIsReported) {
  int counter = 0;
  std::atomic<int> begun = 0;
  const auto task = [&] {
    begun.fetch_add(1, std::memory_order_relaxed);
    // Both are under way, each on a thread of its own, and what they do now nothing orders.
    while (begun.load(std::memory_order_relaxed) < 2) std::this_thread::yield();
    ++counter;
  };
  Executor pool({"pool", 2, 8, 0});
  pool.PostAlways(task);
  pool.PostAlways(task);
}

TEST(TsanSight, WhatIsHandedOverThroughAnExecutorOrAPromiseIsNot) {
  int counter = 0;
  Executor pool({"pool", 2, 8, 0});
  for (int i = 0; i < kRounds; ++i) {
    std::promise<void> done;
    pool.PostAlways([&] {
      ++counter;
      done.set_value();
    });
    done.get_future().wait();
    ++counter;
  }
}

TEST(TsanSight, AStatusThatGoesFromThreadToThreadIsNot) {
  Executor pool({"pool", 4, 8, 0});
  for (int i = 0; i < kRounds; ++i) {
    absl::Status status = absl::UnavailableError("a text that is too long to be kept inline");
    for (int j = 0; j < 4; ++j) {
      pool.PostAlways([status]() mutable { status.SetPayload("type", absl::Cord("payload")); });
    }
  }
}

TEST(TsanSight, SnapshotsThatArePinnedWhileOthersAreMadeAreNot) {
  shard::SnapshotCell cell;
  cell.Update([](shard::Snapshot& snapshot) { snapshot.live_points = 1; });
  const auto pin = [&] {
    for (int i = 0; i < kRounds; ++i) ASSERT_GT(cell.Pin()->live_points, 0u);
  };
  std::thread one(pin), other(pin);
  for (int i = 0; i < kRounds; ++i) {
    cell.Update([](shard::Snapshot& snapshot) { ++snapshot.live_points; });
  }
  one.join();
  other.join();
}

TEST(TsanSight, ASnapshotThatIsChangedWhileItIsPinnedIsReported) {
  shard::SnapshotCell cell;
  cell.Update([](shard::Snapshot& snapshot) { snapshot.live_points = 1; });
  std::shared_ptr<const shard::Snapshot> pinned;
  uint64_t seen = 0;
  const auto read = [&] {
    pinned = cell.Pin();
    seen = pinned->live_points;
  };
  RunBoth(read, [&] { const_cast<shard::Snapshot&>(*cell.Pin()).live_points = 2; });
}

// On a thread of RocksDB's, called from code that ThreadSanitizer did not see.
void OnARocksThread(const std::function<void()>& work) {
  std::promise<void> done;
  std::pair arguments(&work, &done);
  rocksdb::Env::Default()->StartThread(
      [](void* both) {
        const auto& [run, ended] = *static_cast<decltype(arguments)*>(both);
        (*run)();
        ended->set_value();
      },
      &arguments);
  done.get_future().wait();
}

TEST(TsanSight, WhatAThreadOfRocksDbAndOursShareIsReported) {
  int counter = 0;
  const auto count = [&] { ++counter; };
  RunBoth([&] { OnARocksThread(count); }, count);
}

TEST(TsanSight, WhatIsHandedToAThreadOfRocksDbAndBackIsNot) {
  int counter = 0;
  for (int i = 0; i < kRounds; ++i) {
    ++counter;
    OnARocksThread([&] { ++counter; });
  }
}

TEST(TsanSight, LocksTakenInBothOrdersAreReported) {
  std::mutex mutex, other;
  for (const auto& [first, second] : {std::pair(&mutex, &other), std::pair(&other, &mutex)}) {
    std::lock_guard outer(*first);
    std::lock_guard inner(*second);
  }
}

}  // namespace
}  // namespace kith
