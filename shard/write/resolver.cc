#include "shard/write/resolver.h"

#include <algorithm>

#include "common/base/status.h"

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
      return before.has_value() ? WriteOutcome::kOk : WriteOutcome::kNotFound;
  }
  return WriteOutcome::kNotFound;
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

ResolvedWrite Resolver::Resolve(const WriteCall& call, uint64_t lsn) {
  ResolvedWrite resolved{lsn, std::vector<ResolvedOperation>(call.kinds.size())};
  for (size_t i = 0; i < call.kinds.size(); ++i) {
    ResolvedOperation& operation = resolved.operations[i];
    operation.key = KeyAt(call.keys, i);
    operation.outcome = Decide(call, i, known_[operation.key]);
    if (operation.outcome == WriteOutcome::kOk) {
      operation.kind =
          call.kinds[i] == WriteKind::kDelete ? ResolvedKind::kDelete : ResolvedKind::kPut;
    }
    Finish(operation, PutVersion(lsn, static_cast<uint32_t>(i)));
  }
  return resolved;
}

ResolvedWrite Resolver::Replay(const LogEntry& entry, uint64_t lsn) {
  ResolvedWrite resolved{lsn, std::vector<ResolvedOperation>(entry.count())};
  for (uint32_t i = 0; i < entry.count(); ++i) {
    ResolvedOperation& operation = resolved.operations[i];
    operation.key = KeyAt(entry.keys, i);
    operation.kind = static_cast<ResolvedKind>(entry.resolved[i]);
    operation.outcome = static_cast<WriteOutcome>(entry.outcomes[i]);
    Finish(operation, PutVersion(lsn, i));
  }
  return resolved;
}

std::string EncodeResolved(const WriteCall& call, const ResolvedWrite& resolved,
                           size_t vector_bytes) {
  const size_t count = resolved.operations.size();
  std::string kinds(count, '\0');
  std::string outcomes(count, '\0');
  std::string vectors;
  std::string payloads;
  std::vector<uint32_t> sizes;
  size_t carried = 0;  // operations so far that carry a vector
  size_t payload_offset = 0;
  bool all_put = true;  // then the call's own buffers are the entry's
  for (size_t i = 0; i < count; ++i) {
    kinds[i] = static_cast<char>(resolved.operations[i].kind);
    outcomes[i] = static_cast<char>(resolved.operations[i].outcome);
    const bool carries = call.kinds[i] != WriteKind::kDelete;
    all_put = all_put && (!carries || resolved.operations[i].kind == ResolvedKind::kPut);
  }
  for (size_t i = 0; i < count; ++i) {
    if (call.kinds[i] == WriteKind::kDelete) continue;
    const uint32_t size = call.payload_sizes.empty() ? 0 : call.payload_sizes[carried];
    if (resolved.operations[i].kind == ResolvedKind::kPut) {
      sizes.push_back(size);
      if (!all_put) {
        vectors.append(call.vectors, carried * vector_bytes, vector_bytes);
        payloads.append(call.payloads, payload_offset, size);
      }
    }
    ++carried;
    payload_offset += size;
  }
  LogEntry entry;
  entry.request_id = call.request_id;
  entry.body_hash = call.body_hash;
  entry.unix_ms = call.unix_ms;
  entry.resolved = kinds;
  entry.outcomes = outcomes;
  entry.keys = call.keys;
  entry.payload_sizes = {reinterpret_cast<const char*>(sizes.data()),
                         sizes.size() * sizeof(uint32_t)};
  entry.vectors = all_put ? std::string_view(call.vectors) : std::string_view(vectors);
  entry.payloads = all_put ? std::string_view(call.payloads) : std::string_view(payloads);
  return EncodeLogEntry(entry);
}

}  // namespace kith::shard
