#include "shard/storage/log_hint.h"

#include <gtest/gtest.h>

#include "tests/support/file_bytes.h"
#include "tests/support/temporary_directory.h"

namespace kith::storage {
namespace {

class HandClock final : public Clock {
 public:
  Deadline Now() const override { return now_; }
  uint64_t UnixMs() const override { return 0; }
  void Advance(std::chrono::milliseconds span) { now_ += span; }

 private:
  Deadline now_{};
};

class LogHintTest : public testing::Test {
 protected:
  std::unique_ptr<LogHint> Open() { return LogHint::Open(path_, *files_, clock_); }

  const test::TemporaryDirectory directory_;
  const std::string path_ = directory_ / "HINT";
  const std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
  HandClock clock_;
};

TEST_F(LogHintTest, WithoutAFileNothingIsExpected) { EXPECT_EQ(Open()->Expected(1), 0u); }

TEST_F(LogHintTest, TheFirstNoteIsWrittenAtOnceAndTheNextAfterASecond) {
  {
    const auto hint = Open();
    ASSERT_TRUE(hint->Note(1, 10).ok());
    ASSERT_TRUE(hint->Note(1, 20).ok());
    EXPECT_EQ(Open()->Expected(1), 10u) << "a second has not passed";
    clock_.Advance(std::chrono::milliseconds(1001));
    ASSERT_TRUE(hint->Note(2, 5).ok());
  }
  EXPECT_EQ(Open()->Expected(1), 20u);
  EXPECT_EQ(Open()->Expected(2), 5u);
}

TEST_F(LogHintTest, ACleanStopWritesTheLastNote) {
  const auto hint = Open();
  ASSERT_TRUE(hint->Note(1, 10).ok());
  ASSERT_TRUE(hint->Note(1, 11).ok());
  ASSERT_TRUE(hint->Close().ok());
  EXPECT_EQ(Open()->Expected(1), 11u);
}

// A shard that is written to for less than a second and then falls silent.
TEST_F(LogHintTest, WhatNobodyFollowsUpIsWrittenByATickAfterASecond) {
  const auto hint = Open();
  ASSERT_TRUE(hint->Note(1, 10).ok());
  ASSERT_TRUE(hint->Note(1, 20).ok());
  ASSERT_TRUE(hint->Tick().ok());
  EXPECT_EQ(Open()->Expected(1), 10u) << "a second has not passed";
  clock_.Advance(std::chrono::milliseconds(1001));
  ASSERT_TRUE(hint->Tick().ok());
  EXPECT_EQ(Open()->Expected(1), 20u);
}

TEST_F(LogHintTest, OnlyACleanStopIsExactAndOnlyUntilTheNextBegin) {
  {
    const auto hint = Open();
    ASSERT_TRUE(hint->Note(1, 10).ok());
    EXPECT_FALSE(Open()->was_exact());
    ASSERT_TRUE(hint->Close().ok());
  }
  const auto again = Open();
  EXPECT_TRUE(again->was_exact());
  again->Begin();
  EXPECT_FALSE(Open()->was_exact());
  EXPECT_EQ(Open()->Expected(1), 10u);
}

TEST_F(LogHintTest, WhatWasTruncatedIsWrittenWithTheNextTick) {
  const auto hint = Open();
  ASSERT_TRUE(hint->Note(1, 10).ok());
  hint->NoteTruncated(1, 8);
  hint->NoteTruncated(1, 6);
  clock_.Advance(std::chrono::milliseconds(1001));
  ASSERT_TRUE(hint->Tick().ok());
  EXPECT_EQ(Open()->Truncated(1), 8u);
  EXPECT_EQ(Open()->Expected(1), 10u);
  EXPECT_EQ(hint->Truncated(1), 0u) << "as of Open";
}

TEST_F(LogHintTest, ABoundNeverFalls) {
  const auto hint = Open();
  ASSERT_TRUE(hint->Note(1, 10).ok());
  ASSERT_TRUE(hint->Note(1, 3).ok());
  ASSERT_TRUE(hint->Close().ok());
  EXPECT_EQ(Open()->Expected(1), 10u);
}

TEST_F(LogHintTest, WhatWasExpectedAtOpenStaysAndIsKeptForSilentShards) {
  ASSERT_TRUE(Open()->Note(1, 10).ok());
  const auto hint = Open();
  ASSERT_TRUE(hint->Note(2, 7).ok());
  EXPECT_EQ(hint->Expected(2), 0u) << "as of Open";
  EXPECT_EQ(Open()->Expected(1), 10u);
}

TEST_F(LogHintTest, ADroppedShardIsForgotten) {
  const auto hint = Open();
  ASSERT_TRUE(hint->Note(1, 10).ok());
  ASSERT_TRUE(hint->Forget(1).ok());
  EXPECT_EQ(Open()->Expected(1), 0u);
}

TEST_F(LogHintTest, ADamagedFileBoundsNothing) {
  ASSERT_TRUE(Open()->Note(1, 10).ok());
  std::string bytes = test::ReadBytes(path_);
  bytes[bytes.size() / 2] ^= 1;
  test::WriteBytes(path_, bytes);
  EXPECT_EQ(Open()->Expected(1), 0u);
}

}  // namespace
}  // namespace kith::storage
