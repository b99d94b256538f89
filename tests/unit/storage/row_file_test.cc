#include "shard/storage/row_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/support/file_bytes.h"
#include "tests/support/temporary_directory.h"

namespace kith::storage {
namespace {

constexpr uint32_t kVectorBytes = 20;
constexpr uint32_t kExtentBits = 4;

class RowFileTest : public testing::Test {
 protected:
  std::unique_ptr<RowFile> Open(Faults faults = {}) {
    RowFileOptions options;
    options.directory = directory_ / "rows";
    options.files = files_.get();
    options.vector_bytes = kVectorBytes;
    options.extent_bits = kExtentBits;
    options.faults = faults;
    return std::move(RowFile::Open(options)).value();
  }
  static std::string Vector(uint32_t row) {
    return std::string(kVectorBytes, char('a' + row % 26));
  }
  static void Write(RowFile& file, uint32_t row) {
    const std::string vector = Vector(row);
    file.Write({row, PointKey::FromNumber(row + 1000), static_cast<uint16_t>(row * 3), row + 1,
                row * 77ull, 0.5f, vector});
  }

  const test::TemporaryDirectory directory_;
  const std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
};

TEST_F(RowFileTest, RowsReadBackAcrossExtentsAndReopening) {
  {
    const auto file = Open();
    ASSERT_TRUE(file->Reserve(0, 40).ok());
    for (uint32_t row = 0; row < 40; ++row) Write(*file, row);
    ASSERT_TRUE(file->Sync().ok());
  }
  const auto file = Open();
  const RowFile::View view = file->view();
  const RowTable table = view.Table(40);
  for (uint32_t row = 0; row < 40; ++row) {
    ASSERT_TRUE(file->IsValid(row)) << row;
    const RowHeader& header = table.Header(row);
    EXPECT_EQ(header.version, row + 1);
    EXPECT_EQ(header.content_hash, row * 77ull);
    EXPECT_EQ(header.slot, row * 3);
    EXPECT_EQ(header.inverse_norm, 0.5f);
    EXPECT_EQ(table.Key(row), PointKey::FromNumber(row + 1000));
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(table.Vector(row)), kVectorBytes),
              Vector(row));
  }
}

TEST_F(RowFileTest, ReservedButUnwrittenRowsAreNotValid) {
  const auto file = Open();
  EXPECT_FALSE(file->IsValid(0)) << "nothing is reserved";
  ASSERT_TRUE(file->Reserve(0, 1).ok());
  EXPECT_FALSE(file->IsValid(0));
  EXPECT_FALSE(file->IsValid(15));
  EXPECT_FALSE(file->IsValid(16)) << "another extent";
}

TEST_F(RowFileTest, AViewStaysValidWhileTheFileGrowsAndAfterItIsGone) {
  auto file = Open();
  ASSERT_TRUE(file->Reserve(0, 16).ok());
  Write(*file, 3);
  const RowFile::View view = file->view();
  const std::byte* record = view.Table(16).Record(3);
  ASSERT_TRUE(file->Reserve(0, 200).ok());
  EXPECT_EQ(file->view().Table(200).Record(3), record) << "extents never move";
  file.reset();
  EXPECT_EQ(view.Table(16).Header(3).version, 4u);
}

TEST_F(RowFileTest, EveryFlippedBitOfARecordIsDetected) {
  {
    const auto file = Open();
    ASSERT_TRUE(file->Reserve(0, 16).ok());
    for (uint32_t row = 0; row < 16; ++row) Write(*file, row);
    ASSERT_TRUE(file->Sync().ok());
  }
  const std::string path = directory_ / "rows/000000.rows";
  const std::string good = test::ReadBytes(path);
  const uint32_t stride = RowTable::StrideFor(kVectorBytes);
  for (uint32_t bit = 0; bit < stride * 8; bit += 3) {
    std::string bad = good;
    bad[5 * stride + bit / 8] ^= static_cast<char>(1 << (bit % 8));
    test::WriteBytes(path, bad);
    const auto file = Open();
    EXPECT_FALSE(file->IsValid(5)) << "bit " << bit;
    EXPECT_TRUE(file->IsValid(4));
    EXPECT_TRUE(file->IsValid(6));
  }
}

TEST_F(RowFileTest, ARecordInAnotherRowsPlaceIsDetected) {
  {
    const auto file = Open();
    ASSERT_TRUE(file->Reserve(0, 16).ok());
    Write(*file, 1);
  }
  const std::string path = directory_ / "rows/000000.rows";
  std::string bytes = test::ReadBytes(path);
  const uint32_t stride = RowTable::StrideFor(kVectorBytes);
  bytes.replace(2 * stride, stride, bytes.substr(stride, stride));
  test::WriteBytes(path, bytes);
  const auto file = Open();
  EXPECT_TRUE(file->IsValid(1));
  EXPECT_FALSE(file->IsValid(2));
}

TEST_F(RowFileTest, AShortenedExtentLosesItsRowsAndWorksAgain) {
  {
    const auto file = Open();
    ASSERT_TRUE(file->Reserve(0, 16).ok());
    for (uint32_t row = 0; row < 16; ++row) Write(*file, row);
  }
  std::filesystem::resize_file(directory_ / "rows/000000.rows",
                               8 * RowTable::StrideFor(kVectorBytes));
  const auto file = Open();
  EXPECT_TRUE(file->IsValid(7));
  EXPECT_FALSE(file->IsValid(8));
  Write(*file, 8);
  EXPECT_TRUE(file->IsValid(8));
}

TEST_F(RowFileTest, ADroppedExtentGivesItsFileBackAndStaysInTheViewsTakenBefore) {
  const auto file = Open();
  ASSERT_TRUE(file->Reserve(0, 48).ok());
  for (uint32_t row = 0; row < 48; ++row) Write(*file, row);
  const uint64_t bytes = file->bytes();
  const RowFile::View before = file->view();
  ASSERT_TRUE(file->Drop(std::vector<uint32_t>{1}).ok());
  EXPECT_FALSE(std::filesystem::exists(directory_ / "rows/000001.rows"));
  EXPECT_EQ(file->bytes(), bytes / 3 * 2);
  EXPECT_EQ(before.Table(48).Header(20).version, 21u);
  EXPECT_EQ(before.missing_extents, 0u);
  const RowFile::View after = file->view();
  EXPECT_EQ(after.missing_rows(), 16u);
  EXPECT_TRUE(after.HasExtent(0) && !after.HasExtent(1) && after.HasExtent(2));
  EXPECT_FALSE(after.HasExtent(3));
  EXPECT_EQ(after.Table(48).Header(40).version, 41u);
  EXPECT_FALSE(file->IsValid(20));
  EXPECT_TRUE(file->IsValid(15) && file->IsValid(32));
}

TEST_F(RowFileTest, AGapIsFoundAgainAndFilledOnlyWhereItIsReserved) {
  {
    const auto file = Open();
    ASSERT_TRUE(file->Reserve(0, 64).ok());
    for (uint32_t row = 0; row < 64; ++row) Write(*file, row);
    ASSERT_TRUE(file->Drop(std::vector<uint32_t>{0, 2}).ok());
    ASSERT_TRUE(file->Sync().ok());
  }
  const auto file = Open();
  EXPECT_EQ(file->view().missing_extents, 2u);
  EXPECT_TRUE(file->IsValid(16) && file->IsValid(63));
  ASSERT_TRUE(file->Reserve(60, 90).ok());
  EXPECT_EQ(file->view().missing_extents, 2u) << "below what was asked for";
  ASSERT_TRUE(file->Reserve(40, 41).ok());
  EXPECT_EQ(file->view().missing_extents, 1u);
  EXPECT_FALSE(file->IsValid(40)) << "it is empty";
  Write(*file, 40);
  EXPECT_TRUE(file->IsValid(40));
}

TEST_F(RowFileTest, WhatAnEarlierLifeWroteBeyondTheLastRowIsForgotten) {
  {
    const auto file = Open();
    ASSERT_TRUE(file->Reserve(0, 64).ok());
    for (uint32_t row = 0; row < 64; ++row) Write(*file, row);
  }
  const auto file = Open();
  ASSERT_TRUE(file->ClearFrom(20).ok());
  EXPECT_TRUE(file->IsValid(19));
  for (uint32_t row = 20; row < 64; ++row) EXPECT_FALSE(file->IsValid(row)) << row;
  EXPECT_FALSE(std::filesystem::exists(directory_ / "rows/000002.rows"));
  ASSERT_TRUE(file->ClearFrom(16).ok());
  EXPECT_TRUE(file->IsValid(15));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "rows/000001.rows"));
  ASSERT_TRUE(file->Reserve(16, 64).ok());
  Write(*file, 30);
  EXPECT_TRUE(file->IsValid(30));
  EXPECT_FALSE(file->IsValid(31));
}

TEST_F(RowFileTest, AnExtentForOtherVectorsIsRefused) {
  ASSERT_TRUE(Open()->Reserve(0, 16).ok());
  RowFileOptions options;
  options.directory = directory_ / "rows";
  options.files = files_.get();
  options.vector_bytes = kVectorBytes / 2;
  options.extent_bits = kExtentBits;
  EXPECT_EQ(ReasonOf(RowFile::Open(options).status()), reason::kCorruption);
}

TEST_F(RowFileTest, TheSeededFaultBelievesADamagedRecord) {
  ASSERT_TRUE(Open()->Reserve(0, 16).ok());
  Faults faults;
  faults.ignore_checksum = true;
  EXPECT_TRUE(Open(faults)->IsValid(0));
  EXPECT_FALSE(Open()->IsValid(0));
}

}  // namespace
}  // namespace kith::storage
