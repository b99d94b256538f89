#include "coordinator/admin/operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/unit/coordinator_admin/admin_cluster.h"

namespace kith::coordinator {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class OperationsTest : public ::testing::Test {
 protected:
  std::shared_ptr<RunningOperation> Begin(const std::string& collection) {
    auto begun = operations_.Begin("train", collection);
    EXPECT_TRUE(begun.ok()) << begun.status();
    return *begun;
  }

  ShiftedClock clock_;
  Operations operations_{clock_};
};

TEST_F(OperationsTest, ARunningOneShowsStageAndProgressThatNeverGoesBack) {
  const auto running = Begin("a");
  running->Report("sampling", 0.4);
  running->Report("training", 0.3);
  const Operation seen = *operations_.Get(running->Snapshot().id);
  EXPECT_EQ(seen.kind, "train");
  EXPECT_EQ(seen.collection, "a");
  EXPECT_EQ(seen.state, OperationState::kRunning);
  EXPECT_EQ(seen.stage, "training");
  EXPECT_DOUBLE_EQ(seen.progress, 0.4);
  EXPECT_EQ(seen.started_unix_ms, clock_.UnixMs());
  EXPECT_EQ(seen.ended_unix_ms, 0u);
}

TEST_F(OperationsTest, OneAtATimeRunsOnACollection) {
  const auto first = Begin("a");
  const auto second = operations_.Begin("train", "a");
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(second.status()), reason::kTrainingInProgress);
  Begin("b");
  first->Finish(absl::OkStatus(), "v");
  Begin("a");
}

TEST_F(OperationsTest, ATrainingAndARestoreChangeACollectionAndNothingElseDoes) {
  EXPECT_FALSE(operations_.Running("a"));
  for (const std::string kind : {"train", "restore", "find_duplicates"}) {
    const auto begun = operations_.Begin(kind, "a");
    ASSERT_TRUE(begun.ok()) << begun.status();
    EXPECT_EQ(operations_.Running("a"), kind != "find_duplicates") << kind;
    EXPECT_FALSE(operations_.Running("b"));
    (*begun)->Finish(absl::OkStatus(), "");
    EXPECT_FALSE(operations_.Running("a")) << kind;
  }
}

TEST_F(OperationsTest, SuccessCarriesTheResult) {
  const auto running = Begin("a");
  clock_.Advance(seconds(5));
  running->Finish(absl::OkStatus(), "v1");
  running->Finish(absl::InternalError("late"), "v2");
  const Operation seen = running->Snapshot();
  EXPECT_EQ(seen.state, OperationState::kSucceeded);
  EXPECT_EQ(seen.result, "v1");
  EXPECT_DOUBLE_EQ(seen.progress, 1);
  EXPECT_EQ(seen.ended_unix_ms, seen.started_unix_ms + 5000);
}

TEST_F(OperationsTest, FailureCarriesReasonAndMessage) {
  const auto running = Begin("a");
  running->Finish(
      Error(absl::StatusCode::kFailedPrecondition, reason::kDegeneratePoints, "all equal"), "");
  const Operation seen = running->Snapshot();
  EXPECT_EQ(seen.state, OperationState::kFailed);
  EXPECT_EQ(seen.error_reason, reason::kDegeneratePoints);
  EXPECT_EQ(seen.error_message, "all equal");
}

TEST_F(OperationsTest, CancelWakesAPauseAndEndsAsCancelled) {
  const auto running = Begin("a");
  const std::string id = running->Snapshot().id;
  std::thread worker([&] { running->Finish(running->Pause(hours(1)), ""); });
  const auto asked = operations_.Cancel(id);
  worker.join();
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ(operations_.Get(id)->state, OperationState::kCancelled);
}

TEST_F(OperationsTest, AFailureAfterACancelIsAFailure) {
  const auto running = Begin("a");
  running->Cancel();
  running->Finish(absl::DataLossError("damaged"), "");
  EXPECT_EQ(running->Snapshot().state, OperationState::kFailed);
}

TEST_F(OperationsTest, UnknownIdsAreNotFound) {
  Begin("a");
  for (const char* id : {"", "1", "x-1", "-1"}) {
    EXPECT_EQ(ReasonOf(operations_.Get(id).status()), reason::kOperationNotFound) << id;
    EXPECT_EQ(ReasonOf(operations_.Cancel(id).status()), reason::kOperationNotFound) << id;
  }
}

TEST_F(OperationsTest, AnIdOfAnotherStartNeverNamesAnOperationOfThisOne) {
  const std::string id = Begin("a")->Snapshot().id;
  Operations other(clock_);
  ASSERT_TRUE(other.Begin("train", "a").ok());
  EXPECT_FALSE(other.Get(id).ok());
}

TEST_F(OperationsTest, OnesThatEndedAreForgottenAfterADayAndRunningOnesNever) {
  const auto ended = Begin("a");
  const auto running = Begin("b");
  ended->Finish(absl::OkStatus(), "v");
  clock_.Advance(hours(24) - seconds(1));
  EXPECT_EQ(operations_.List("").size(), 2u);
  clock_.Advance(seconds(1));
  ASSERT_EQ(operations_.List("").size(), 1u);
  EXPECT_EQ(operations_.List("")[0].collection, "b");
  EXPECT_EQ(ReasonOf(operations_.Get(ended->Snapshot().id).status()), reason::kOperationNotFound);
}

TEST_F(OperationsTest, TheOldestEndedGoFirstWhenThereAreTooMany) {
  const auto running = Begin("keeper");
  std::string second;
  for (size_t i = 0; i < limits::kOperationsKeptMax + 5; ++i) {
    const auto operation = Begin("a");
    if (i == 0) second = operation->Snapshot().id;
    operation->Finish(absl::OkStatus(), "");
  }
  EXPECT_LE(operations_.List("").size(), limits::kOperationsKeptMax);
  EXPECT_FALSE(operations_.Get(second).ok());
  EXPECT_TRUE(operations_.Get(running->Snapshot().id).ok());
}

TEST_F(OperationsTest, ListGivesOneCollectionsOperationsNewestFirst) {
  Begin("a")->Finish(absl::OkStatus(), "1");
  Begin("b");
  Begin("a")->Finish(absl::OkStatus(), "2");
  const auto found = operations_.List("a");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].result, "2");
  EXPECT_EQ(operations_.List("").size(), 3u);
}

TEST_F(OperationsTest, DrainWaitsOnlyForTheCollectionNamed) {
  const auto a = Begin("a");
  const auto b = Begin("b");
  std::thread worker([&] { a->Finish(a->Pause(hours(1)), ""); });
  EXPECT_TRUE(operations_.Drain("a", seconds(20)));
  worker.join();
  EXPECT_FALSE(b->cancelled());
  EXPECT_FALSE(operations_.Drain("b", milliseconds(5))) << "nobody works on b: it cannot end";
}

TEST_F(OperationsTest, AfterCloseNoneBegins) {
  EXPECT_TRUE(operations_.Close(seconds(1)));
  EXPECT_EQ(ReasonOf(operations_.Begin("train", "a").status()), reason::kDraining);
}

}  // namespace
}  // namespace kith::coordinator
