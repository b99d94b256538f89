#ifndef KITH_BENCH_LIBRARY_MEMORY_SPEED_H_
#define KITH_BENCH_LIBRARY_MEMORY_SPEED_H_

#include <cstddef>
#include <cstdint>

namespace kith::bench {

// What this machine reads, in bytes a second of all threads together: the best of several rounds,
// for other work on it only slows them. Each thread has bytes of its own, on huge pages where the
// system gives them.
struct ReadSetting {
  size_t bytes_a_thread = 0;
  uint32_t threads = 1;
};

// One line after the other.
double ReadInOrder(const ReadSetting& setting);
// Records of `record_bytes` at places drawn at random, of which the next few are on their way, as
// those that a search looks at again.
double ReadAtRandom(const ReadSetting& setting, size_t record_bytes);

}  // namespace kith::bench

#endif  // KITH_BENCH_LIBRARY_MEMORY_SPEED_H_
