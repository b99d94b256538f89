#include "shard/storage/digest_merge.h"

#include <algorithm>
#include <bitset>
#include <memory>

#include "common/base/byte_codec.h"
#include "common/base/limits.h"
#include "shard/storage/rocks_open.h"

namespace kith::storage {
namespace {

constexpr size_t kChangeSize = 2 + 16;

void AppendChange(std::string& bytes, uint16_t slot, const Digest& digest) {
  AppendLittleEndian(bytes, slot);
  AppendLittleEndian(bytes, digest.low);
  AppendLittleEndian(bytes, digest.high);
}

// The lists folded so far: a slot that no list names stays out of the result.
class Fold {
 public:
  bool Add(std::string_view bytes) {
    if (!ApplyDigestChanges(bytes, digests_)) return false;
    for (size_t at = 0; at < bytes.size(); at += kChangeSize) {
      named_.set(GetLittleEndian<uint16_t>(bytes.data() + at));
    }
    return true;
  }
  std::string Result() const {
    std::string bytes;
    bytes.reserve(named_.count() * kChangeSize);
    for (uint32_t slot = 0; slot < limits::kSlots; ++slot) {
      if (named_[slot]) AppendChange(bytes, static_cast<uint16_t>(slot), digests_[slot]);
    }
    return bytes;
  }

 private:
  SlotDigests digests_ = SlotDigests(limits::kSlots);
  std::bitset<limits::kSlots> named_;
};

}  // namespace

std::string EncodeDigestChanges(DigestChanges changes) {
  std::stable_sort(changes.begin(), changes.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string bytes;
  bytes.reserve(changes.size() * kChangeSize);
  for (size_t i = 0; i < changes.size(); ++i) {
    const bool last = i + 1 == changes.size() || changes[i + 1].first != changes[i].first;
    if (last) AppendChange(bytes, changes[i].first, changes[i].second);
  }
  return bytes;
}

bool ApplyDigestChanges(std::string_view bytes, SlotDigests& digests) {
  if (bytes.size() % kChangeSize != 0) return false;
  for (size_t at = 0; at < bytes.size(); at += kChangeSize) {
    const char* change = bytes.data() + at;
    const uint16_t slot = GetLittleEndian<uint16_t>(change);
    if (slot >= digests.size()) return false;
    digests[slot] = {GetLittleEndian<uint64_t>(change + 2), GetLittleEndian<uint64_t>(change + 10)};
  }
  return true;
}

bool DigestMerge::FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const {
  Fold fold;
  if (in.existing_value != nullptr && !fold.Add(ToView(*in.existing_value))) return false;
  for (const rocksdb::Slice& operand : in.operand_list) {
    if (!fold.Add(ToView(operand))) return false;
  }
  out->new_value = fold.Result();
  return true;
}

bool DigestMerge::PartialMergeMulti(const rocksdb::Slice&,
                                    const std::deque<rocksdb::Slice>& operands, std::string* folded,
                                    rocksdb::Logger*) const {
  Fold fold;
  for (const rocksdb::Slice& operand : operands) {
    if (!fold.Add(ToView(operand))) return false;
  }
  *folded = fold.Result();
  return true;
}

}  // namespace kith::storage
