#ifndef KITH_SHARD_MAINTENANCE_INDEXER_H_
#define KITH_SHARD_MAINTENANCE_INDEXER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "shard/maintenance/segment_policy.h"
#include "shard/parts/copy_parts.h"
#include "shard/parts/pace.h"

namespace kith::shard {

// Encodes rows under every index version this copy holds: a new version from row 0, a ready one
// from where its segments end. Each step makes one immutable segment and publishes it; segments
// that are small or hold many dead rows are merged (segment_policy.h), so that a search meets few
// segments and few dead rows in them.
//
// Threads: one at a time (the copy's maintenance lock), save HasWork.
class Indexer {
 public:
  Indexer(CopyParts& parts, int encode_threads) : parts_(parts), encode_threads_(encode_threads) {}

  // Adds a version to be built. OK where it is there already.
  absl::Status Add(const std::string& version);
  void Drop(const std::string& version);
  // One bounded piece of work: a step of encoding, one merge. Where it is quiet also a tail too
  // short to be worth a segment yet. True where there is more to do at once.
  bool Step(Pace pace);
  bool HasWork(Pace pace) const;  // threads: any

 private:
  void Encode(const Snapshot& snapshot, const BuiltIndex& index);
  void Publish(const std::string& version, std::shared_ptr<const index::ListSegment> segment,
               uint32_t indexed_end);
  void MergeOne(Pace pace);
  void Merge(const Snapshot& snapshot, const BuiltIndex& index, SegmentRange range);

  CopyParts& parts_;
  const int encode_threads_;
};

// The version to encode rows of next: the first that is not ready, else the one with the most rows
// waiting, so that of two that are kept none falls behind. Null where none has enough of them.
const BuiltIndex* ChooseToEncode(const Snapshot& snapshot, Pace pace);

// What the policy looks at, of one version's segments.
std::vector<SegmentRows> RowsOfSegments(const Snapshot& snapshot, const BuiltIndex& index);

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_INDEXER_H_
