#include "common/base/memory.h"

#include <malloc.h>

namespace kith {

void ReturnFreeMemory() { malloc_trim(0); }

}  // namespace kith
