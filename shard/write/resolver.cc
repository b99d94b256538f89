#include "shard/write/resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/payload_merge.h"

namespace kith::shard {
namespace {

PointKey KeyAt(std::string_view keys, size_t index) {
  return PointKey::FromBytes(keys.data() + index * PointKey::kSize);
}

// What the mode and the version condition say to a point that is or is not there.
WriteOutcome Decide(const WriteCall& call, size_t index,
                    const std::optional<storage::IdEntry>& before) {
  const uint64_t condition =
      call.if_versions.empty() ? kNoVersionCondition : call.if_versions[index];
  if (condition != kNoVersionCondition) {
    const uint64_t stored = before.has_value() ? before->version : 0;
    if (condition != stored) return WriteOutcome::kVersionMismatch;
  }
  switch (call.kinds[index]) {
    case WriteKind::kUpsert:
      return WriteOutcome::kOk;
    case WriteKind::kInsertOnly:
      return before.has_value() ? WriteOutcome::kAlreadyExists : WriteOutcome::kOk;
    case WriteKind::kUpdateOnly:
    case WriteKind::kDelete:
    case WriteKind::kMergePayload:
    case WriteKind::kReplacePayload:
      return before.has_value() ? WriteOutcome::kOk : WriteOutcome::kNotFound;
  }
  return WriteOutcome::kNotFound;
}

ChangedPoint ChangeOne(WriteKind kind, const std::string& change,
                       storage::StateStore::StoredRow&& stored) {
  ChangedPoint changed{WriteOutcome::kOk, std::move(stored.vector), change};
  if (kind == WriteKind::kReplacePayload) return changed;
  std::optional<std::string> merged = MergePayload(stored.payload, change);
  if (!merged.has_value()) {
    changed.outcome = WriteOutcome::kPayloadNoObject;
  } else if (merged->size() > limits::kPayloadBytesMax) {
    changed.outcome = WriteOutcome::kPayloadTooLarge;
  } else {
    changed.payload = *std::move(merged);
  }
  return changed;
}

absl::Status RowIsMissing(const PointKey& key, uint32_t row) {
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               fmt::format("point {} is listed in row {}, which is missing; restore this shard "
                           "from another copy or a backup",
                           PointKeyToString(key), row));
}

absl::Status TooLarge() {
  return Error(absl::StatusCode::kResourceExhausted, reason::kBatchTooLarge,
               fmt::format("the points whose payloads are to change are larger than {} MiB with "
                           "their vectors; name fewer of them in a call",
                           limits::kMessageBytesMax >> 20));
}

}  // namespace

uint32_t ResolvedWrite::puts() const {
  return static_cast<uint32_t>(std::count_if(
      operations.begin(), operations.end(),
      [](const ResolvedOperation& operation) { return operation.kind == ResolvedKind::kPut; }));
}

WriteReply ResolvedWrite::Reply(uint64_t epoch) const {
  WriteReply reply;
  for (const ResolvedOperation& operation : operations) {
    reply.outcomes.push_back(operation.outcome);
    reply.versions.push_back(operation.version);
  }
  reply.epoch = epoch;
  reply.lsn = lsn;
  reply.version_below = version_below;
  reply.has_more = has_more;
  return reply;
}

absl::Status Resolver::Lookup(std::string_view keys) {
  missing_.clear();
  for (size_t at = 0; at < keys.size(); at += PointKey::kSize) {
    const PointKey key = PointKey::FromBytes(keys.data() + at);
    if (known_.try_emplace(key, std::nullopt).second) missing_.push_back(key);
  }
  found_.clear();
  if (absl::Status status = state_.FindIds(missing_, found_); !status.ok()) {
    // Nothing is known of them: the next call of the group must not take them for absent.
    for (const PointKey& key : missing_) known_.erase(key);
    return status;
  }
  for (size_t i = 0; i < missing_.size(); ++i) known_[missing_[i]] = found_[i];
  return absl::OkStatus();
}

bool Resolver::HasWritten(std::string_view keys) const {
  for (size_t at = 0; at < keys.size(); at += PointKey::kSize) {
    const auto known = known_.find(PointKey::FromBytes(keys.data() + at));
    const bool is_there = known != known_.end() && known->second.has_value();
    if (is_there && known->second->row >= first_row_) return true;
  }
  return false;
}

// In pieces, so that a call that asks for too much does not first take the memory for it.
absl::StatusOr<ChangedPoints> Resolver::Change(const WriteCall& call) {
  constexpr size_t kRowsAtOnce = 64;
  ChangedPoints changed(call.kinds.size());
  uint64_t bytes = 0;
  for (size_t begin = 0; begin < changed.size(); begin += kRowsAtOnce) {
    std::vector<uint32_t> rows;
    std::vector<size_t> owners;
    for (size_t i = begin; i < std::min(begin + kRowsAtOnce, changed.size()); ++i) {
      const std::optional<storage::IdEntry>& entry = known_[KeyAt(call.keys, i)];
      if (!entry.has_value()) continue;
      rows.push_back(entry->row);
      owners.push_back(i);
    }
    std::vector<storage::StateStore::StoredRow> stored;
    KITH_RETURN_IF_ERROR(state_.ReadRows(rows, stored));
    for (size_t j = 0; j < rows.size(); ++j) {
      if (stored[j].version == 0) return RowIsMissing(KeyAt(call.keys, owners[j]), rows[j]);
      ChangedPoint& point = changed[owners[j]];
      point = ChangeOne(call.kinds[owners[j]], call.change, std::move(stored[j]));
      bytes += point.vector.size() + point.payload.size();
    }
    if (bytes > limits::kMessageBytesMax) return TooLarge();
  }
  return changed;
}

void Resolver::Finish(ResolvedOperation& operation, uint64_t version) {
  std::optional<storage::IdEntry>& known = known_[operation.key];
  operation.before = known;
  if (operation.kind == ResolvedKind::kPut) {
    operation.row = next_row_++;
    operation.version = version;
    known = storage::IdEntry{operation.row, version};
  } else if (operation.kind == ResolvedKind::kDelete) {
    known.reset();
  } else {
    operation.version = known.has_value() ? known->version : 0;
  }
}

ResolvedWrite Resolver::Resolve(const WriteCall& call, uint64_t lsn, ChangedPoints changed) {
  ResolvedWrite resolved{lsn, std::vector<ResolvedOperation>(call.kinds.size()),
                         std::move(changed)};
  for (size_t i = 0; i < call.kinds.size(); ++i) {
    ResolvedOperation& operation = resolved.operations[i];
    operation.key = KeyAt(call.keys, i);
    operation.outcome = Decide(call, i, known_[operation.key]);
    if (operation.outcome == WriteOutcome::kOk && ChangesPayload(call.kinds[i])) {
      operation.outcome = resolved.changed[i].outcome;
    }
    if (operation.outcome == WriteOutcome::kOk) {
      operation.kind =
          call.kinds[i] == WriteKind::kDelete ? ResolvedKind::kDelete : ResolvedKind::kPut;
    }
    Finish(operation, PutVersion(lsn, static_cast<uint32_t>(i)));
  }
  return resolved;
}

ResolvedWrite Resolver::Replay(const LogEntry& entry, uint64_t lsn) {
  ResolvedWrite resolved;
  resolved.lsn = lsn;
  resolved.operations.resize(entry.count());
  resolved.version_below = entry.version_below;
  resolved.has_more = entry.has_more;
  for (uint32_t i = 0; i < entry.count(); ++i) {
    ResolvedOperation& operation = resolved.operations[i];
    operation.key = KeyAt(entry.keys, i);
    operation.kind = static_cast<ResolvedKind>(entry.resolved[i]);
    operation.outcome = static_cast<WriteOutcome>(entry.outcomes[i]);
    Finish(operation, PutVersion(lsn, i));
  }
  return resolved;
}

namespace {

// Vectors and payloads of the puts, as the log has them.
struct PutContent {
  std::string vectors;
  std::string payloads;
  std::vector<uint32_t> payload_sizes;

  void Add(std::string_view vector, std::string_view payload) {
    vectors.append(vector);
    payloads.append(payload);
    payload_sizes.push_back(static_cast<uint32_t>(payload.size()));
  }
};

bool IsPut(const ResolvedOperation& operation) { return operation.kind == ResolvedKind::kPut; }

PutContent ContentOfChanges(const ResolvedWrite& resolved) {
  PutContent content;
  for (size_t i = 0; i < resolved.operations.size(); ++i) {
    if (!IsPut(resolved.operations[i])) continue;
    content.Add(resolved.changed[i].vector, resolved.changed[i].payload);
  }
  return content;
}

// Of a call's operations that became puts.
PutContent ContentOfCall(const WriteCall& call, const ResolvedWrite& resolved,
                         size_t vector_bytes) {
  PutContent content;
  size_t carried = 0;  // operations so far that carry a vector
  size_t payload_offset = 0;
  for (size_t i = 0; i < resolved.operations.size(); ++i) {
    if (!CarriesVector(call.kinds[i])) continue;
    const uint32_t size = call.payload_sizes.empty() ? 0 : call.payload_sizes[carried];
    if (IsPut(resolved.operations[i])) {
      content.Add(std::string_view(call.vectors).substr(carried * vector_bytes, vector_bytes),
                  std::string_view(call.payloads).substr(payload_offset, size));
    }
    ++carried;
    payload_offset += size;
  }
  return content;
}

// Then the call's own buffers are the entry's.
bool AllBecamePuts(const WriteCall& call, const ResolvedWrite& resolved) {
  for (size_t i = 0; i < call.kinds.size(); ++i) {
    if (ChangesPayload(call.kinds[i])) return false;
    if (CarriesVector(call.kinds[i]) && !IsPut(resolved.operations[i])) return false;
  }
  return true;
}

}  // namespace

std::string EncodeResolved(const WriteCall& call, const ResolvedWrite& resolved,
                           size_t vector_bytes) {
  std::string kinds;
  std::string outcomes;
  for (const ResolvedOperation& operation : resolved.operations) {
    kinds.push_back(static_cast<char>(operation.kind));
    outcomes.push_back(static_cast<char>(operation.outcome));
  }
  LogEntry entry;
  entry.request_id = call.request_id;
  entry.body_hash = call.body_hash;
  entry.unix_ms = call.unix_ms;
  entry.version_below = resolved.version_below;
  entry.has_more = resolved.has_more;
  entry.resolved = kinds;
  entry.outcomes = outcomes;
  entry.keys = call.keys;
  const bool all_put = AllBecamePuts(call, resolved);
  PutContent content;
  if (all_put) {
    content.payload_sizes = call.payload_sizes;
    content.payload_sizes.resize(resolved.puts());
  } else {
    content = resolved.changed.empty() ? ContentOfCall(call, resolved, vector_bytes)
                                       : ContentOfChanges(resolved);
  }
  entry.payload_sizes = {reinterpret_cast<const char*>(content.payload_sizes.data()),
                         content.payload_sizes.size() * sizeof(uint32_t)};
  entry.vectors = all_put ? std::string_view(call.vectors) : std::string_view(content.vectors);
  entry.payloads = all_put ? std::string_view(call.payloads) : std::string_view(content.payloads);
  return EncodeLogEntry(entry);
}

}  // namespace kith::shard
