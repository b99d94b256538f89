#include <rocksdb/snapshot.h>

#include <algorithm>
#include <array>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "shard/storage/rocks_state_store.h"
#include "shard/storage/state_keys.h"

// Points by slot and id, each page of a scroll from one RocksDB snapshot.
namespace kith::storage {
namespace {

constexpr size_t kRowsAtOnce = 64;  // of up to 80 KB each

FixedKey<2> SlotBegin(uint32_t slot) {
  FixedKey<2> key;
  PutBigEndian(key.bytes.data(), static_cast<uint16_t>(slot));
  return key;
}

}  // namespace

// Reads ids in order, and the rows that they name a few at a time.
// Threads: one at a time.
class RocksStateStore::PointWalker {
 public:
  PointWalker(const RocksStateStore& store, const PointWalk& walk)
      : store_(store), walk_(walk), snapshot_(&store.db()), end_(SlotBegin(walk.range.slot_end)) {
    read_.snapshot = snapshot_.snapshot();
    end_slice_ = ToSlice(end_.view());
    rocksdb::ReadOptions ordered = read_;
    ordered.iterate_upper_bound = &end_slice_;
    ids_.reset(store.db().NewIterator(ordered, store.family(Family::kIds)));
  }

  absl::StatusOr<bool> Run(const std::function<Visit(const RowRecord&)>& visit) {
    SeekBegin();
    uint32_t left = walk_.limit;
    while (left > 0 && ids_->Valid() && !is_stopped_) {
      KITH_RETURN_IF_ERROR(TakeIds(std::min<size_t>(left, kRowsAtOnce)));
      KITH_RETURN_IF_ERROR(ReadRows());
      for (const RowRecord& record : records_) {
        if (visit(record) == Visit::kStop) return false;
      }
      left -= static_cast<uint32_t>(records_.size());
    }
    KITH_RETURN_IF_ERROR(store_.Checked(ids_->status(), "read ids of"));
    return !ids_->Valid() && !is_stopped_;
  }

 private:
  void SeekBegin() {
    if (!walk_.range.after.has_value()) {
      const FixedKey<2> begin = SlotBegin(walk_.range.slot_begin);
      return ids_->Seek(ToSlice(begin.view()));
    }
    const IdKeyBytes after =
        IdKey(static_cast<uint16_t>(walk_.range.slot_begin), *walk_.range.after);
    const rocksdb::Slice last = ToSlice(after.view());
    ids_->Seek(last);
    if (ids_->Valid() && ids_->key() == last) ids_->Next();
  }

  absl::Status TakeIds(size_t count) {
    records_.clear();
    for (; records_.size() < count && ids_->Valid(); ids_->Next()) {
      IdEntry id;
      const rocksdb::Slice key = ids_->key();
      if (key.size() != sizeof(IdKeyBytes) || !DecodeId(ToView(ids_->value()), id)) {
        return store_.Bad("id entry");
      }
      const PointKey point = PointKey::FromBytes(key.data() + sizeof(uint16_t));
      const IdChoice choice = walk_.choose == nullptr ? IdChoice::kTake : walk_.choose(point, id);
      is_stopped_ = choice == IdChoice::kStop;
      if (is_stopped_) break;
      if (choice == IdChoice::kTake) records_.push_back({id.row, point, id.version, {}, {}});
    }
    return store_.Checked(ids_->status(), "read ids of");
  }

  absl::Status ReadRows() {
    if (walk_.parts == PointParts::kIdAndVersion) return absl::OkStatus();
    const size_t count = records_.size();
    std::array<FixedKey<4>, kRowsAtOnce> keys;
    std::array<rocksdb::Slice, kRowsAtOnce> slices;
    std::array<rocksdb::Status, kRowsAtOnce> statuses;
    for (size_t i = 0; i < count; ++i) {
      keys[i] = RowKey(records_[i].row);
      slices[i] = ToSlice(keys[i].view());
      values_[i].Reset();
    }
    store_.db().MultiGet(read_, store_.family(Family::kRows), count, slices.data(), values_.data(),
                         statuses.data());
    for (size_t i = 0; i < count; ++i) {
      // Of one snapshot: a row that an id names must be there, and be that point's.
      if (statuses[i].IsNotFound()) return Lost(records_[i]);
      KITH_RETURN_IF_ERROR(store_.Checked(statuses[i], "read rows of"));
      RowRecord row;
      if (!DecodeRow(ToView(values_[i]), row)) return store_.Bad("row");
      if (row.key != records_[i].key || row.version != records_[i].version) {
        return Lost(records_[i]);
      }
      records_[i].vector = row.vector;
      records_[i].payload = row.payload;
    }
    return absl::OkStatus();
  }

  absl::Status Lost(const RowRecord& record) const {
    return store_.Bad(fmt::format("row {} (not that of point {}, which names it)", record.row,
                                  PointKeyToString(record.key)));
  }

  const RocksStateStore& store_;
  const PointWalk& walk_;
  rocksdb::ManagedSnapshot snapshot_;
  const FixedKey<2> end_;
  rocksdb::Slice end_slice_;
  rocksdb::ReadOptions read_;
  std::unique_ptr<rocksdb::Iterator> ids_;
  std::vector<RowRecord> records_;
  bool is_stopped_ = false;                                 // by whoever chooses
  std::array<rocksdb::PinnableSlice, kRowsAtOnce> values_;  // what records_ view
};

absl::StatusOr<bool> RocksStateStore::WalkPoints(
    const PointWalk& walk, const std::function<Visit(const RowRecord&)>& visit) {
  return PointWalker(*this, walk).Run(visit);
}

}  // namespace kith::storage
