#ifndef KITH_SHARD_WRITE_LOG_ENTRY_H_
#define KITH_SHARD_WRITE_LOG_ENTRY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/shard_api/shard_calls.h"

namespace kith::shard {

// What one operation of a request came to, decided by the writer in log order. On disk.
enum class ResolvedKind : uint8_t { kRefused = 0, kPut = 1, kDelete = 2 };

// One log entry: a whole write request, resolved. It holds operations, never a condition. The views
// point into the entry's bytes. Layout (little-endian): docs/formats.md.
struct LogEntry {
  std::string_view request_id;  // empty or 16 bytes
  std::string_view body_hash;
  uint64_t unix_ms = 0;
  // Of a write to what a filter picked: the bound of versions, and whether some were left below it.
  uint64_t version_below = 0;
  bool has_more = false;
  std::string_view resolved;       // ResolvedKind, one byte an operation
  std::string_view outcomes;       // WriteOutcome, one byte an operation
  std::string_view keys;           // 17 bytes an operation
  std::string_view payload_sizes;  // u32 a put
  std::string_view vectors;        // of the puts, in order
  std::string_view payloads;

  uint32_t count() const { return static_cast<uint32_t>(resolved.size()); }
};

std::string EncodeLogEntry(const LogEntry& entry);
// DATA_LOSS CORRUPTION where sizes do not add up; FAILED_PRECONDITION FORMAT_VERSION for an entry
// of a kind this build does not know (never skipped).
absl::StatusOr<LogEntry> DecodeLogEntry(std::string_view bytes, size_t vector_bytes);

// The version a put gets: larger is later, never the same twice within a shard.
constexpr uint64_t PutVersion(uint64_t lsn, uint32_t operation) { return lsn << 14 | operation; }

// What a repeated request is answered with: lsn, epoch, outcomes, versions and what is said of a
// selection. The versions of what was written follow from the lsn; on disk stand those of the
// others.
std::string EncodeDedupeReply(const WriteReply& reply);
// Whether the remembered reply is whole, and of other operations than those of `call`.
bool AnswersOtherOperations(std::string_view reply, const WriteCall& call);
// `call` is the repeated request. DATA_LOSS CORRUPTION.
absl::StatusOr<WriteReply> DecodeDedupeReply(std::string_view bytes, const WriteCall& call);

}  // namespace kith::shard

#endif  // KITH_SHARD_WRITE_LOG_ENTRY_H_
