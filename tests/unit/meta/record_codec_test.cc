#include "common/meta/record_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include "absl/strings/escaping.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith {
namespace {

CollectionRecord SampleWithoutVersions() {
  CollectionRecord record;
  record.name = "faces-80";
  for (size_t i = 0; i < 16; ++i) record.incarnation.bytes[i] = static_cast<uint8_t>(0xa0 + i);
  record.state = CollectionRecord::State::kActive;
  record.dimension = 80;
  record.metric = Metric::kCosine;
  record.element_type = ElementType::kF16;
  record.lists = 0;
  record.subspaces = 16;
  record.plane_b_bytes = 40;
  record.trained_lists = 4096;
  record.trained_subspaces = 16;
  record.trained_plane_b_bytes = 48;
  record.expected_points = 250'000'000;
  record.target_recall = 0.95;
  record.payload_fields = {{"color", FieldType::kKeyword},
                           {"year", FieldType::kInteger, FieldState::kBuilding}};
  record.fields_revision = 3;
  record.serving_version = "0123456789abcdef0123456789abcdef";
  record.previous_version = "fedcba9876543210fedcba9876543210";
  record.recall = {{1, 0.5, 0.001, 0.48, 160}, {32, 0.975, 0.0125, 0.97, 160}};
  record.shards = {{7, "node-a", {{0, 2048}}}, {8, "node-b", {{2048, 3000}, {3000, 4096}}}};
  record.created_unix_ms = 1'700'000'000'123;
  record.description = "of people";
  record.revision = 42;
  return record;
}

CollectionRecord Sample() {
  CollectionRecord record = SampleWithoutVersions();
  IndexVersionRecord before;
  before.version = record.previous_version;
  before.lists = 2048;
  before.subspaces = 20;
  before.plane_b_bytes = 80;
  before.target_recall = 0.9;
  before.trained_points = 1'000'000;
  before.trained_unix_ms = 1'690'000'000'456;
  before.recall = {{4, 0.75, 0.002, 0.7, 160}};
  IndexVersionRecord serving = before;
  serving.version = record.serving_version;
  serving.recall = {{1, 0.5, 0.001, 0.48, 80, 1.25}, {32, 0.975, 0.0125, 0.97, 160}};
  serving.comparison = {record.previous_version,     0.95,  {24, 0.96, 0.01, 0.95, 160},
                        {40, 0.94, 0.03, 0.93, 400}, 0.025, 0.0125};
  record.versions = {before, serving};
  return record;
}

CollectionRecord SampleWithReadyFields() {
  CollectionRecord record = Sample();
  record.payload_fields[1].state = FieldState::kReady;
  record.fields_revision = 0;
  return record;
}

void ExpectEqual(const RecallMeasure& a, const RecallMeasure& b) {
  EXPECT_EQ(a.nprobe, b.nprobe);
  EXPECT_EQ(a.recall_at_10, b.recall_at_10);
  EXPECT_EQ(a.scanned_share, b.scanned_share);
  EXPECT_EQ(a.recall_low, b.recall_low);
  EXPECT_EQ(a.refine, b.refine);
  EXPECT_EQ(a.stop_ratio, b.stop_ratio);
}

void ExpectEqual(const std::vector<RecallMeasure>& a, const std::vector<RecallMeasure>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) ExpectEqual(a[i], b[i]);
}

void ExpectEqual(const IndexVersionRecord& a, const IndexVersionRecord& b) {
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.lists, b.lists);
  EXPECT_EQ(a.subspaces, b.subspaces);
  EXPECT_EQ(a.plane_b_bytes, b.plane_b_bytes);
  EXPECT_EQ(a.target_recall, b.target_recall);
  EXPECT_EQ(a.trained_points, b.trained_points);
  EXPECT_EQ(a.trained_unix_ms, b.trained_unix_ms);
  ExpectEqual(a.recall, b.recall);
  ASSERT_EQ(a.comparison.has_value(), b.comparison.has_value());
  if (!a.comparison.has_value()) return;
  EXPECT_EQ(a.comparison->serving_version, b.comparison->serving_version);
  EXPECT_EQ(a.comparison->target_recall, b.comparison->target_recall);
  ExpectEqual(a.comparison->trained, b.comparison->trained);
  ExpectEqual(a.comparison->serving, b.comparison->serving);
  EXPECT_EQ(a.comparison->recall_gain, b.comparison->recall_gain);
  EXPECT_EQ(a.comparison->tolerance, b.comparison->tolerance);
}

void ExpectEqual(const CollectionRecord& a, const CollectionRecord& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.incarnation, b.incarnation);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.dimension, b.dimension);
  EXPECT_EQ(a.metric, b.metric);
  EXPECT_EQ(a.element_type, b.element_type);
  EXPECT_EQ(a.lists, b.lists);
  EXPECT_EQ(a.subspaces, b.subspaces);
  EXPECT_EQ(a.plane_b_bytes, b.plane_b_bytes);
  EXPECT_EQ(a.trained_lists, b.trained_lists);
  EXPECT_EQ(a.trained_subspaces, b.trained_subspaces);
  EXPECT_EQ(a.trained_plane_b_bytes, b.trained_plane_b_bytes);
  EXPECT_EQ(a.expected_points, b.expected_points);
  EXPECT_EQ(a.target_recall, b.target_recall);
  EXPECT_EQ(a.payload_fields, b.payload_fields);
  EXPECT_EQ(a.fields_revision, b.fields_revision);
  EXPECT_EQ(a.serving_version, b.serving_version);
  EXPECT_EQ(a.previous_version, b.previous_version);
  ExpectEqual(a.recall, b.recall);
  ASSERT_EQ(a.versions.size(), b.versions.size());
  for (size_t i = 0; i < a.versions.size(); ++i) ExpectEqual(a.versions[i], b.versions[i]);
  ASSERT_EQ(a.shards.size(), b.shards.size());
  for (size_t i = 0; i < a.shards.size(); ++i) {
    EXPECT_EQ(a.shards[i].shard, b.shards[i].shard);
    EXPECT_EQ(a.shards[i].node, b.shards[i].node);
    EXPECT_EQ(a.shards[i].slots, b.shards[i].slots);
  }
  EXPECT_EQ(a.created_unix_ms, b.created_unix_ms);
  EXPECT_EQ(a.description, b.description);
  EXPECT_EQ(a.revision, b.revision);
}

// Puts the right checksum under bytes that were changed.
std::string Resealed(std::string bytes) {
  const uint64_t checksum = XXH3_64bits(bytes.data(), bytes.size() - 8);
  for (int i = 0; i < 8; ++i) {
    bytes[bytes.size() - 8 + i] = static_cast<char>(checksum >> (8 * i));
  }
  return bytes;
}

TEST(RecordCodec, ARecordComesBackAsItWas) {
  const auto decoded = DecodeCollectionRecord(EncodeCollectionRecord(Sample()));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ExpectEqual(Sample(), *decoded);
}

TEST(RecordCodec, ARecordOfFormat4IsReadAsOneWithoutADescription) {
  const std::string golden =
#include "tests/unit/meta/record_format_4.inc"
      ;
  const auto decoded = DecodeCollectionRecord(absl::HexStringToBytes(golden));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  CollectionRecord expected = SampleWithReadyFields();
  expected.description.clear();
  ExpectEqual(expected, *decoded);
}

TEST(RecordCodec, ARecordOfFormat5IsReadAsOneWhoseFieldsAreReady) {
  const std::string golden =
#include "tests/unit/meta/record_format_5.inc"
      ;
  const auto decoded = DecodeCollectionRecord(absl::HexStringToBytes(golden));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ExpectEqual(SampleWithReadyFields(), *decoded);
}

TEST(RecordCodec, TheBytesOfFormat6NeverChange) {
  const std::string golden =
#include "tests/unit/meta/record_format_6.inc"
      ;
  EXPECT_EQ(absl::BytesToHexString(EncodeCollectionRecord(Sample())), golden);
  const auto decoded = DecodeCollectionRecord(absl::HexStringToBytes(golden));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ExpectEqual(Sample(), *decoded);
}

TEST(RecordCodec, EveryFlippedBitIsFound) {
  const std::string bytes = EncodeCollectionRecord(Sample());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto decoded = DecodeCollectionRecord(damaged);
    ASSERT_FALSE(decoded.ok()) << "bit " << bit;
    EXPECT_EQ(ReasonOf(decoded.status()), reason::kCorruption);
  }
}

TEST(RecordCodec, EveryTruncationIsFound) {
  const std::string bytes = EncodeCollectionRecord(Sample());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeCollectionRecord(bytes.substr(0, size)).ok()) << size;
  }
}

TEST(RecordCodec, LengthsThatLieAreFoundUnderARightChecksum) {
  const std::string bytes = EncodeCollectionRecord(Sample());
  for (size_t at = 1; at + 12 <= bytes.size(); ++at) {
    std::string lying = bytes;
    lying.replace(at, 4, "\xff\xff\xff\x7f");
    (void)DecodeCollectionRecord(Resealed(lying));  // must neither crash nor allocate gigabytes
  }
  std::string lying = bytes;
  lying[1] = '\x7f';  // the name's length
  EXPECT_EQ(ReasonOf(DecodeCollectionRecord(Resealed(lying)).status()), reason::kCorruption);
}

TEST(RecordCodec, BytesLeftOverAreFound) {
  std::string longer = EncodeCollectionRecord(Sample());
  longer.insert(longer.size() - 8, "x");
  EXPECT_EQ(ReasonOf(DecodeCollectionRecord(Resealed(longer)).status()), reason::kCorruption);
}

TEST(RecordCodec, AnotherFormatIsRefusedByName) {
  for (const char format : {3, 7}) {
    std::string other = EncodeCollectionRecord(Sample());
    other[0] = format;
    const auto decoded = DecodeCollectionRecord(Resealed(other));
    EXPECT_EQ(decoded.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(decoded.status()), reason::kFormatVersion);
  }
}

TEST(Aliases, ComeBackAsTheyWereAndDamageIsFound) {
  const Aliases aliases = {{"faces", "faces-v2"}, {"old", "faces-v1"}};
  const std::string bytes = EncodeAliases(aliases);
  EXPECT_EQ(absl::BytesToHexString(bytes.substr(0, bytes.size() - 8)),
            "01020000000500000066616365730800000066616365732d7632030000006f6c640800000066616365732d"
            "7631");
  EXPECT_EQ(*DecodeAliases(bytes), aliases);
  EXPECT_TRUE(DecodeAliases(EncodeAliases({}))->empty());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeAliases(bytes.substr(0, size)).ok()) << size;
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(ReasonOf(DecodeAliases(damaged).status()), reason::kCorruption) << bit;
  }
  std::string lying = bytes;
  lying[1] = '\x7f';
  EXPECT_EQ(ReasonOf(DecodeAliases(Resealed(lying)).status()), reason::kCorruption);
  std::string out_of_order = bytes;
  out_of_order[9] = 'z';  // of the first name
  EXPECT_EQ(ReasonOf(DecodeAliases(Resealed(out_of_order)).status()), reason::kCorruption);
  std::string newer = bytes;
  newer[0] = 2;
  EXPECT_EQ(ReasonOf(DecodeAliases(Resealed(newer)).status()), reason::kFormatVersion);
}

TEST(RecordCodec, AnUnknownStateIsRefused) {
  CollectionRecord record = Sample();
  record.state = static_cast<CollectionRecord::State>(9);
  EXPECT_EQ(ReasonOf(DecodeCollectionRecord(EncodeCollectionRecord(record)).status()),
            reason::kCorruption);
}

TEST(RecordCodec, ARecordThatIsBeingRestoredIsReadAsSuch) {
  CollectionRecord record = Sample();
  record.state = CollectionRecord::State::kRestoring;
  const auto read = DecodeCollectionRecord(EncodeCollectionRecord(record));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->state, CollectionRecord::State::kRestoring);
  record.state = static_cast<CollectionRecord::State>(5);
  EXPECT_FALSE(DecodeCollectionRecord(EncodeCollectionRecord(record)).ok());
}

}  // namespace
}  // namespace kith
