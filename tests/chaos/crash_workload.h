#ifndef KITH_TESTS_CHAOS_CRASH_WORKLOAD_H_
#define KITH_TESTS_CHAOS_CRASH_WORKLOAD_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/shard_api/shard_calls.h"

namespace kith::test {

// The crash tests' write load. Request number n gets log sequence number n and its content follows
// from n alone, so parent and child agree on what any prefix of the log must have left behind.
inline constexpr uint32_t kDimension = 8;
inline constexpr uint64_t kIds = 1500;
inline constexpr ShardId kShard = 1;

struct Operation {
  uint64_t id = 0;
  bool is_delete = false;
};

std::vector<Operation> OperationsOf(uint64_t request);
std::vector<float> VectorOf(uint64_t id, uint64_t request);
WriteCall CallOf(uint64_t request);
ShardSpec CrashSpec();

// What is stored after requests 1..n: for each live id the request that wrote it.
using Model = std::map<uint64_t, uint64_t>;
void Advance(Model& model, uint64_t request);

}  // namespace kith::test

#endif  // KITH_TESTS_CHAOS_CRASH_WORKLOAD_H_
