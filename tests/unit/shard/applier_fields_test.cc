#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "shard/write/applier.h"
#include "tests/support/temporary_directory.h"

namespace kith::shard {
namespace {

constexpr uint32_t kRows = 100;  // that were there before any field
const PayloadField kColor = {"color", FieldType::kKeyword};

PayloadSchema Schema(const PayloadField& field) { return {field}; }

// What a node and its indexing thread cannot be brought to at will: pieces of rows that come late.
class ApplierFieldsTest : public testing::Test {
 protected:
  void SetUp() override {
    parts_.vector_bytes = 8;
    parts_.files = files_.get();
    parts_.directory = directory_ / "shard";
    storage::StateOptions state;
    state.directory = directory_ / "state";
    state.files = files_.get();
    parts_.state = std::move(storage::StateStore::Open(state)).value();
    storage::RowFileOptions rows;
    rows.directory = directory_ / "rows";
    rows.files = files_.get();
    rows.vector_bytes = parts_.vector_bytes;
    ASSERT_TRUE(files_->CreateDirectories(rows.directory).ok());
    parts_.rows = std::move(storage::RowFile::Open(rows)).value();
    const auto batch = parts_.state->NewBatch();
    batch->PutApplied({.applied_lsn = 1, .next_row = kRows});
    ASSERT_TRUE(parts_.state->Write(*batch).ok());
    parts_.snapshots.Update([](Snapshot& snapshot) { snapshot.row_end = kRows; });
    applier_ = std::make_unique<Applier>(parts_);
    SetField(1, kColor);
  }

  void SetField(uint64_t revision, const PayloadField& field) {
    SetFieldsCall call;
    call.revision = revision;
    call.fields = Schema(field);
    ASSERT_TRUE(applier_->SetFields(call).ok());
  }

  // Of rows that all say `value`, the first of which does not fit.
  static OldRows Piece(uint32_t begin, uint32_t end, const std::string& value) {
    OldRows piece;
    piece.field = kColor;
    piece.begin = begin;
    piece.end = end;
    for (uint32_t row = begin; row < end; ++row) {
      piece.rows.push_back({row, PointKey::FromNumber(row), {value}, row != begin});
    }
    return piece;
  }

  // By the snapshot, and by the truth.
  std::set<uint32_t> RowsOf(const std::string& value) {
    const auto snapshot = parts_.snapshots.Pin();
    RowWords words((kRows + 63) / 64);
    for (const auto& run : snapshot->postings.runs()) run->AddRowsOf(0, value, words);
    std::set<uint32_t> rows;
    for (uint32_t row = 0; row < kRows; ++row) {
      if ((words[row / 64] >> (row % 64) & 1) != 0) rows.insert(row);
    }
    std::set<uint32_t> kept;
    EXPECT_TRUE(parts_.state
                    ->ForEachPosting([&](const storage::StateStore::PostingRecord& posting) {
                      if (posting.value == value) kept.insert(posting.row);
                      return absl::OkStatus();
                    })
                    .ok());
    EXPECT_EQ(rows, kept);
    return rows;
  }
  const FieldBuild& build() const { return applier_->fields().builds[0]; }

  const test::TemporaryDirectory directory_;
  const std::unique_ptr<storage::FileSystem> files_ = storage::NewPosixFileSystem();
  CopyParts parts_;
  std::unique_ptr<Applier> applier_;
};

TEST_F(ApplierFieldsTest, PiecesFollowOneAnotherUntilTheFieldIsThrough) {
  ASSERT_TRUE(applier_->AddOldRows(Piece(0, 60, "red")).ok());
  EXPECT_EQ(build().next, 60u);
  EXPECT_FALSE(build().is_through());
  ASSERT_TRUE(applier_->AddOldRows(Piece(60, kRows, "blue")).ok());
  EXPECT_TRUE(build().is_through());
  EXPECT_EQ(build().misfits, 2u);
  EXPECT_EQ(build().first_misfit, PointKey::FromNumber(0));
  EXPECT_EQ(RowsOf("red").size(), 60u);
  EXPECT_EQ(RowsOf("blue").size(), 40u);
}

TEST_F(ApplierFieldsTest, APieceThatWasTakenAlreadyIsPassedOver) {
  ASSERT_TRUE(applier_->AddOldRows(Piece(0, 60, "red")).ok());
  ASSERT_TRUE(applier_->AddOldRows(Piece(0, 60, "blue")).ok());
  EXPECT_EQ(build().next, 60u);
  EXPECT_EQ(build().misfits, 1u);
  EXPECT_EQ(RowsOf("blue").size(), 0u);
}

TEST_F(ApplierFieldsTest, APieceBeforeWhichRowsAreMissingIsPassedOver) {
  ASSERT_TRUE(applier_->AddOldRows(Piece(60, kRows, "blue")).ok());
  EXPECT_EQ(build().next, 0u);
  EXPECT_EQ(RowsOf("blue").size(), 0u);
}

// Its place has another field by now, which begins at the same row.
TEST_F(ApplierFieldsTest, APieceOfAFieldThatHasGoneIsPassedOver) {
  SetField(2, {"", FieldType::kKeyword, FieldState::kFree});
  ASSERT_TRUE(applier_->AddOldRows(Piece(0, 60, "red")).ok());
  EXPECT_EQ(RowsOf("red").size(), 0u);
  ASSERT_TRUE(applier_->ReleaseField(0).ok());
  SetField(3, {"color", FieldType::kInteger});
  ASSERT_EQ(applier_->fields().schema[0].state, FieldState::kBuilding);
  ASSERT_TRUE(applier_->AddOldRows(Piece(0, 60, "red")).ok());
  EXPECT_EQ(build().next, 0u);
  EXPECT_EQ(RowsOf("red").size(), 0u);
}

TEST_F(ApplierFieldsTest, APieceOfAPlaceThatIsNotThereIsPassedOver) {
  OldRows piece = Piece(0, 60, "red");
  piece.place = 7;
  ASSERT_TRUE(applier_->AddOldRows(piece).ok());
  EXPECT_EQ(build().next, 0u);
  EXPECT_EQ(RowsOf("red").size(), 0u);
}

}  // namespace
}  // namespace kith::shard
