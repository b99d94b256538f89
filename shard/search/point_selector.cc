#include "shard/search/point_selector.h"

#include <fmt/format.h>

#include <bit>
#include <memory>
#include <span>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/search/filter_rows.h"

namespace kith::shard {
namespace {

struct KeyAndVersion {
  PointKey key;
  uint64_t version = 0;
};

// A wrong version would leave a point out, or do it twice: only a whole record is believed.
absl::StatusOr<KeyAndVersion> PointOf(const CopyParts& parts, uint32_t row) {
  if (parts.rows->IsValid(row)) {
    const RowHeader& header = parts.rows->view().Table(row + 1).Header(row);
    return KeyAndVersion{PointKey::FromBytes(header.key), header.version};
  }
  std::vector<storage::StateStore::StoredRow> stored;
  KITH_RETURN_IF_ERROR(parts.state->ReadRows({&row, 1}, stored));
  if (stored[0].version != 0) return KeyAndVersion{stored[0].key, stored[0].version};
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               fmt::format("row {} passes the filter and is not in the truth; restore this shard "
                           "from another copy or a backup",
                           row));
}

}  // namespace

absl::StatusOr<SelectedPoints> SelectPoints(const CopyParts& parts,
                                            const WriteSelection& selection) {
  std::shared_ptr<const Snapshot> snapshot = parts.snapshots.Pin();
  KITH_ASSIGN_OR_RETURN(const auto rows, FindFilterRows(parts, *selection.filter, snapshot));
  SelectedPoints points;
  const RowWords& words = rows->words();
  for (size_t word = 0; word < words.size(); ++word) {
    for (uint64_t bits = words[word]; bits != 0; bits &= bits - 1) {
      const auto row = static_cast<uint32_t>(word * 64 + std::countr_zero(bits));
      KITH_ASSIGN_OR_RETURN(const KeyAndVersion point, PointOf(parts, row));
      if (point.version >= selection.version_below) continue;
      points.has_more = points.keys.size() == selection.limit * PointKey::kSize;
      if (points.has_more) return points;
      points.keys.append(point.key.view());
    }
  }
  return points;
}

}  // namespace kith::shard
