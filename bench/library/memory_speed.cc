#include "bench/library/memory_speed.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "index/huge_pages.h"
#include "index/prefetch.h"

namespace kith::bench {
namespace {

// Rounds take a few milliseconds, less than a turn of the scheduler: on a machine that is not quiet
// some of them are interrupted by nothing else.
constexpr int kRounds = 200;
constexpr size_t kRoundBytes = size_t{32} << 20;  // that a thread reads in a round
constexpr size_t kWords = 8;                      // of a cache line

using Memory = index::HugeBytes;

// Kept, so that no read is left out.
std::atomic<uint64_t> sum_of_all;

// Four sums, so that an addition does not wait for the one before.
uint64_t SumLines(const uint8_t* begin, size_t bytes) {
  uint64_t sums[4 * kWords] = {};
  for (size_t i = 0; i + sizeof(sums) <= bytes; i += sizeof(sums)) {
    uint64_t words[4 * kWords];
    std::memcpy(words, begin + i, sizeof(words));
    for (size_t j = 0; j < 4 * kWords; ++j) sums[j] += words[j];
  }
  uint64_t sum = 0;
  for (const uint64_t part : sums) sum += part;
  return sum;
}

uint64_t SumRecord(const uint8_t* begin, size_t bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, begin + i, sizeof(word));
    sum += word;
  }
  return sum;
}

using Read = std::function<uint64_t(const Memory& memory, size_t round)>;

// Runs `read` on every thread, all at once, several times; the best rate, from the first begin of a
// round to its last end.
double BestRate(const ReadSetting& setting, const Read& read, size_t bytes_read) {
  std::barrier<> together(setting.threads);
  using Clock = std::chrono::steady_clock;
  struct Round {
    Clock::time_point begin;
    Clock::time_point end;
  };
  std::vector<Round> rounds(setting.threads * kRounds);
  const auto work = [&](uint32_t thread) {
    Memory memory(setting.bytes_a_thread, 1);
    for (int round = 0; round < kRounds; ++round) {
      together.arrive_and_wait();
      Round& mine = rounds[round * setting.threads + thread];
      mine.begin = Clock::now();
      sum_of_all += read(memory, static_cast<size_t>(round));
      mine.end = Clock::now();
    }
  };
  std::vector<std::thread> others;
  for (uint32_t i = 1; i < setting.threads; ++i) others.emplace_back(work, i);
  work(0);
  for (std::thread& other : others) other.join();
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    Round all = rounds[round * setting.threads];
    for (uint32_t thread = 1; thread < setting.threads; ++thread) {
      const Round& other = rounds[round * setting.threads + thread];
      all = {std::min(all.begin, other.begin), std::max(all.end, other.end)};
    }
    const double seconds = std::chrono::duration<double>(all.end - all.begin).count();
    best = std::max(best, static_cast<double>(bytes_read * setting.threads) / seconds);
  }
  return best;
}

}  // namespace

double ReadInOrder(const ReadSetting& setting) {
  const size_t bytes = std::min(setting.bytes_a_thread, kRoundBytes);
  const size_t parts = setting.bytes_a_thread / bytes;
  const size_t passes = kRoundBytes / bytes;
  const auto read = [=](const Memory& memory, size_t round) {
    uint64_t sum = 0;
    for (size_t pass = 0; pass < passes; ++pass) {
      sum += SumLines(memory.data() + round % parts * bytes, bytes);
    }
    return sum;
  };
  return BestRate(setting, read, passes * bytes);
}

double ReadAtRandom(const ReadSetting& setting, size_t record_bytes) {
  constexpr size_t kAhead = 16;
  const size_t reads = kRoundBytes / 4 / record_bytes;
  const size_t records = setting.bytes_a_thread / record_bytes;
  const auto read = [=](const Memory& memory, size_t round) {
    uint64_t state = round;
    const auto next = [&] {
      state = state * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
      const uint8_t* at = memory.data() + ((state >> 32) * records >> 32) * record_bytes;
      index::PrefetchAll(at, record_bytes);
      return at;
    };
    const uint8_t* ahead[kAhead];
    for (const uint8_t*& at : ahead) at = next();
    uint64_t sum = 0;
    for (size_t i = 0; i < reads; ++i) {
      const uint8_t*& at = ahead[i % kAhead];
      sum += SumRecord(at, record_bytes);
      at = next();
    }
    return sum;
  };
  return BestRate(setting, read, reads * record_bytes);
}

}  // namespace kith::bench
