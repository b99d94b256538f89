#include "coordinator/write/selected_write.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/write/write_service.h"
#include "tests/support/scripted_shard.h"

namespace kith::coordinator {
namespace {

class SelectedWriteTest : public ::testing::Test {
 protected:
  SelectedWriteTest() {
    Filter filter;
    filter.kind = Filter::Kind::kHasId;
    filter.keys = std::string(PointKey::FromNumber(1).view());
    call_.collection = "c";
    call_.filter = std::make_shared<const Filter>(filter);
    call_.request_id = std::string(16, 'r');
    for (size_t i = 0; i < cluster_.shards.size(); ++i) {
      cluster_.shards[i]->on_write = [this, i](WriteCall call, Deadline, Done<WriteReply> done) {
        calls_.push_back(std::move(call));
        done(Reply(i));
      };
    }
  }

  // Each shard has so many points that pass, and begins with the bound 1000 x its number.
  WriteReply Reply(size_t shard) {
    const WriteCall& call = calls_.back();
    WriteReply reply;
    const uint64_t done = std::min<uint64_t>(left_[shard], call.selection->limit);
    left_[shard] -= done;
    reply.outcomes.assign(done, WriteOutcome::kOk);
    reply.versions.assign(done, 1);
    reply.version_below = 1000 * (shard + 1);
    reply.has_more = left_[shard] > 0;
    reply.epoch = 1;
    reply.lsn = calls_.size();
    return reply;
  }
  absl::StatusOr<SelectedWriteAnswer> Run() {
    std::promise<absl::StatusOr<SelectedWriteAnswer>> promise;
    service_.WriteSelected(call_, [&](auto answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }

  SystemClock clock_;
  testing::ScriptedCluster cluster_{3};
  std::vector<WriteCall> calls_;
  std::vector<uint64_t> left_{1200, 0, 700};
  DeadlineTimer timer_;
  WriteService service_{cluster_.map, timer_, clock_};
  SelectedWriteCall call_;
};

TEST_F(SelectedWriteTest, AsksShardAfterShardForBatchesBelowTheBoundOfTheirFirst) {
  const auto answer = Run();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->written, 1900u);
  EXPECT_EQ(answer->next_page_token, "");
  EXPECT_EQ(answer->tokens.size(), 3u);
  ASSERT_EQ(calls_.size(), 6u);
  std::vector<std::pair<ShardId, uint64_t>> asked;
  std::set<std::string> names;
  for (const WriteCall& call : calls_) {
    asked.emplace_back(call.shard, call.selection->version_below);
    names.insert(call.request_id);
    EXPECT_EQ(call.kinds, std::vector<WriteKind>{WriteKind::kDelete});
    EXPECT_EQ(call.selection->limit, limits::kSelectionPointsMax);
    EXPECT_EQ(call.body_hash, calls_[0].body_hash);
  }
  EXPECT_EQ(asked, (std::vector<std::pair<ShardId, uint64_t>>{
                       {1, 0}, {1, 1000}, {1, 1000}, {2, 0}, {3, 0}, {3, 3000}}));
  EXPECT_EQ(names.size(), 6u) << "each batch has a request_id of its own";
}

TEST_F(SelectedWriteTest, EndsAfterSoManyPointsWithATokenThatGoesOnWhereItStopped) {
  left_ = {10'200, 0, 0};
  const auto first = Run();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->written, limits::kSelectedPerCallMax);
  const std::vector<WriteCall> before = std::move(calls_);
  calls_.clear();
  call_.page_token = first->next_page_token;
  const auto second = Run();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->written, 200u);
  EXPECT_EQ(second->next_page_token, "");
  EXPECT_EQ(calls_[0].selection->version_below, 1000u);
  EXPECT_NE(calls_[0].request_id, before[0].request_id);
}

TEST_F(SelectedWriteTest, TheSameCallAgainHasTheSameRequestIds) {
  ASSERT_TRUE(Run().ok());
  const std::vector<WriteCall> before = std::move(calls_);
  calls_.clear();
  left_ = {1200, 0, 700};
  ASSERT_TRUE(Run().ok());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(calls_[i].request_id, before[i].request_id);
  }
  call_.request_id.clear();
  calls_.clear();
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(calls_[0].request_id, "") << "none where the caller has none";
}

TEST_F(SelectedWriteTest, ATokenOfAnotherChangeOrDamagedIsRefused) {
  left_ = {10'200, 0, 0};
  call_.page_token = Run()->next_page_token;
  SelectedWriteCall other = call_;
  call_.kind = WriteKind::kMergePayload;
  call_.change = "{}";
  EXPECT_EQ(ReasonOf(Run().status()), reason::kBadPageToken);
  call_ = other;
  call_.page_token[5] = call_.page_token[5] == '0' ? '1' : '0';
  EXPECT_EQ(ReasonOf(Run().status()), reason::kBadPageToken);
  call_.page_token = "garbage";
  EXPECT_EQ(ReasonOf(Run().status()), reason::kBadPageToken);
}

TEST_F(SelectedWriteTest, OneShardsErrorIsTheCalls) {
  cluster_.shards[2]->on_write = [](WriteCall, Deadline, Done<WriteReply> done) {
    done(absl::UnavailableError("down"));
  };
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(calls_.size(), 4u) << "what was done before it is done";
}

TEST_F(SelectedWriteTest, AnAnswerWithoutABoundIsNotBelieved) {
  cluster_.shards[0]->on_write = [](WriteCall, Deadline, Done<WriteReply> done) {
    WriteReply reply;
    reply.has_more = true;
    done(reply);
  };
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace kith::coordinator
