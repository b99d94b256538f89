#include "shard/storage/segment_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include <filesystem>
#include <random>

#include "common/base/byte_codec.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/frame_writer.h"
#include "shard/storage/segment_format.h"
#include "tests/support/file_bytes.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/small_index.h"

namespace kith::storage {
namespace {

using index::ListSegment;
using test::ReadBytes;
using test::WriteBytes;

constexpr size_t kHeaderSize = 128;

// Large enough for several blocks of 64 KiB.
std::vector<ListSegment::CanonicalList> ExampleLists(const index::IndexVersion& version) {
  std::mt19937 random(7);
  std::vector<ListSegment::CanonicalList> lists(version.lists());
  uint32_t row = 0;
  for (uint32_t i = 0; i < version.lists(); ++i) {
    const uint32_t count = i == 1 ? 0 : 1500 + i;
    for (uint32_t j = 0; j < count; ++j) lists[i].rows.push_back(row++);
    lists[i].bias.resize(count);
    lists[i].plane_a.resize(count * version.subspaces());
    lists[i].plane_b.resize(count * version.plane_b_bytes());
    for (auto& value : lists[i].bias) value = static_cast<uint16_t>(random());
    for (auto& value : lists[i].plane_a) value = static_cast<uint8_t>(random());
    for (auto& value : lists[i].plane_b) value = static_cast<uint8_t>(random());
  }
  return lists;
}

class SegmentFileTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(Write(path_, identity_).ok()); }
  absl::Status Write(const std::string& path, const SegmentIdentity& identity) {
    return WriteSegmentFile(*files_, path, identity, *version_, *segment_);
  }
  absl::StatusOr<std::shared_ptr<const ListSegment>> Read() {
    return ReadSegmentFile(*files_, path_, identity_, *version_);
  }

  const test::TemporaryDirectory directory_;
  const std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
  const std::shared_ptr<const index::IndexVersion> version_ = test::SmallIndexVersion();
  const std::vector<ListSegment::CanonicalList> lists_ = ExampleLists(*version_);
  const std::vector<uint32_t> side_rows_ = {90'001, 90'005};
  const std::shared_ptr<const ListSegment> segment_ =
      test::SegmentOf(*version_, lists_, side_rows_);
  const std::string path_ = directory_ / "1.seg";
  const SegmentIdentity identity_{Uuid::Random(), version_->hash};
};

TEST_F(SegmentFileTest, AWrittenSegmentReadsBack) {
  const auto segment = Read();
  ASSERT_TRUE(segment.ok()) << segment.status();
  EXPECT_EQ((*segment)->rows(), segment_->rows());
  for (uint32_t i = 0; i < version_->lists(); ++i) {
    const ListSegment::CanonicalList list = (*segment)->Canonical(i);
    EXPECT_EQ(list.rows, lists_[i].rows);
    EXPECT_EQ(list.bias, lists_[i].bias);
    EXPECT_EQ(list.plane_a, lists_[i].plane_a);
    EXPECT_EQ(list.plane_b, lists_[i].plane_b);
  }
  EXPECT_THAT(std::vector((*segment)->side_rows().begin(), (*segment)->side_rows().end()),
              testing::ElementsAreArray(side_rows_));
}

TEST_F(SegmentFileTest, TheSameSegmentHasTheSameBytes) {
  const std::string before = ReadBytes(path_);
  ASSERT_TRUE(Write(path_, identity_).ok());
  EXPECT_EQ(ReadBytes(path_), before);
  EXPECT_FALSE(files_->Exists(path_ + ".new"));
}

TEST_F(SegmentFileTest, EveryFlippedByteIsDetected) {
  std::string bytes = ReadBytes(path_);
  std::vector<size_t> places;
  for (size_t i = 0; i < kHeaderSize; ++i) places.push_back(i);
  for (size_t i = bytes.size() - 60; i < bytes.size(); ++i) places.push_back(i);
  for (size_t i = kHeaderSize; i < bytes.size(); i += 397) places.push_back(i);
  for (const size_t place : places) {
    bytes[place] ^= 0x10;
    WriteBytes(path_, bytes);
    ASSERT_EQ(Read().status().code(), absl::StatusCode::kDataLoss) << "byte " << place;
    bytes[place] ^= 0x10;
  }
  WriteBytes(path_, bytes);
  EXPECT_TRUE(Read().ok());
}

TEST_F(SegmentFileTest, TheDamagedBlockIsNamed) {
  std::string bytes = ReadBytes(path_);
  bytes[kHeaderSize + 70'000] ^= 1;
  WriteBytes(path_, bytes);
  EXPECT_THAT(std::string(Read().status().message()), testing::HasSubstr("block 1 "));
}

TEST_F(SegmentFileTest, EveryTruncationAndExtensionIsDetected) {
  const std::string bytes = ReadBytes(path_);
  for (size_t size = 0; size < bytes.size(); size += size < 200 ? 1 : 1009) {
    WriteBytes(path_, bytes.substr(0, size));
    ASSERT_EQ(Read().status().code(), absl::StatusCode::kDataLoss) << "size " << size;
  }
  WriteBytes(path_, bytes + '\0');
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SegmentFileTest, TwoSegmentsThatChangedPlacesAreDetected) {
  ASSERT_TRUE(Write(directory_ / "2.seg", identity_).ok());
  std::filesystem::copy_file(directory_ / "2.seg", path_,
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SegmentFileTest, ASegmentWhosePlaneBHasAnotherWidthIsRefused) {
  index::IndexVersion narrow = *version_;
  narrow.parameters.plane_b_bytes = 9;
  const auto segment = ReadSegmentFile(*files_, path_, identity_, narrow);
  EXPECT_EQ(segment.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(segment.status().message()), testing::HasSubstr("plane B"));
}

TEST_F(SegmentFileTest, ASegmentOfFewerBytesThanDimensionsReadsBack) {
  index::IndexVersion narrow = *version_;
  narrow.parameters.plane_b_bytes = 7;
  const auto lists = ExampleLists(narrow);
  const auto segment = test::SegmentOf(narrow, lists, side_rows_);
  ASSERT_TRUE(WriteSegmentFile(*files_, path_, identity_, narrow, *segment).ok());
  const auto read = ReadSegmentFile(*files_, path_, identity_, narrow);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)->refine_bytes(), ((*read)->rows() - side_rows_.size()) * 7);
  for (uint32_t i = 0; i < narrow.lists(); ++i) {
    EXPECT_EQ((*read)->Canonical(i).plane_b, lists[i].plane_b);
  }
}

TEST_F(SegmentFileTest, ASegmentOfAnotherIncarnationIsRefused) {
  ASSERT_TRUE(Write(path_, {Uuid::Random(), version_->hash}).ok());
  const absl::Status status = Read().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), reason::kWrongIncarnation);
}

TEST_F(SegmentFileTest, ASegmentOfAnotherIndexVersionIsRefused) {
  ASSERT_TRUE(Write(path_, {identity_.incarnation, std::string(32, 'f')}).ok());
  EXPECT_EQ(ReasonOf(Read().status()), reason::kCorruption);
}

// A header that lies about its sizes under a right checksum: nothing is allocated by it.
TEST_F(SegmentFileTest, SizesThatLieAreDetectedBeforeTheyAreUsed) {
  const std::string good = ReadBytes(path_);
  // A body so large that the file's size computed from it wraps around to the real one.
  uint64_t wrapping = ~uint64_t{0} - (uint64_t{1} << 51);
  for (int i = 0; i < 100; ++i) wrapping += good.size() - FrameFileSize(wrapping);
  ASSERT_EQ(FrameFileSize(wrapping), good.size());
  ASSERT_GT(wrapping, uint64_t{1} << 60);
  const auto with = [&](size_t offset, uint64_t value, size_t size) {
    std::string bytes = good;
    std::memcpy(bytes.data() + offset, &value, size);
    const uint64_t checksum = XXH3_64bits(bytes.data(), kHeaderSize - 8);
    std::memcpy(bytes.data() + kHeaderSize - 8, &checksum, 8);
    WriteBytes(path_, bytes);
    return Read().status().code();
  };
  EXPECT_EQ(with(24, ~uint64_t{0}, 8), absl::StatusCode::kDataLoss) << "body bytes";
  EXPECT_EQ(with(24, wrapping, 8), absl::StatusCode::kDataLoss) << "body bytes that wrap";
  EXPECT_THAT(std::string(Read().status().message()), testing::HasSubstr("what its header says"));
  EXPECT_EQ(with(24, ~uint64_t{0} >> 18, 8), absl::StatusCode::kDataLoss) << "body bytes";
  EXPECT_EQ(with(80, 0xffff'ffff, 4), absl::StatusCode::kDataLoss) << "dimension";
  EXPECT_EQ(with(88, 0xffff'ffff, 4), absl::StatusCode::kDataLoss) << "lists";
  EXPECT_EQ(with(96, ~uint64_t{0}, 8), absl::StatusCode::kDataLoss) << "side rows";
  EXPECT_EQ(with(12, 2, 4), absl::StatusCode::kFailedPrecondition) << "oldest reader";
}

// A body that lies about its lists under right checksums: nothing is read past its end.
TEST_F(SegmentFileTest, ListSizesThatLieAreDetected) {
  const std::string good = ReadBytes(path_);
  const auto header = DecodeFrameHeader(path_, good, kSegmentMagic);
  ASSERT_TRUE(header.ok());
  for (const uint32_t lie : {0u, 1u, 1499u, 1501u, 0xffff'ffffu}) {
    std::string body = good.substr(kHeaderSize, header->body_bytes);
    std::memcpy(body.data(), &lie, sizeof(lie));  // of the first list, which has 1,500 rows
    auto writer = FrameWriter::Begin(*files_, path_, *header);
    ASSERT_TRUE(writer.ok() && writer->Append(body).ok() && writer->Finish().ok());
    const absl::Status status = Read().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << lie;
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr("list sizes")) << lie;
  }
}

TEST_F(SegmentFileTest, AnEmptySegmentReadsBack) {
  const auto empty =
      test::SegmentOf(*version_, std::vector<ListSegment::CanonicalList>(version_->lists()), {});
  ASSERT_TRUE(WriteSegmentFile(*files_, path_, identity_, *version_, *empty).ok());
  const auto segment = Read();
  ASSERT_TRUE(segment.ok()) << segment.status();
  EXPECT_EQ((*segment)->rows(), 0u);
}

TEST_F(SegmentFileTest, TombstonesReadBackAndEveryFlippedByteIsDetected) {
  const std::string path = directory_ / "dead";
  for (const uint32_t count : {0u, 1u, 90'000u}) {
    std::vector<uint32_t> rows;
    for (uint32_t i = 0; i < count; ++i) rows.push_back(i * 37);
    const auto dead = index::Tombstones().With(rows).WithRange(count, count * 6);
    ASSERT_TRUE(WriteTombstoneFile(*files_, path, dead).ok());
    const auto read = ReadTombstoneFile(*files_, path);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->dead_rows(), dead.dead_rows());
    for (uint32_t row = 0; row < count * 38; ++row) {
      ASSERT_EQ(read->IsDead(row), dead.IsDead(row)) << row;
    }
    std::string bytes = ReadBytes(path);
    for (size_t place = 0; place < bytes.size(); place += place < 200 ? 1 : 503) {
      bytes[place] ^= 0x80;
      WriteBytes(path, bytes);
      ASSERT_EQ(ReadTombstoneFile(*files_, path).status().code(), absl::StatusCode::kDataLoss);
      bytes[place] ^= 0x80;
    }
  }
}

TEST_F(SegmentFileTest, RowsThatAreAllDeadTakeAByteAPageInTheFile) {
  const std::string path = directory_ / "dead";
  const auto dead = index::Tombstones().WithRange(0, 4'000'000'000).With({{4'000'000'007u}});
  ASSERT_TRUE(WriteTombstoneFile(*files_, path, dead).ok());
  EXPECT_LT(ReadBytes(path).size(), 1'000'000u);
  EXPECT_EQ(ReadTombstoneFile(*files_, path)->dead_rows(), 4'000'000'001u);
}

// A body that lies about its pages under right checksums.
TEST_F(SegmentFileTest, PagesThatLieAreDetected) {
  const std::string path = directory_ / "dead";
  ASSERT_TRUE(
      WriteTombstoneFile(*files_, path, index::Tombstones().With({{5u, 5000u, 9000u, 17'000u}}))
          .ok());
  const std::string good = ReadBytes(path);
  const auto header = DecodeFrameHeader(path, good, kTombstoneMagic);
  ASSERT_TRUE(header.ok());
  const auto with = [&](size_t offset, char value) {
    std::string body = good.substr(kHeaderSize, header->body_bytes);
    body[offset] = value;
    auto writer = FrameWriter::Begin(*files_, path, *header);
    EXPECT_TRUE(writer.ok() && writer->Append(body).ok() && writer->Finish().ok());
    return ReadTombstoneFile(*files_, path).status().code();
  };
  EXPECT_EQ(with(0, 2), absl::StatusCode::kDataLoss) << "a page fewer";
  EXPECT_EQ(with(1, 2), absl::StatusCode::kDataLoss) << "512 pages more";
  EXPECT_EQ(with(7, -1), absl::StatusCode::kDataLoss) << "more pages than there can be";
  EXPECT_EQ(with(8, 1), absl::StatusCode::kDataLoss) << "words that belong to no page";
  EXPECT_EQ(with(11, 2), absl::StatusCode::kDataLoss) << "a page without words";
}

TEST_F(SegmentFileTest, ASegmentIsNotATombstoneFile) {
  EXPECT_EQ(ReadTombstoneFile(*files_, path_).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReadTombstoneFile(*files_, directory_ / "absent").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(SegmentFileTest, AReassignedFileIsTheSameSegmentOfAnotherIncarnation) {
  const SegmentIdentity other{Uuid::Random(), identity_.index_version};
  ASSERT_TRUE(ReassignSegmentFile(*files_, path_, other.incarnation).ok());
  EXPECT_EQ(ReasonOf(Read().status()), reason::kWrongIncarnation);
  const auto read = ReadSegmentFile(*files_, path_, other, *version_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)->rows(), segment_->rows());
  ASSERT_TRUE(ReassignSegmentFile(*files_, path_, identity_.incarnation).ok());
  const std::string back = ReadBytes(path_);
  ASSERT_TRUE(Write(path_, identity_).ok());
  EXPECT_EQ(ReadBytes(path_), back) << "byte for byte as it was";
}

TEST_F(SegmentFileTest, ADamagedFileIsNotReassigned) {
  std::string bytes = ReadBytes(path_);
  bytes[bytes.size() / 2] ^= 1;
  WriteBytes(path_, bytes);
  const absl::Status status = ReassignSegmentFile(*files_, path_, Uuid::Random());
  EXPECT_EQ(ReasonOf(status), reason::kCorruption);
  EXPECT_EQ(ReadBytes(path_), bytes) << "it is left as it is";
}

}  // namespace
}  // namespace kith::storage
