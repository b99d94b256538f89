#ifndef KITH_COMMON_BASE_MEMORY_H_
#define KITH_COMMON_BASE_MEMORY_H_

namespace kith {

// For the start of a server: blocks of 4 MiB and more are from then on given back to the system as
// they are freed. By itself glibc takes ever larger ones (up to 32 MiB) from the heap, where what
// stands above a hole keeps it (docs/decisions/0023 has what that cost). Threads: one, before there
// are others.
void KeepLargeBlocksApart();

// Gives memory that was freed back to the system, after something large is done: glibc keeps what
// lies between blocks that are still used. Takes up to some tens of milliseconds.
// Threads: any.
void ReturnFreeMemory();

}  // namespace kith

#endif  // KITH_COMMON_BASE_MEMORY_H_
