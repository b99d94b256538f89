#ifndef KITH_SHARD_STORAGE_DIGEST_MERGE_H_
#define KITH_SHARD_STORAGE_DIGEST_MERGE_H_

#include <rocksdb/merge_operator.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shard/storage/digest.h"

namespace kith::storage {

// The slots whose digests a batch changed, with their new values: slot (2 bytes) | digest (16),
// ascending by slot. A batch of 256 rows touches nearly as many slots; as one merge operand they
// cost one insert at the end of the memtable, as keys of their own 256 at random places.
using DigestChanges = std::vector<std::pair<uint16_t, Digest>>;

// Sorts; of several values of one slot the last one counts.
std::string EncodeDigestChanges(DigestChanges changes);
// False where the bytes cannot be such a list. `digests` has limits::kSlots entries.
bool ApplyDigestChanges(std::string_view bytes, SlotDigests& digests);

// Folds such lists, the youngest value of a slot last. On disk by name: never rename.
// Threads: any.
class DigestMerge final : public rocksdb::MergeOperator {
 public:
  const char* Name() const override { return "kith.DigestMerge"; }
  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override;
  bool PartialMergeMulti(const rocksdb::Slice& key, const std::deque<rocksdb::Slice>& operands,
                         std::string* folded, rocksdb::Logger* logger) const override;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_DIGEST_MERGE_H_
