#include "shard/search/point_reader.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

constexpr int kAttempts = 20;

using Stored = std::optional<storage::StateStore::StoredRow>;

// Reads `keys[i]` for every i in `wanted` and removes from it those that were read in one piece: a
// row that vanished between the look-up and the read was replaced meanwhile.
absl::Status ReadOnce(const CopyParts& parts, const std::vector<PointKey>& keys,
                      std::vector<size_t>& wanted, std::vector<Stored>& stored) {
  std::vector<PointKey> asked;
  for (const size_t i : wanted) asked.push_back(keys[i]);
  std::vector<std::optional<storage::IdEntry>> entries;
  KITH_RETURN_IF_ERROR(parts.state->FindIds(asked, entries));
  std::vector<uint32_t> rows;
  std::vector<size_t> owners;
  for (size_t j = 0; j < wanted.size(); ++j) {
    if (!entries[j].has_value()) continue;
    rows.push_back(entries[j]->row);
    owners.push_back(wanted[j]);
  }
  std::vector<storage::StateStore::StoredRow> found;
  KITH_RETURN_IF_ERROR(parts.state->ReadRows(rows, found));
  wanted.clear();
  for (size_t j = 0; j < rows.size(); ++j) {
    if (found[j].version != 0) {
      stored[owners[j]] = std::move(found[j]);
    } else {
      wanted.push_back(owners[j]);
    }
  }
  return absl::OkStatus();
}

GetReply ToReply(const GetCall& call, const std::vector<Stored>& stored) {
  GetReply reply;
  for (const Stored& point : stored) {
    reply.found.push_back(point.has_value() ? 1 : 0);
    if (!point.has_value()) continue;
    reply.versions.push_back(point->version);
    if (call.with_vector) reply.vectors += point->vector;
    if (call.with_payload) {
      reply.payload_sizes.push_back(static_cast<uint32_t>(point->payload.size()));
      reply.payloads += point->payload;
    }
  }
  return reply;
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
  std::vector<size_t> wanted;
  for (size_t at = 0; at < call.keys.size(); at += PointKey::kSize) {
    wanted.push_back(keys.size());
    keys.push_back(PointKey::FromBytes(call.keys.data() + at));
  }
  std::vector<Stored> stored(keys.size());
  for (int attempt = 0; attempt < kAttempts && !wanted.empty(); ++attempt) {
    KITH_RETURN_IF_ERROR(ReadOnce(parts, keys, wanted, stored));
  }
  if (!wanted.empty()) {
    return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
                 "a point kept changing while it was read; try again");
  }
  return ToReply(call, stored);
}

}  // namespace kith::shard
