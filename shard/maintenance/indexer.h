#ifndef KITH_SHARD_MAINTENANCE_INDEXER_H_
#define KITH_SHARD_MAINTENANCE_INDEXER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

// Encodes rows under every index version this copy holds: a new version from row 0, a ready one
// from where its segments end. Each step makes one immutable segment and publishes it; small
// neighbours are merged, so that a search meets few segments (sizes at least double from the newest
// back).
//
// Threads: one at a time (the copy's maintenance lock).
class Indexer {
 public:
  Indexer(CopyParts& parts, int encode_threads) : parts_(parts), encode_threads_(encode_threads) {}

  // Adds a version to be built. OK where it is there already.
  absl::Status Add(const std::string& version);
  void Drop(const std::string& version);
  // One bounded piece of work. kTakeAll: also a tail too short to be worth a segment yet.
  // True where there is more to do at once.
  enum class Tail { kKeepShort, kTakeAll };
  bool Step(Tail tail);
  bool HasWork() const;

 private:
  // A version with rows to encode, the unready first; null where there is none.
  static const BuiltIndex* Choose(const Snapshot& snapshot, Tail tail);
  void Encode(const Snapshot& snapshot, const BuiltIndex& index);
  void Publish(const std::string& version, std::shared_ptr<const index::ListSegment> segment,
               uint32_t indexed_end);
  void MergeNewest(const std::string& version);

  CopyParts& parts_;
  const int encode_threads_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_INDEXER_H_
