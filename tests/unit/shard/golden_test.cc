// The bytes that a shard copy puts into its databases, frozen: docs/formats.md describes them. A
// test that fails here means a new format version.
#include <absl/strings/escaping.h>
#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/maintenance/manifest.h"
#include "shard/parts/field_states.h"
#include "shard/write/log_entry.h"

namespace kith::shard {
namespace {

// Hex without the line breaks that keep it readable here.
std::string FromHex(std::string hex) {
  std::erase_if(hex, [](char c) { return c == ' ' || c == '\n'; });
  return absl::HexStringToBytes(hex);
}

std::string ToHex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

TEST(Golden, BodyOfALogEntry) {
  const std::string golden = FromHex(R"(
0101101003000000080706050403020101000000000000000300000000000000
3031323334353637383961626364656666656463626139383736353433323130
0102000101030100000000000000000000000000000007010000000000000000
0000000000000008010000000000000000000000000000000903000000766563
746f722d41706179)");
  const std::string resolved = {1, 2, 0};
  const std::string outcomes = {1, 1, 3};
  std::string keys;
  for (uint64_t id : {7, 8, 9}) keys.append(PointKey::FromNumber(id).view());
  const uint32_t sizes[] = {3};
  LogEntry entry;
  entry.request_id = "0123456789abcdef";
  entry.body_hash = "fedcba9876543210";
  entry.unix_ms = 0x0102030405060708;
  entry.resolved = resolved;
  entry.outcomes = outcomes;
  entry.keys = keys;
  entry.payload_sizes = {reinterpret_cast<const char*>(sizes), sizeof(sizes)};
  entry.vectors = "vector-A";
  entry.payloads = "pay";
  EXPECT_EQ(ToHex(EncodeLogEntry(entry)), ToHex(golden));
  const auto read = DecodeLogEntry(golden, 8);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->payloads, "pay");
}

TEST(Golden, RememberedReply) {
  const std::string golden = FromHex(R"(
050000000000000002000000000000000200000001040201000000000000)");
  WriteReply reply;
  reply.lsn = 5;
  reply.epoch = 2;
  reply.outcomes = {WriteOutcome::kOk, WriteOutcome::kVersionMismatch};
  reply.versions = {PutVersion(5, 0), 0x0102};
  EXPECT_EQ(ToHex(EncodeDedupeReply(reply)), ToHex(golden));
  WriteCall call;
  call.kinds = {WriteKind::kUpsert, WriteKind::kUpsert};
  const auto read = DecodeDedupeReply(golden, call);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->versions, reply.versions);
}

TEST(Golden, BodyOfALogEntryOfWhatAFilterPicked) {
  const std::string golden = FromHex(R"(
0101000001000000020000000000000000000000030000000000000000000000
0080010000000000020101000000000000000000000000000000
07)");
  const std::string resolved = {2};
  const std::string outcomes = {1};
  LogEntry entry;
  entry.unix_ms = 2;
  entry.resolved = resolved;
  entry.outcomes = outcomes;
  const PointKey key = PointKey::FromNumber(7);
  entry.keys = key.view();
  entry.version_below = PutVersion(6, 0);
  entry.has_more = true;
  EXPECT_EQ(ToHex(EncodeLogEntry(entry)), ToHex(golden));
  const auto read = DecodeLogEntry(golden, 8);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->version_below, PutVersion(6, 0));
  EXPECT_TRUE(read->has_more);
}

TEST(Golden, RememberedReplyOfWhatAFilterPicked) {
  const std::string golden = FromHex(R"(
05000000000000000200000000000000010000000100400100000000 0001)");
  WriteReply reply;
  reply.lsn = 5;
  reply.epoch = 2;
  reply.outcomes = {WriteOutcome::kOk};
  reply.versions = {PutVersion(5, 0)};
  reply.version_below = PutVersion(5, 0);
  reply.has_more = true;
  EXPECT_EQ(ToHex(EncodeDedupeReply(reply)), ToHex(golden));
  WriteCall call;
  call.kinds = {WriteKind::kMergePayload};
  call.selection.emplace();
  const auto read = DecodeDedupeReply(golden, call);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->versions, reply.versions);
  EXPECT_EQ(read->version_below, reply.version_below);
  EXPECT_TRUE(read->has_more);
}

Manifest SampleManifest() {
  Manifest manifest;
  manifest.lsn = 0x0102;
  manifest.row_end = 0x0304;
  manifest.next_file = 12;
  manifest.tombstones = "00000011.dead";
  manifest.indexes.push_back(
      {"0123456789abcdef0123456789abcdef", 0x0203, true, {"00000009.seg", "00000010.seg"}});
  return manifest;
}

TEST(Golden, ManifestOfACheckpoint) {
  const std::string golden = FromHex(R"(
010000000201000000000000040300000c000000000000000d00000030303030
303031312e646561640100000020000000303132333435363738396162636465
66303132333435363738396162636465660302000001020000000c0000003030
3030303030392e7365670c00000030303030303031302e736567)");
  EXPECT_EQ(ToHex(EncodeManifest(SampleManifest())), ToHex(golden));
  const auto read = DecodeManifest(golden);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->indexes[0].segments, SampleManifest().indexes[0].segments);
  EXPECT_TRUE(read->indexes[0].ready);
}

FieldStates SampleFields() {
  FieldStates states;
  states.revision = 5;
  states.schema = {{"color", FieldType::kKeyword},
                   {"", FieldType::kKeyword, FieldState::kFree},
                   {"year", FieldType::kInteger, FieldState::kBuilding}};
  states.builds = {{}, {}, {1024, 5000, 2, PointKey::FromNumber(7)}};
  return states;
}

TEST(Golden, IndexedFieldsOfACopy) {
  const std::string golden = FromHex(R"(
0105000000000000000300000005000000636f6c6f7201010000000000000000
0000000000000000000000000001040000000000000000000000000000000000
0400000079656172020200040000881300000200000000000000010100000000
000000000000000000000007)");
  EXPECT_EQ(ToHex(EncodeFieldStates(SampleFields())), ToHex(golden));
  const auto read = DecodeFieldStates(golden);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->revision, 5u);
  EXPECT_EQ(read->schema, SampleFields().schema);
  EXPECT_EQ(read->builds, SampleFields().builds);
}

TEST(FieldStates, EveryTruncationAndWhatIsNoSuchListIsRefused) {
  const std::string bytes = EncodeFieldStates(SampleFields());
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto read = DecodeFieldStates(bytes.substr(0, size));
    EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_FALSE(DecodeFieldStates(bytes + "x").ok());
  FieldStates wrong = SampleFields();
  wrong.builds[2].next = 5001;
  EXPECT_FALSE(DecodeFieldStates(EncodeFieldStates(wrong)).ok()) << "beyond its end";
  wrong = SampleFields();
  wrong.schema[2].name = "color";
  EXPECT_FALSE(DecodeFieldStates(EncodeFieldStates(wrong)).ok()) << "twice";
}

TEST(FieldStates, WhatIsThroughIsReadyAfterAStartUnlessSomethingDoesNotFitAndWhatGoesIsGone) {
  FieldStates states = SampleFields();
  states.builds[2].next = 5000;
  EXPECT_EQ(DecodeFieldStates(EncodeFieldStates(states))->schema[2].state, FieldState::kBuilding);
  states.builds[2].misfits = 0;
  EXPECT_EQ(DecodeFieldStates(EncodeFieldStates(states))->schema[2].state, FieldState::kReady);
  states.schema[2].state = FieldState::kDropping;
  const auto read = DecodeFieldStates(EncodeFieldStates(states));
  EXPECT_EQ(read->schema[2].state, FieldState::kFree);
  EXPECT_EQ(read->schema[2].name, "");
}

TEST(Manifest, EveryTruncationAndANewerFormatAreRefused) {
  const std::string bytes = EncodeManifest(SampleManifest());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(DecodeManifest(bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_EQ(DecodeManifest(bytes + "x").status().code(), absl::StatusCode::kDataLoss);
  std::string newer = bytes;
  newer[0] = 2;
  EXPECT_EQ(ReasonOf(DecodeManifest(newer).status()), reason::kFormatVersion);
}

}  // namespace
}  // namespace kith::shard
