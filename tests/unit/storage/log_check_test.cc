#include "shard/storage/log_check.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "common/base/clock.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/state_store.h"
#include "tests/support/temporary_directory.h"

namespace kith::storage {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kShard = 7;

// A log, a state and a hint that say different things of one shard.
class LogCheckTest : public testing::Test {
 protected:
  LogCheckTest() {
    log_.directory = directory_ / "log";
    log_.files = files_.get();
    shard_.spec.shard = kShard;
    shard_.path = directory_.path();
  }
  void Append(uint64_t begin, uint64_t end) {
    const auto log = std::move(LogStore::Open(log_)).value();
    for (uint64_t lsn = begin; lsn < end; ++lsn) {
      const LogRecord record{kShard, lsn, 0, "an entry"};
      ASSERT_TRUE(log->Append({&record, 1}).ok());
    }
  }
  void Apply(uint64_t lsn) {
    const auto state = std::move(StateStore::Open(StateOf())).value();
    const auto batch = state->NewBatch();
    batch->PutApplied({lsn, 1, 1, 1});
    ASSERT_TRUE(state->Write(*batch).ok());
    ASSERT_TRUE(state->Flush().ok());
  }
  absl::Status Check(uint64_t acknowledged, uint64_t truncated) {
    {
      const auto hint = LogHint::Open(directory_ / "HINT", *files_, clock_);
      hint->NoteTruncated(kShard, truncated);
      EXPECT_TRUE(hint->Note(kShard, acknowledged).ok());
      EXPECT_TRUE(hint->Close().ok());
    }
    const auto hint = LogHint::Open(directory_ / "HINT", *files_, clock_);
    const absl::Status status = CheckLogBeforeOpening(log_, *hint, {&shard_, 1});
    fs::remove(directory_ / "HINT");
    return status;
  }
  void ExpectLost(const absl::Status& status, const char* lsn) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_EQ(ReasonOf(status), reason::kCorruption);
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr(log_.directory));
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr(lsn));
  }
  StateOptions StateOf() {
    StateOptions options;
    options.directory = directory_ / "state";
    options.files = files_.get();
    return options;
  }

  const test::TemporaryDirectory directory_;
  const std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
  const SystemClock clock_;
  LogOptions log_;
  NodeDirectory::ShardDirectory shard_;
};

TEST_F(LogCheckTest, ALogThatReachesWhatWasAcknowledgedIsLetThrough) {
  Append(4, 11);
  Apply(3);
  EXPECT_TRUE(Check(10, 3).ok());
  EXPECT_TRUE(Check(8, 3).ok()) << "the hint is a lower bound";
  EXPECT_TRUE(Check(10, 0).ok()) << "the state has what was truncated since";
}

TEST_F(LogCheckTest, ALogThatLostItsEndItsBeginningOrItsMiddleIsRefused) {
  Apply(3);
  ExpectLost(Check(10, 3), "lsn 4 is missing");
  Append(4, 9);
  ExpectLost(Check(10, 3), "lsn 9 is missing");
  Append(10, 12);
  ExpectLost(Check(10, 3), "lsn 9 is missing");
  Apply(2);
  ExpectLost(Check(10, 2), "lsn 3 is missing");
}

// It is the state that lost something: the shard says so itself, and the others start.
TEST_F(LogCheckTest, AStateThatIsBelowWhatWasTruncatedIsNoConcernOfTheLog) {
  Append(8, 11);
  Apply(3);
  EXPECT_TRUE(Check(10, 7).ok());
  EXPECT_TRUE(Check(7, 7).ok());
}

TEST_F(LogCheckTest, AStateThatHasAppliedAllOfItNeedsNoLog) {
  Apply(10);
  EXPECT_TRUE(Check(10, 3).ok());
  EXPECT_FALSE(fs::exists(log_.directory)) << "nothing is made by looking";
}

TEST_F(LogCheckTest, AStateThatCannotBeReadIsLeftToItsShard) {
  Append(8, 11);
  Apply(3);
  fs::remove(directory_ / "state/CURRENT");
  EXPECT_TRUE(Check(10, 3).ok());
}

}  // namespace
}  // namespace kith::storage
