#ifndef KITH_SHARD_STORAGE_ROCKS_STORE_MEMORY_H_
#define KITH_SHARD_STORAGE_ROCKS_STORE_MEMORY_H_

#include <rocksdb/cache.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/write_buffer_manager.h>

#include <atomic>
#include <memory>

#include "shard/storage/store_memory.h"

namespace kith::storage {

struct StoreMemory {
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
  std::shared_ptr<rocksdb::RateLimiter> background_writes;
  // Writes of its states that wait for room on the disk.
  std::shared_ptr<std::atomic<int>> waiting_for_room = std::make_shared<std::atomic<int>>(0);
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_ROCKS_STORE_MEMORY_H_
