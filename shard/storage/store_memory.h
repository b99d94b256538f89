#ifndef KITH_SHARD_STORAGE_STORE_MEMORY_H_
#define KITH_SHARD_STORAGE_STORE_MEMORY_H_

#include <cstdint>
#include <memory>

namespace kith::storage {

// The memory and the disk bandwidth that all state databases of a node share: one block cache, one
// budget of write buffers, one limit of background writing. Opaque: rocks_store_memory.h has it.
struct StoreMemory;

struct StoreMemoryOptions {
  // Unwritten changes of all shards together; reaching it makes the shard that writes flush.
  uint64_t write_buffer_bytes = 128 << 20;
  uint64_t block_cache_bytes = 256 << 20;
};

std::shared_ptr<StoreMemory> NewStoreMemory(const StoreMemoryOptions& options);

struct StoreMemoryUse {
  uint64_t write_buffers = 0;
  uint64_t block_cache = 0;
};
StoreMemoryUse MemoryUse(const StoreMemory& memory);
// Empties the block cache but for what is being read or pinned. Checking new files puts all their
// blocks there, though nobody may ever ask for them; who does reads them from the page cache.
void DropCachedBlocks(StoreMemory& memory);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_STORE_MEMORY_H_
