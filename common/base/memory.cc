#include "common/base/memory.h"

#include <malloc.h>

namespace kith {

void KeepLargeBlocksApart() { mallopt(M_MMAP_THRESHOLD, 4 << 20); }

void ReturnFreeMemory() { malloc_trim(0); }

AllocatorBytes ReadAllocator() {
  const struct mallinfo2 all = mallinfo2();
  return {all.uordblks + all.hblkhd, all.fordblks};
}

}  // namespace kith
