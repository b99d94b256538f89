// The bytes of every file format, frozen: docs/formats.md describes them, and a directory that was
// written yesterday must open tomorrow. A test that fails here means a new format version.
#include <absl/strings/escaping.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "shard/storage/log_hint.h"
#include "shard/storage/node_directory.h"
#include "shard/storage/row_file.h"
#include "shard/storage/segment_file.h"
#include "shard/storage/shard_spec_file.h"
#include "shard/storage/state_keys.h"
#include "tests/support/file_bytes.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/small_index.h"

namespace kith::storage {
namespace {

using test::ReadBytes;
using test::WriteBytes;

// Hex without the line breaks that keep it readable here.
std::string FromHex(std::string hex) {
  std::erase_if(hex, [](char c) { return c == ' ' || c == '\n'; });
  return absl::HexStringToBytes(hex);
}

std::string ToHex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

Uuid SomeUuid() { return *Uuid::Parse("00112233-4455-6677-8899-aabbccddeeff"); }

class GoldenTest : public testing::Test {
 protected:
  const test::TemporaryDirectory directory_;
  const std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
};

TEST_F(GoldenTest, SpecOfAShard) {
  NodeDirectory::ShardDirectory shard;
  shard.spec.shard = 42;
  shard.spec.collection = "photos";
  shard.spec.incarnation = SomeUuid();
  shard.spec.dimension = 80;
  shard.spec.metric = Metric::kCosine;
  shard.spec.element_type = ElementType::kF16;
  shard.spec.slots = {{0, 1024}, {2048, 4096}};
  shard.spec.payload_fields = {{"color", FieldType::kKeyword}, {"year", FieldType::kInteger}};
  shard.copy = *Uuid::Parse("ffeeddcc-bbaa-9988-7766-554433221100");
  shard.row_extent_bits = 16;
  const std::string golden =
      "kith-shard-spec\n"
      "format_version=1\n"
      "oldest_reader=1\n"
      "shard=42\n"
      "copy=ffeeddcc-bbaa-9988-7766-554433221100\n"
      "collection=photos\n"
      "incarnation=00112233-4455-6677-8899-aabbccddeeff\n"
      "dimension=80\n"
      "metric=3\n"
      "element_type=2\n"
      "slots=0-1024,2048-4096\n"
      "payload_fields=color:1,year:2\n"
      "row_extent_bits=16\n"
      "checksum=1c9fc3c62949d2da\n";
  EXPECT_EQ(EncodeShardSpec(shard), golden);
  const auto read = ParseShardSpec("SPEC", golden);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->spec.slots, shard.spec.slots);
  EXPECT_EQ(read->spec.payload_fields, shard.spec.payload_fields);
  EXPECT_EQ(read->row_extent_bits, 16u);
}

TEST_F(GoldenTest, KeyOfAPosting) {
  EXPECT_EQ(ToHex(PostingKey({0x0102, "red"}, 0x03040506)),
            "0102"
            "726564"
            "03040506");
}

TEST_F(GoldenTest, FormatOfANodeDirectory) {
  const std::string golden =
      "kith-node-directory\n"
      "format_version=1\n"
      "oldest_reader=1\n"
      "cluster=ffeeddcc-bbaa-9988-7766-554433221100\n"
      "node=00112233-4455-6677-8899-aabbccddeeff\n"
      "checksum=00510a6f144c252f\n";
  WriteBytes(directory_ / "FORMAT", golden);
  const auto directory = NodeDirectory::Open(directory_.path(), *files_);
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ((*directory)->node_id(), SomeUuid());
  EXPECT_EQ(ReadBytes(directory_ / "FORMAT"), golden);
}

TEST_F(GoldenTest, HintOfTheLog) {
  const SystemClock clock;
  const std::string golden =
      "kith-log-hint\n"
      "format_version=1\n"
      "oldest_reader=1\n"
      "exact=1\n"
      "shard.7=1234\n"
      "truncated.7=1200\n"
      "shard.18=5\n"
      "checksum=d3ee38e269e7394a\n";
  const std::string path = directory_ / "HINT";
  {
    const auto hint = LogHint::Open(path, *files_, clock);
    ASSERT_TRUE(hint->Note(7, 1234).ok());
    hint->NoteTruncated(7, 1200);
    ASSERT_TRUE(hint->Note(18, 5).ok());
    ASSERT_TRUE(hint->Close().ok());
  }
  EXPECT_EQ(ReadBytes(path), golden);
  WriteBytes(path, golden);
  const auto hint = LogHint::Open(path, *files_, clock);
  EXPECT_EQ(hint->Expected(7), 1234u);
  EXPECT_EQ(hint->Truncated(7), 1200u);
  EXPECT_EQ(hint->Expected(18), 5u);
}

TEST_F(GoldenTest, TombstoneFile) {
  const std::string golden = FromHex(R"(
4b495448544d4232010000000100000043bccd27cb6d5a821002000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
000000000000000000000000000000000000000000000000aa4ab4e549640d75
0300000000000000020001000000000005000000000000800100000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000000
00000000000000000000000000000000c0f15e361734d17503bea80c734c6fcb
4bd55f217ab83f7b)");
  const std::string path = directory_ / "00000009.dead";
  const auto tombstones =
      index::Tombstones().With(std::vector<uint32_t>{0, 2, 63, 64}).WithRange(8192, 12288);
  ASSERT_TRUE(WriteTombstoneFile(*files_, path, tombstones).ok());
  EXPECT_EQ(ToHex(ReadBytes(path)), ToHex(golden));
  WriteBytes(path, golden);
  const auto read = ReadTombstoneFile(*files_, path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->dead_rows(), 4u + 4096);
  for (const uint32_t row : {0u, 2u, 63u, 64u, 8192u, 12287u}) EXPECT_TRUE(read->IsDead(row));
}

TEST_F(GoldenTest, SegmentFile) {
  const std::string golden = FromHex(R"(
4b4954485345473101000000010000001b31a3e2027e5faf4c00000000000000
00112233445566778899aabbccddeeff30313233343536373839616263646566
3031323334353637383961626364656610000000040000000500000010000000
010000000000000000000000000000000000000000000000e5078b9d9cf409dd
0000000002000000000000000000000000000000030000000201000002010403
a0a1a2a3a4a5a6a7c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7
d8d9dadbdcdddedf04030201f5dd8ed6dd8d2a43dee925461dd20a68d055f460
d0e35fe9)");
  const auto version = test::SmallIndexVersion();
  std::vector<index::ListSegment::CanonicalList> lists(version->lists());
  lists[1].rows = {3, 258};
  lists[1].bias = {0x0102, 0x0304};
  for (uint8_t i = 0; i < 8; ++i) lists[1].plane_a.push_back(0xa0 + i);
  for (uint8_t i = 0; i < 32; ++i) lists[1].plane_b.push_back(0xc0 + i);
  const auto segment = test::SegmentOf(*version, lists, {0x01020304});
  const SegmentIdentity identity{SomeUuid(), "0123456789abcdef0123456789abcdef"};
  const std::string path = directory_ / "00000001.seg";
  ASSERT_TRUE(WriteSegmentFile(*files_, path, identity, *version, *segment).ok());
  EXPECT_EQ(ToHex(ReadBytes(path)), ToHex(golden));
  WriteBytes(path, golden);
  const auto read = ReadSegmentFile(*files_, path, identity, *version);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)->Canonical(1).plane_b, lists[1].plane_b);
}

TEST_F(GoldenTest, RowRecord) {
  const std::string golden = FromHex(R"(
b6c3c39401000000181716151413121128272625242322210000003f0b0a0001
00000000000000000000000000000102766563746f7200000000000000000000)");
  RowFileOptions options;
  options.directory = directory_ / "rows";
  options.files = files_.get();
  options.vector_bytes = 6;
  options.extent_bits = 1;
  const std::string path = directory_ / "rows/000000.rows";
  {
    const auto file = std::move(RowFile::Open(options)).value();
    ASSERT_TRUE(file->Reserve(0, 2).ok());
    file->Write({1, PointKey::FromNumber(0x0102), 0x0a0b, 0x1112131415161718, 0x2122232425262728,
                 0.5f, "vector"});
    ASSERT_TRUE(file->Sync().ok());
  }
  const std::string bytes = ReadBytes(path);
  ASSERT_EQ(bytes.size(), 128u);
  EXPECT_EQ(ToHex(bytes.substr(64)), ToHex(golden));
  WriteBytes(path, std::string(64, '\0') + golden);
  const auto file = std::move(RowFile::Open(options)).value();
  EXPECT_TRUE(file->IsValid(1));
  EXPECT_FALSE(file->IsValid(0)) << "zeros are no record";
}

TEST_F(GoldenTest, TheExtentsOfANewShardFollowFromTheSizeOfItsVectors) {
  EXPECT_EQ(ExtentBitsFor(80), 16u);
  EXPECT_EQ(ExtentBitsFor(80 * 4), 15u);
  EXPECT_EQ(ExtentBitsFor(768 * 4), 12u);
  EXPECT_EQ(ExtentBitsFor(4096 * 4), 9u);
}

}  // namespace
}  // namespace kith::storage
