#ifndef KITH_SHARD_MAINTENANCE_SAMPLER_H_
#define KITH_SHARD_MAINTENANCE_SAMPLER_H_

#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/shard_api/shard_calls.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

// Draws training samples: the points with the smallest hash of seed and id, whatever the layout.
// The last draw is remembered, so that reading it in chunks does not look at every row each time;
// of the snapshot it holds the rows only, and those until nobody has read for a while.
// Threads: any, one at a time inside.
class Sampler {
 public:
  explicit Sampler(CopyParts& parts) : parts_(parts) {}

  std::vector<uint64_t> SmallestHashes(const SampleHashesCall& call);
  // UNAVAILABLE NOT_READY where no draw with this seed came before.
  absl::StatusOr<SampleChunk> Read(const SampleChunkCall& call);
  // Called now and then: forgets a draw that nobody read for two minutes. True where it did.
  bool ReleaseIfUnread();

 private:
  CopyParts& parts_;
  std::mutex mutex_;
  uint64_t seed_ = 0;
  bool is_drawn_ = false;
  storage::RowFile::View rows_;  // of the last draw, and so below
  uint32_t row_end_ = 0;
  Deadline last_read_{};
  std::vector<std::pair<uint64_t, uint32_t>> drawn_;  // (hash, row) ascending
};

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_SAMPLER_H_
