#include "shard/storage/store_memory.h"

#include "shard/storage/rocks_store_memory.h"

namespace kith::storage {
namespace {

constexpr int64_t kBackgroundWriteBytesPerSecond = 100 << 20;

}  // namespace

std::shared_ptr<StoreMemory> NewStoreMemory(const StoreMemoryOptions& options) {
  auto memory = std::make_shared<StoreMemory>();
  memory->cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  // Not charged to the cache: an import must not push the blocks out that reads need.
  memory->write_buffers = std::make_shared<rocksdb::WriteBufferManager>(options.write_buffer_bytes);
  // A fixed rate: tuning by itself it falls to a twentieth while nothing is written and rises by 5
  // % in ten seconds, so the first flushes of an import would stall the writer.
  memory->background_writes.reset(rocksdb::NewGenericRateLimiter(kBackgroundWriteBytesPerSecond));
  return memory;
}

StoreMemoryUse MemoryUse(const StoreMemory& memory) {
  return {memory.write_buffers->memory_usage(), memory.cache->GetUsage()};
}

void DropCachedBlocks(StoreMemory& memory) { memory.cache->EraseUnRefEntries(); }

}  // namespace kith::storage
