#ifndef KITH_INDEX_PREFETCH_H_
#define KITH_INDEX_PREFETCH_H_

#include <cstddef>

namespace kith::index {

constexpr size_t kCacheLineBytes = 64;

// Starts fetching every line of `bytes` bytes (1 or more) into the first level of the cache.
inline void PrefetchAll(const void* begin, size_t bytes) {
  const char* at = static_cast<const char*>(begin);
  for (size_t i = 0; i < bytes; i += kCacheLineBytes) __builtin_prefetch(at + i);
  __builtin_prefetch(at + bytes - 1);
}

}  // namespace kith::index

#endif  // KITH_INDEX_PREFETCH_H_
