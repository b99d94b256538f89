#ifndef KITH_SHARD_STORAGE_ROOM_WAIT_H_
#define KITH_SHARD_STORAGE_ROOM_WAIT_H_

#include <rocksdb/env.h>
#include <rocksdb/io_status.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace kith::storage {

// How a state meets a full disk: what cannot be written for want of room is written again until it
// can, and RocksDB sees no error. Its own recovery is not used: after an atomic flush that failed,
// RocksDB 7.8.3 may answer OK for memtables that are not written, or never write them at all and
// take no writes for ever.
//
// Threads: any.
class RoomWait {
 public:
  // `waiting`: how many writes wait, of all the states of a node. Their disk is the same, and so
  // are the threads that flush them: where one waits, the others do.
  explicit RoomWait(std::shared_ptr<std::atomic<int>> waiting) : waiting_(std::move(waiting)) {}

  void Begin();  // before it nothing waits: whoever opens a state on a full disk hears of it
  void End();    // nor after it, and what waits answers with its error
  bool IsAwaited() const { return *waiting_ > 0; }

  // Repeats `write`, which has no effect where it fails, while there is no room for it.
  rocksdb::IOStatus Repeat(const std::string& path,
                           const std::function<rocksdb::IOStatus()>& write);

 private:
  rocksdb::IOStatus WaitAndRepeat(const std::string& path,
                                  const std::function<rocksdb::IOStatus()>& write);

  const std::shared_ptr<std::atomic<int>> waiting_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool waits_ = false;
};

// `base` with files whose writes wait for room. Both outlive it.
std::unique_ptr<rocksdb::Env> NewRoomWaitingEnv(rocksdb::Env& base, RoomWait& room);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_ROOM_WAIT_H_
