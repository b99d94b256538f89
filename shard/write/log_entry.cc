#include "shard/write/log_entry.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "common/base/byte_codec.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

constexpr uint8_t kFormat = 1;
constexpr uint8_t kWriteEntry = 1;
constexpr size_t kReplyHead = 8 + 8 + 4;   // of a remembered reply: lsn, epoch, operations
constexpr size_t kReplySelection = 8 + 1;  // after it, of a selection: version_below, has_more

// The fixed head of an entry; the variable parts follow in the order of LogEntry.
struct EntryHead {
  uint8_t format;
  uint8_t type;
  uint8_t request_id_bytes;
  uint8_t body_hash_bytes;
  uint32_t count;
  uint64_t unix_ms;
  uint32_t puts;
  uint32_t selection;  // of a write to what a filter picked: kSelection, and kHasMore
  uint64_t payload_bytes;
};
static_assert(sizeof(EntryHead) == 32);

constexpr uint32_t kSelection = 1;  // a u64 follows the head: version_below
constexpr uint32_t kHasMore = 2;

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

struct ReplyShape {
  size_t operations = 0;
  bool selects = false;  // it is of a write to what a filter picked
};

// Of a remembered reply: its size says what it is of. Nothing where the size is that of none.
std::optional<ReplyShape> ShapeOf(std::string_view bytes) {
  if (bytes.size() < kReplyHead) return std::nullopt;
  const size_t count = GetLittleEndian<uint32_t>(bytes.data() + 16);
  std::string_view rest = bytes.substr(kReplyHead);
  std::string_view outcomes;
  if (!Take(rest, count, outcomes)) return std::nullopt;
  const auto written =
      std::count(outcomes.begin(), outcomes.end(), static_cast<char>(WriteOutcome::kOk));
  const size_t versions = (count - static_cast<size_t>(written)) * sizeof(uint64_t);
  if (rest.size() == versions) return ReplyShape{count, false};
  if (rest.size() == versions + kReplySelection) return ReplyShape{count, true};
  return std::nullopt;
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
  if (entry.version_below != 0) head.selection = kSelection | (entry.has_more ? kHasMore : 0);
  head.payload_bytes = entry.payloads.size();
  std::string bytes;
  bytes.reserve(sizeof(head) + entry.request_id.size() + entry.body_hash.size() +
                entry.resolved.size() * 2 + entry.keys.size() + entry.payload_sizes.size() +
                entry.vectors.size() + entry.payloads.size());
  bytes.append(reinterpret_cast<const char*>(&head), sizeof(head));
  if (head.selection != 0) AppendLittleEndian(bytes, entry.version_below);
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
  if (head.selection > (kSelection | kHasMore) || head.selection == kHasMore) {
    return Corrupt("its selection is none");
  }
  std::string_view bound;
  if (head.selection != 0) {
    if (!Take(rest, sizeof(uint64_t), bound)) return Corrupt("its parts do not add up to its size");
    entry.version_below = GetLittleEndian<uint64_t>(bound.data());
    if (entry.version_below == 0) return Corrupt("its selection has no bound");
    entry.has_more = (head.selection & kHasMore) != 0;
  }
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

std::string EncodeDedupeReply(const WriteReply& reply) {
  std::string bytes;
  AppendLittleEndian(bytes, reply.lsn);
  AppendLittleEndian(bytes, reply.epoch);
  AppendLittleEndian(bytes, static_cast<uint32_t>(reply.outcomes.size()));
  for (const WriteOutcome outcome : reply.outcomes) bytes.push_back(static_cast<char>(outcome));
  for (size_t i = 0; i < reply.outcomes.size(); ++i) {
    if (reply.outcomes[i] == WriteOutcome::kOk) continue;
    AppendLittleEndian(bytes, reply.versions[i]);
  }
  if (reply.version_below == 0) return bytes;
  AppendLittleEndian(bytes, reply.version_below);
  bytes.push_back(reply.has_more ? 1 : 0);
  return bytes;
}

bool AnswersOtherOperations(std::string_view reply, const WriteCall& call) {
  const std::optional<ReplyShape> shape = ShapeOf(reply);
  if (!shape.has_value()) return false;
  const bool selects = call.selection.has_value();
  return shape->selects != selects || (!selects && shape->operations != call.kinds.size());
}

absl::StatusOr<WriteReply> DecodeDedupeReply(std::string_view bytes, const WriteCall& call) {
  const std::optional<ReplyShape> shape = ShapeOf(bytes);
  if (!shape.has_value()) return Corrupt("a remembered reply has the wrong size");
  if (call.kinds.empty() || AnswersOtherOperations(bytes, call)) {
    return Corrupt("a remembered reply does not fit its request");
  }
  WriteReply reply;
  reply.lsn = GetLittleEndian<uint64_t>(bytes.data());
  reply.epoch = GetLittleEndian<uint64_t>(bytes.data() + 8);
  const std::string_view outcomes = bytes.substr(kReplyHead, shape->operations);
  std::string_view rest = bytes.substr(kReplyHead + shape->operations);
  for (size_t i = 0; i < shape->operations; ++i) {
    reply.outcomes.push_back(static_cast<WriteOutcome>(outcomes[i]));
    uint64_t& version = reply.versions.emplace_back(0);
    if (reply.outcomes[i] == WriteOutcome::kOk) {
      const WriteKind kind = call.kinds[shape->selects ? 0 : i];
      if (kind != WriteKind::kDelete) version = PutVersion(reply.lsn, static_cast<uint32_t>(i));
      continue;
    }
    version = GetLittleEndian<uint64_t>(rest.data());
    rest.remove_prefix(sizeof(version));
  }
  if (!shape->selects) return reply;
  reply.version_below = GetLittleEndian<uint64_t>(rest.data());
  reply.has_more = rest[8] != 0;
  if (reply.version_below == 0 || (rest[8] & ~1) != 0)
    return Corrupt("a remembered selection is none");
  return reply;
}

}  // namespace kith::shard
