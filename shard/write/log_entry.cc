#include "shard/write/log_entry.h"

#include <cstring>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

constexpr uint8_t kFormat = 1;
constexpr uint8_t kWriteEntry = 1;

// The fixed head of an entry; the variable parts follow in the order of LogEntry.
struct EntryHead {
  uint8_t format;
  uint8_t type;
  uint8_t request_id_bytes;
  uint8_t body_hash_bytes;
  uint32_t count;
  uint64_t unix_ms;
  uint32_t puts;
  uint32_t reserved;
  uint64_t payload_bytes;
};
static_assert(sizeof(EntryHead) == 32);

absl::Status Corrupt(const char* what) {
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               std::string("log entry: ") + what + "; restore this shard from a copy or a backup");
}

// Takes `size` bytes off the front of `rest`.
bool Take(std::string_view& rest, uint64_t size, std::string_view& part) {
  if (rest.size() < size) return false;
  part = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

uint32_t CountPuts(std::string_view resolved) {
  uint32_t puts = 0;
  for (const char kind : resolved) puts += kind == static_cast<char>(ResolvedKind::kPut) ? 1 : 0;
  return puts;
}

}  // namespace

std::string EncodeLogEntry(const LogEntry& entry) {
  EntryHead head{};
  head.format = kFormat;
  head.type = kWriteEntry;
  head.request_id_bytes = static_cast<uint8_t>(entry.request_id.size());
  head.body_hash_bytes = static_cast<uint8_t>(entry.body_hash.size());
  head.count = entry.count();
  head.unix_ms = entry.unix_ms;
  head.puts = CountPuts(entry.resolved);
  head.payload_bytes = entry.payloads.size();
  std::string bytes;
  bytes.reserve(sizeof(head) + entry.request_id.size() + entry.body_hash.size() +
                entry.resolved.size() * 2 + entry.keys.size() + entry.payload_sizes.size() +
                entry.vectors.size() + entry.payloads.size());
  bytes.append(reinterpret_cast<const char*>(&head), sizeof(head));
  for (const std::string_view part :
       {entry.request_id, entry.body_hash, entry.resolved, entry.outcomes, entry.keys,
        entry.payload_sizes, entry.vectors, entry.payloads}) {
    bytes.append(part);
  }
  return bytes;
}

absl::StatusOr<LogEntry> DecodeLogEntry(std::string_view bytes, size_t vector_bytes) {
  EntryHead head;
  if (bytes.size() < sizeof(head)) return Corrupt("shorter than its head");
  std::memcpy(&head, bytes.data(), sizeof(head));
  if (head.format != kFormat || head.type != kWriteEntry) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kFormatVersion,
                 "the log holds an entry of a newer kind than this build knows; start the newer "
                 "kithd again");
  }
  std::string_view rest = bytes.substr(sizeof(head));
  LogEntry entry;
  entry.unix_ms = head.unix_ms;
  const bool whole = Take(rest, head.request_id_bytes, entry.request_id) &&
                     Take(rest, head.body_hash_bytes, entry.body_hash) &&
                     Take(rest, head.count, entry.resolved) &&
                     Take(rest, head.count, entry.outcomes) &&
                     Take(rest, uint64_t{head.count} * PointKey::kSize, entry.keys) &&
                     Take(rest, uint64_t{head.puts} * sizeof(uint32_t), entry.payload_sizes) &&
                     Take(rest, uint64_t{head.puts} * vector_bytes, entry.vectors) &&
                     Take(rest, head.payload_bytes, entry.payloads) && rest.empty();
  if (!whole) return Corrupt("its parts do not add up to its size");
  if (CountPuts(entry.resolved) != head.puts) return Corrupt("its number of puts is wrong");
  uint64_t payload_bytes = 0;
  for (uint32_t i = 0; i < head.puts; ++i) {
    uint32_t size;
    std::memcpy(&size, entry.payload_sizes.data() + size_t{i} * sizeof(size), sizeof(size));
    payload_bytes += size;
  }
  if (payload_bytes != head.payload_bytes) return Corrupt("its payload sizes are wrong");
  return entry;
}

std::string EncodeDedupeReply(uint64_t lsn, uint64_t epoch, std::string_view outcomes) {
  std::string bytes(16, '\0');
  std::memcpy(bytes.data(), &lsn, 8);
  std::memcpy(bytes.data() + 8, &epoch, 8);
  bytes.append(outcomes);
  return bytes;
}

absl::StatusOr<WriteReply> DecodeDedupeReply(std::string_view bytes) {
  if (bytes.size() < 16) return Corrupt("a remembered reply is too short");
  WriteReply reply;
  std::memcpy(&reply.lsn, bytes.data(), 8);
  std::memcpy(&reply.epoch, bytes.data() + 8, 8);
  bytes.remove_prefix(16);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto outcome = static_cast<WriteOutcome>(bytes[i]);
    reply.outcomes.push_back(outcome);
    reply.versions.push_back(
        outcome == WriteOutcome::kOk ? PutVersion(reply.lsn, static_cast<uint32_t>(i)) : 0);
  }
  return reply;
}

}  // namespace kith::shard
