#ifndef KITH_SHARD_MAINTENANCE_INDEXER_H_
#define KITH_SHARD_MAINTENANCE_INDEXER_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "shard/maintenance/segment_policy.h"
#include "shard/parts/copy_parts.h"
#include "shard/parts/pace.h"

namespace kith::shard {

// What one step of encoding made: the live rows of [begin, end) under a version.
struct EncodedPart {
  std::string version;
  uint32_t begin = 0;
  uint32_t end = 0;
  std::shared_ptr<const index::ListSegment> segment;  // null where none of them lives
};

// Puts it behind the version's segments; ready is the index once little waits. False, and nothing
// has changed, where the version was dropped meanwhile, also where it was added anew since.
bool AppendEncoded(Snapshot& snapshot, EncodedPart part);

// Encodes rows under every index version this copy holds: a new version from row 0, a ready one
// from where its segments end. Each step makes one immutable segment and publishes it; segments
// that are small or hold many dead rows are merged (segment_policy.h), so that a search meets few
// segments and few dead rows in them.
//
// Threads: Encode on one at a time, and beside it the rest on one at a time (the copy's maintenance
// lock): rows that wait cost every search, and a merge or a checkpoint can take seconds. Encoding
// only appends segments; all else only touches those that are there. Questions from any.
class Indexer {
 public:
  Indexer(CopyParts& parts, int encode_threads) : parts_(parts), encode_threads_(encode_threads) {}

  // Adds a version to be built. OK where it is there already.
  absl::Status Add(const std::string& version);
  void Drop(const std::string& version);

  // One step of encoding. Where it is quiet also of a tail too short to be worth a segment yet.
  void Encode(Pace pace);
  bool HasRowsToEncode(Pace pace) const;
  // One merge.
  void Merge(Pace pace);
  bool HasMerge(Pace pace) const;

  // Frees segments that were replaced, once no search reads them: as much as an index is at times,
  // and the search that ends last is not to be the one that unmaps it.
  void FreeRetired();
  bool HasRetired() const { return has_retired_; }

 private:
  void EncodeStep(const Snapshot& snapshot, const BuiltIndex& index);
  void Publish(EncodedPart part);
  void MergeRange(const Snapshot& snapshot, const BuiltIndex& index, SegmentRange range);
  void Retire(std::span<const std::shared_ptr<const index::ListSegment>> segments);

  CopyParts& parts_;
  const int encode_threads_;
  std::vector<std::shared_ptr<const index::ListSegment>> retired_;
  std::atomic<bool> has_retired_{false};
};

// Rows that wait before they are worth a segment: what they cost a search that compares each,
// beside what a segment costs that holds a few of them in each of its lists.
constexpr uint32_t ShortTail(const index::IndexParameters& parameters) {
  return std::clamp<uint32_t>(parameters.lists / 4, 1'024, 8'192);
}

// The version to encode rows of next: the first that is not ready, else the one with the most rows
// waiting, so that of two that are kept none falls behind. Null where none has enough of them.
const BuiltIndex* ChooseToEncode(const Snapshot& snapshot, Pace pace);

// What the policy looks at, of one version's segments.
std::vector<SegmentRows> RowsOfSegments(const Snapshot& snapshot, const BuiltIndex& index);

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_INDEXER_H_
