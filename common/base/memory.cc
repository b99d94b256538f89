#include "common/base/memory.h"

#include <malloc.h>

namespace kith {

void KeepLargeBlocksApart() { mallopt(M_MMAP_THRESHOLD, 4 << 20); }

void ReturnFreeMemory() { malloc_trim(0); }

}  // namespace kith
