#ifndef KITH_COMMON_BASE_MEMORY_H_
#define KITH_COMMON_BASE_MEMORY_H_

#include <cstddef>

namespace kith {

// Servers are linked with jemalloc (docs/decisions/0062); other programs of ours, and all under a
// sanitizer, have glibc's allocator. These functions serve both.

// For the start of a server: blocks of 4 MiB and more are from then on given back to the system as
// they are freed. By itself glibc takes ever larger ones (up to 32 MiB) from the heap, where what
// stands above a hole keeps it (docs/decisions/0023 has what that cost). Threads: one, before there
// are others.
void KeepLargeBlocksApart();

// Gives memory that was freed back to the system, after something large is done: glibc keeps what
// lies between blocks that are still used. Takes up to some tens of milliseconds.
// Threads: any.
void ReturnFreeMemory();

// What the allocator holds, in bytes: blocks that are used, and what was freed and not given back
// to the system. A leak makes the first grow, holes between blocks the second.
struct AllocatorBytes {
  size_t used = 0;
  size_t free = 0;
};
// Walks the lists of free blocks: for a look now and then. Threads: any.
AllocatorBytes ReadAllocator();

}  // namespace kith

#endif  // KITH_COMMON_BASE_MEMORY_H_
