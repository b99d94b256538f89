#ifndef KITH_INDEX_PARALLEL_H_
#define KITH_INDEX_PARALLEL_H_

#include <cstddef>
#include <functional>

namespace kith::index {

// Runs work(i) once for every i in [0, chunks) on `threads` threads, the caller's among them.
// `go_on` is asked on the caller's thread only, after each chunk it did, with the number of chunks
// finished so far; false starts no further chunk. Returns whether all chunks were done.
//
// What a chunk is must not depend on `threads` wherever results do depend on the chunks.
bool ForEachChunk(int threads, size_t chunks, const std::function<void(size_t)>& work,
                  const std::function<bool(size_t)>& go_on);

}  // namespace kith::index

#endif  // KITH_INDEX_PARALLEL_H_
