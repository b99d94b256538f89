#include "shard/search/point_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

constexpr int kAttempts = 20;
constexpr size_t kKeysAtOnce = 256;

using StoredRow = storage::StateStore::StoredRow;

absl::Status RowIsMissing(const PointKey& key, const storage::IdEntry& entry) {
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               fmt::format("point {} is listed in row {}, which is missing; restore this shard "
                           "from another copy or a backup",
                           PointKeyToString(key), entry.row));
}

// Reads some points, each in one piece: a row that vanished between the look-up and the read was
// replaced meanwhile, and the look-up is repeated.
class PieceReader {
 public:
  PieceReader(const CopyParts& parts, std::span<const PointKey> keys)
      : parts_(parts), keys_(keys), before_(keys.size()), stored_(keys.size()) {}

  absl::Status Read() {
    std::vector<size_t> wanted(keys_.size());
    std::iota(wanted.begin(), wanted.end(), 0);
    for (int attempt = 0; attempt < kAttempts && !wanted.empty(); ++attempt) {
      KITH_RETURN_IF_ERROR(ReadOnce(wanted));
    }
    if (wanted.empty()) return absl::OkStatus();
    return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
                 "a point kept changing while it was read; try again");
  }
  std::vector<std::optional<StoredRow>>& stored() { return stored_; }

 private:
  // Removes from `wanted` what it read.
  absl::Status ReadOnce(std::vector<size_t>& wanted) {
    std::vector<PointKey> asked;
    for (const size_t i : wanted) asked.push_back(keys_[i]);
    std::vector<std::optional<storage::IdEntry>> entries;
    KITH_RETURN_IF_ERROR(parts_.state->FindIds(asked, entries));
    std::vector<uint32_t> rows;
    std::vector<size_t> owners;
    for (size_t j = 0; j < wanted.size(); ++j) {
      if (!entries[j].has_value()) continue;
      // No version is given out twice, and a row that moves takes its version to another number:
      // this one was there all the time, or should have been.
      const std::optional<storage::IdEntry>& before = before_[wanted[j]];
      if (before.has_value() && before->version == entries[j]->version &&
          before->row == entries[j]->row) {
        return RowIsMissing(asked[j], *before);
      }
      rows.push_back(entries[j]->row);
      owners.push_back(wanted[j]);
      before_[wanted[j]] = entries[j];
    }
    std::vector<StoredRow> found;
    KITH_RETURN_IF_ERROR(parts_.state->ReadRows(rows, found));
    wanted.clear();
    for (size_t j = 0; j < rows.size(); ++j) {
      if (found[j].version != 0) {
        stored_[owners[j]] = std::move(found[j]);
      } else {
        wanted.push_back(owners[j]);
      }
    }
    return absl::OkStatus();
  }

  const CopyParts& parts_;
  const std::span<const PointKey> keys_;
  std::vector<std::optional<storage::IdEntry>> before_;  // as of the last look-up
  std::vector<std::optional<StoredRow>> stored_;
};

// RESOURCE_EXHAUSTED once the answer is larger than a message may be, before more of it is read.
absl::Status AddPoints(const GetCall& call, const std::vector<std::optional<StoredRow>>& stored,
                       GetReply& reply) {
  for (const std::optional<StoredRow>& point : stored) {
    reply.found.push_back(point.has_value() ? 1 : 0);
    if (!point.has_value()) continue;
    reply.versions.push_back(point->version);
    if (call.with_vector) reply.vectors += point->vector;
    if (call.with_payload) {
      reply.payload_sizes.push_back(static_cast<uint32_t>(point->payload.size()));
      reply.payloads += point->payload;
    }
  }
  if (reply.vectors.size() + reply.payloads.size() <= limits::kMessageBytesMax) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kResourceExhausted, reason::kBatchTooLarge,
               "the points asked for are larger than a message may be (64 MiB); ask for fewer at a "
               "time");
}

}  // namespace

absl::StatusOr<GetReply> ReadPoints(const CopyParts& parts, const GetCall& call) {
  if (call.keys.size() % PointKey::kSize != 0 ||
      call.keys.size() / PointKey::kSize > limits::kHitsPerBatchMax) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
                 "the keys of a shard get are cut off or too many");
  }
  const uint64_t lsn = parts.snapshots.Pin()->lsn;
  if (call.wait_lsn > lsn) {
    return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
                 fmt::format("the shard is at lsn {}, the token asks for {}", lsn, call.wait_lsn));
  }
  std::vector<PointKey> keys;
  for (size_t at = 0; at < call.keys.size(); at += PointKey::kSize) {
    keys.push_back(PointKey::FromBytes(call.keys.data() + at));
  }
  GetReply reply;
  for (size_t begin = 0; begin < keys.size(); begin += kKeysAtOnce) {
    const size_t count = std::min(kKeysAtOnce, keys.size() - begin);
    PieceReader piece(parts, std::span(keys).subspan(begin, count));
    KITH_RETURN_IF_ERROR(piece.Read());
    KITH_RETURN_IF_ERROR(AddPoints(call, piece.stored(), reply));
  }
  return reply;
}

}  // namespace kith::shard
