// Entries of the operation log, and the values of the state database.
#include "shard/write/log_entry.h"

#include <string>
#include <vector>

#include "shard/storage/state_batch.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

void TakeEntry(std::string_view bytes, size_t vector_bytes) {
  const auto entry = shard::DecodeLogEntry(bytes, vector_bytes);
  if (!entry.ok()) return;
  const std::string encoded = shard::EncodeLogEntry(*entry);
  const auto again = shard::DecodeLogEntry(encoded, vector_bytes);
  Require(again.ok() && shard::EncodeLogEntry(*again) == encoded && encoded.size() == bytes.size(),
          "an entry comes back as it was");
}

void TakeReplyTo(const WriteCall& call, std::string_view bytes) {
  const auto reply = shard::DecodeDedupeReply(bytes, call);
  if (!reply.ok()) return;
  Require(!shard::AnswersOtherOperations(bytes, call), "what is answered was asked");
  Require(shard::EncodeDedupeReply(*reply) == bytes, "a remembered reply says only one thing");
}

void TakeReply(std::string_view bytes, size_t operations) {
  WriteCall call;
  for (size_t i = 0; i < operations; ++i) call.kinds.push_back(static_cast<WriteKind>(1 + i % 6));
  TakeReplyTo(call, bytes);
  call.kinds = {WriteKind::kMergePayload};
  call.selection.emplace();
  TakeReplyTo(call, bytes);
}

void TakeStateValues(std::string_view bytes) {
  storage::RowRecord row;
  if (storage::DecodeRow(bytes, row)) {
    Require(row.vector.size() + row.payload.size() + storage::kRowHeaderSize == bytes.size(),
            "a row's parts are all of it");
  }
  storage::IdEntry id;
  storage::AppliedState applied;
  (void)storage::DecodeId(bytes, id);
  (void)storage::DecodeApplied(bytes, applied);
}

}  // namespace

// The first byte: of a vector, or how many operations a remembered reply is for.
std::vector<std::string> Seeds() {
  const std::string resolved = {1, 2, 1, 0};
  const std::string outcomes = {1, 1, 1, 2};
  const std::string keys(4 * PointKey::kSize, '\1');
  const uint32_t sizes[] = {3, 0};
  shard::LogEntry entry;
  entry.request_id = "0123456789abcdef";
  entry.body_hash = "fedcba9876543210";
  entry.unix_ms = 77;
  entry.resolved = resolved;
  entry.outcomes = outcomes;
  entry.keys = keys;
  entry.payload_sizes = {reinterpret_cast<const char*>(sizes), sizeof(sizes)};
  entry.vectors = "vector-Avector-B";
  entry.payloads = "pay";
  WriteReply reply;
  reply.lsn = 5;
  reply.epoch = 1;
  reply.outcomes = {WriteOutcome::kOk, WriteOutcome::kVersionMismatch, WriteOutcome::kNotFound};
  reply.versions = {shard::PutVersion(5, 0), 77, 0};
  std::vector<std::string> seeds = {'\x8' + shard::EncodeLogEntry(entry),
                                    '\3' + shard::EncodeDedupeReply(reply)};
  entry.version_below = reply.version_below = 9 << 14;
  entry.has_more = reply.has_more = true;
  seeds.push_back('\x8' + shard::EncodeLogEntry(entry));
  seeds.push_back('\1' + shard::EncodeDedupeReply(reply));
  return seeds;
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith::fuzz;
  FuzzInput input(data, size);
  const size_t first = input.Byte();
  const std::string_view rest = input.Rest();
  TakeEntry(rest, first);
  TakeReply(rest, first);
  TakeStateValues(rest);
  return 0;
}
