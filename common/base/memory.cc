#include "common/base/memory.h"

#include <malloc.h>

#include <cstdint>

// jemalloc's, where a program is linked with it (its manual, "MALLCTL NAMESPACE").
extern "C" int mallctl(const char* name, void* old_value, size_t* old_size, void* new_value,
                       size_t new_size) __attribute__((weak));

namespace kith {
namespace {

bool HasJemalloc() { return mallctl != nullptr; }

size_t ReadJemalloc(const char* name) {
  size_t value = 0;
  size_t size = sizeof(value);
  return mallctl(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

}  // namespace

void KeepLargeBlocksApart() {
  // jemalloc does so by itself.
  if (!HasJemalloc()) mallopt(M_MMAP_THRESHOLD, 4 << 20);
}

void ReturnFreeMemory() {
  if (!HasJemalloc()) {
    malloc_trim(0);
    return;
  }
  // Of all arenas: 4096 is MALLCTL_ARENAS_ALL.
  (void)mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
}

AllocatorBytes ReadAllocator() {
  if (!HasJemalloc()) {
    const struct mallinfo2 all = mallinfo2();
    return {all.uordblks + all.hblkhd, all.fordblks};
  }
  uint64_t epoch = 1;  // what is read is as of the last time that this was written
  (void)mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch));
  const size_t used = ReadJemalloc("stats.allocated");
  const size_t held = ReadJemalloc("stats.resident");
  return {used, held > used ? held - used : 0};
}

}  // namespace kith
