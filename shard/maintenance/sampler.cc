#include "shard/maintenance/sampler.h"

#include <algorithm>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

constexpr auto kUnread = std::chrono::minutes(2);

}  // namespace

std::vector<uint64_t> Sampler::SmallestHashes(const SampleHashesCall& call) {
  const auto snapshot = parts_.snapshots.Pin();
  std::lock_guard lock(mutex_);
  is_drawn_ = true;
  rows_ = snapshot->rows;
  row_end_ = snapshot->row_end;
  last_read_ = parts_.clock->Now();
  seed_ = call.seed;
  drawn_.clear();
  const RowTable table = rows_.Table(row_end_);
  // Kept to twice the wanted number and cut back when full: memory follows the sample, not the
  // rows.
  const size_t most = static_cast<size_t>(std::max<uint64_t>(call.count, 1)) * 2;
  const auto cut = [&] {
    if (drawn_.size() <= call.count) return;
    std::nth_element(drawn_.begin(), drawn_.begin() + static_cast<ptrdiff_t>(call.count),
                     drawn_.end());
    drawn_.resize(call.count);
  };
  const index::Tombstones& tombstones = snapshot->tombstones;
  for (uint64_t next = 0; next < row_end_; next = tombstones.SkipDeadPages(next + 1)) {
    const auto row = static_cast<uint32_t>(next);
    if (tombstones.IsDead(row)) continue;
    drawn_.emplace_back(SampleHash(seed_, table.Key(row)), row);
    if (drawn_.size() == most) cut();
  }
  cut();
  std::sort(drawn_.begin(), drawn_.end());
  std::vector<uint64_t> hashes;
  hashes.reserve(drawn_.size());
  for (const auto& [hash, row] : drawn_) hashes.push_back(hash);
  return hashes;
}

absl::StatusOr<SampleChunk> Sampler::Read(const SampleChunkCall& call) {
  std::lock_guard lock(mutex_);
  if (!is_drawn_ || seed_ != call.seed) {
    return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
                 "this shard drew no sample with that seed; ask for the hashes first");
  }
  last_read_ = parts_.clock->Now();
  const RowTable table = rows_.Table(row_end_);
  const uint32_t bytes_max = std::clamp<uint32_t>(call.bytes_limit, 1, limits::kSampleChunkBytes);
  SampleChunk chunk;
  auto at = std::lower_bound(drawn_.begin(), drawn_.end(), std::pair(call.hash_begin, 0u));
  for (; at != drawn_.end() && (call.hash_end == 0 || at->first < call.hash_end); ++at) {
    // Points of equal hash stay in one chunk, as the next one begins at a hash.
    const bool same = !chunk.hashes.empty() && chunk.hashes.back() == at->first;
    if (chunk.vectors.size() >= bytes_max && !same) break;
    chunk.hashes.push_back(at->first);
    const PointKey key = table.Key(at->second);
    chunk.keys.append(key.view());
    chunk.vectors.append(reinterpret_cast<const char*>(table.Vector(at->second)),
                         parts_.vector_bytes);
  }
  return chunk;
}

bool Sampler::ReleaseIfUnread() {
  std::lock_guard lock(mutex_);
  if (!is_drawn_ || parts_.clock->Now() <= last_read_ + kUnread) return false;
  is_drawn_ = false;
  rows_ = {};
  drawn_ = {};
  return true;
}

}  // namespace kith::shard
