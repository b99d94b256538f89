#ifndef KITH_COMMON_BASE_MEMORY_H_
#define KITH_COMMON_BASE_MEMORY_H_

namespace kith {

// Gives memory that was freed back to the system, after something large is done: glibc keeps what
// lies between blocks that are still used. Takes up to some tens of milliseconds.
// Threads: any.
void ReturnFreeMemory();

}  // namespace kith

#endif  // KITH_COMMON_BASE_MEMORY_H_
