#include "coordinator/write/write_service.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <future>
#include <limits>
#include <map>
#include <optional>

#include "common/base/ids.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/support/scripted_shard.h"

namespace kith::coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What a shard that writes everything answers.
WriteReply Written(const WriteCall& call) {
  WriteReply reply;
  reply.outcomes.assign(call.kinds.size(), WriteOutcome::kOk);
  reply.versions.assign(call.kinds.size(), 1);
  reply.epoch = 3;
  reply.lsn = 10 * call.shard;
  reply.live_points = 100;
  return reply;
}

class WriteServiceTest : public ::testing::Test {
 protected:
  explicit WriteServiceTest(size_t shards = 3) : cluster_(shards) {
    for (auto& shard : cluster_.shards) {
      shard->on_write = [this](WriteCall call, Deadline deadline, Done<WriteReply> done) {
        deadlines_.push_back(deadline);
        const WriteReply reply = Written(call);
        calls_.push_back(std::move(call));
        done(reply);
      };
    }
    call_.collection = "c";
    call_.request_id = std::string(16, 'r');
  }

  // Points 0 to count - 1, whose vectors hold their number.
  void Fill(size_t count) {
    values_.resize(count * 2);
    numbers_.resize(count);
    payloads_.resize(count);
    for (size_t i = 0; i < count; ++i) {
      values_[2 * i] = values_[2 * i + 1] = static_cast<float>(i);
      numbers_[i] = i;
      payloads_[i] = fmt::format("p{}", i);
      UpsertPoint point;
      point.key = PointKey::FromNumber(i);
      point.vector.values = std::span(values_).subspan(2 * i, 2);
      point.payload = payloads_[i];
      call_.points.push_back(point);
    }
  }
  absl::StatusOr<UpsertAnswer> Upsert() {
    std::promise<absl::StatusOr<UpsertAnswer>> promise;
    service_.Upsert(call_, [&](auto answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }
  absl::StatusOr<DeleteAnswer> Delete(const DeleteCall& call) {
    std::promise<absl::StatusOr<DeleteAnswer>> promise;
    service_.Delete(call, [&](auto answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }
  void FailShard(size_t i, absl::Status status) {
    cluster_.shards[i]->on_write = [status](WriteCall, Deadline, Done<WriteReply> done) {
      done(status);
    };
  }
  // Which shard (from 0) owns the n-th point of the call.
  size_t OwnerOf(size_t i) const {
    return cluster_.entry()->route_of_slot[SlotOf(*call_.points[i].key)];
  }

  std::vector<float> values_;
  std::vector<uint64_t> numbers_;
  std::vector<std::string> payloads_;
  SystemClock clock_;
  testing::ScriptedCluster cluster_;
  std::vector<WriteCall> calls_;
  std::vector<Deadline> deadlines_;
  DeadlineTimer timer_;
  WriteService service_{cluster_.map, timer_, clock_};
  UpsertCall call_;
};

class OneShardWriteTest : public WriteServiceTest {
 protected:
  OneShardWriteTest() : WriteServiceTest(1) {}
};

TEST_F(WriteServiceTest, SendsEveryPointOnceToTheShardOfItsSlot) {
  Fill(200);
  const auto answer = Upsert();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->written, 200u);
  EXPECT_TRUE(answer->statuses.empty());
  EXPECT_EQ(answer->tokens.size(), 3u);
  std::map<uint64_t, ShardId> seen;
  for (const WriteCall& call : calls_) {
    ASSERT_EQ(call.vectors.size(), call.kinds.size() * 8);
    ASSERT_EQ(call.payload_sizes.size(), call.kinds.size());
    size_t payload_at = 0;
    for (size_t i = 0; i < call.kinds.size(); ++i) {
      const PointKey key = PointKey::FromBytes(call.keys.data() + i * PointKey::kSize);
      EXPECT_EQ(OwnerOf(key.number()) + 1, call.shard);
      float value = 0;
      std::memcpy(&value, call.vectors.data() + 8 * i, 4);
      EXPECT_EQ(value, static_cast<float>(key.number()));
      EXPECT_EQ(call.payloads.substr(payload_at, call.payload_sizes[i]), payloads_[key.number()]);
      payload_at += call.payload_sizes[i];
      EXPECT_TRUE(seen.emplace(key.number(), call.shard).second);
    }
  }
  EXPECT_EQ(seen.size(), 200u);
  EXPECT_EQ(cluster_.entry()->LivePoints(), 300u);
}

TEST_F(WriteServiceTest, TellsEachShardTheSameRequest) {
  Fill(50);
  call_.priority = WritePriority::kImport;
  call_.mode = WriteKind::kUpdateOnly;
  ASSERT_TRUE(Upsert().ok());
  ASSERT_EQ(calls_.size(), 3u);
  for (const WriteCall& call : calls_) {
    EXPECT_EQ(call.request_id, call_.request_id);
    EXPECT_EQ(call.incarnation, cluster_.record.incarnation);
    EXPECT_EQ(call.body_hash, calls_[0].body_hash);
    EXPECT_EQ(call.body_hash.size(), 16u);
    EXPECT_EQ(call.priority, WritePriority::kImport);
    EXPECT_EQ(call.kinds[0], WriteKind::kUpdateOnly);
    EXPECT_GT(call.unix_ms, 0u);
  }
}

TEST_F(WriteServiceTest, KeepsTheOrderOfPointsWithTheSameId) {
  Fill(9);
  for (UpsertPoint& point : call_.points) point.key = PointKey::FromNumber(5);
  ASSERT_TRUE(Upsert().ok());
  ASSERT_EQ(calls_.size(), 1u);
  std::vector<float> sent(18);
  ASSERT_EQ(calls_[0].vectors.size(), sent.size() * 4);
  std::memcpy(sent.data(), calls_[0].vectors.data(), calls_[0].vectors.size());
  EXPECT_EQ(sent, values_);
}

TEST_F(WriteServiceTest, AnswersPerPointWhereSomeAreRefusedByUsOrByTheirShard) {
  Fill(60);
  values_[2 * 7] = std::numeric_limits<float>::infinity();
  for (auto& shard : cluster_.shards) {
    shard->on_write = [](WriteCall call, Deadline, Done<WriteReply> done) {
      WriteReply reply = Written(call);
      for (size_t i = 0; i < call.kinds.size(); ++i) {
        const uint64_t n = PointKey::FromBytes(call.keys.data() + 17 * i).number();
        if (n == 20) reply.outcomes[i] = WriteOutcome::kAlreadyExists;
        if (n == 30) reply.outcomes[i] = WriteOutcome::kNotFound;
        if (n == 40) reply.outcomes[i] = WriteOutcome::kVersionMismatch, reply.versions[i] = 99;
      }
      done(reply);
    };
  }
  const auto answer = Upsert();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->written, 56u);
  ASSERT_EQ(answer->statuses.size(), 60u);
  for (size_t i = 0; i < 60; ++i) {
    const bool bad = i == 7 || i == 20 || i == 30 || i == 40;
    EXPECT_EQ(answer->statuses[i].ok(), !bad) << i << answer->statuses[i];
  }
  EXPECT_EQ(ReasonOf(answer->statuses[7]), reason::kNonFiniteVector);
  EXPECT_EQ(FactOf(answer->statuses[7], kFieldFact), "points[7].vector");
  EXPECT_EQ(ReasonOf(answer->statuses[20]), reason::kPointExists);
  EXPECT_EQ(ReasonOf(answer->statuses[30]), reason::kPointNotFound);
  EXPECT_EQ(ReasonOf(answer->statuses[40]), reason::kVersionMismatch);
  EXPECT_EQ(FactOf(answer->statuses[40], "stored_version"), "99");
  ASSERT_EQ(answer->versions.size(), 60u);
  EXPECT_EQ(answer->versions[0], 1u);
  EXPECT_EQ(answer->versions[7], 0u) << "never sent";
  EXPECT_EQ(answer->versions[40], 99u);
}

// docs/api.md says so: only a shard that saw the id refuses it.
TEST_F(WriteServiceTest, ARequestIdReusedWithAnotherBodyIsRefusedByTheShardsThatSawIt) {
  Fill(60);
  FailShard(0, Error(absl::StatusCode::kInvalidArgument, reason::kRequestIdReused, "another body"));
  const auto answer = Upsert();
  ASSERT_TRUE(answer.ok()) << answer.status();
  for (size_t i = 0; i < 60; ++i) {
    EXPECT_EQ(ReasonOf(answer->statuses[i]), OwnerOf(i) == 0 ? reason::kRequestIdReused : "");
    EXPECT_EQ(answer->versions[i], OwnerOf(i) == 0 ? 0u : 1u);
  }
}

TEST_F(WriteServiceTest, LeavesOtherShardsPointsWrittenWhereOneFails) {
  Fill(60);
  FailShard(1, Error(absl::StatusCode::kResourceExhausted, reason::kDiskFull, "full"));
  const auto answer = Upsert();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->tokens.size(), 2u);
  size_t failed = 0;
  for (size_t i = 0; i < 60; ++i) {
    EXPECT_EQ(answer->statuses[i].ok(), OwnerOf(i) != 1);
    if (OwnerOf(i) != 1) continue;
    EXPECT_EQ(ReasonOf(answer->statuses[i]), reason::kDiskFull);
    ++failed;
  }
  EXPECT_GT(failed, 0u);
  EXPECT_EQ(answer->written, 60 - failed);
}

TEST_F(WriteServiceTest, FailsAsAWholeWhereNoShardWroteAnything) {
  Fill(60);
  for (size_t i = 0; i < 3; ++i) {
    FailShard(i, Error(absl::StatusCode::kUnavailable, reason::kNotReady, "loading"));
  }
  EXPECT_EQ(ReasonOf(Upsert().status()), reason::kNotReady);
  FailShard(2, Error(absl::StatusCode::kDeadlineExceeded, reason::kUnknownOutcome, "late"));
  EXPECT_EQ(ReasonOf(Upsert().status()), reason::kUnknownOutcome);
}

TEST_F(WriteServiceTest, SaysThatTheOutcomeIsUnknownWhereAShardNeverAnswers) {
  Fill(60);
  std::vector<Done<WriteReply>> silent;
  cluster_.shards[0]->on_write = [&](WriteCall, Deadline, Done<WriteReply> done) {
    silent.push_back(std::move(done));
  };
  call_.deadline = DeadlineIn(milliseconds(40));
  const auto answer = Upsert();
  ASSERT_TRUE(answer.ok()) << answer.status();
  for (size_t i = 0; i < 60; ++i) {
    if (OwnerOf(i) != 0) continue;
    EXPECT_EQ(answer->statuses[i].code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(ReasonOf(answer->statuses[i]), reason::kUnknownOutcome);
  }
  silent[0](absl::UnavailableError("late"));
}

TEST_F(WriteServiceTest, TreatsAReplyThatDoesNotFitAsAnUnknownOutcome) {
  Fill(1);
  cluster_.shards[OwnerOf(0)]->on_write = [](WriteCall, Deadline, Done<WriteReply> done) {
    done(WriteReply());
  };
  const absl::Status status = Upsert().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(status), reason::kUnknownOutcome);
}

TEST_F(WriteServiceTest, AnswersPerPointWhereEveryPointIsBad) {
  Fill(2);
  for (UpsertPoint& point : call_.points) point.key.reset();
  const auto answer = Upsert();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->written, 0u);
  ASSERT_EQ(answer->statuses.size(), 2u);
  EXPECT_EQ(ReasonOf(answer->statuses[1]), reason::kBadId);
  EXPECT_TRUE(calls_.empty());
}

TEST_F(WriteServiceTest, RefusesACallForNoCollectionOrTooLate) {
  Fill(1);
  call_.deadline = DeadlineIn(-milliseconds(1));
  EXPECT_EQ(ReasonOf(Upsert().status()), reason::kDeadline);
  call_.deadline.reset();
  call_.collection = "d";
  EXPECT_EQ(ReasonOf(Upsert().status()), reason::kCollectionNotFound);
  EXPECT_TRUE(calls_.empty());
}

TEST_F(WriteServiceTest, GivesADeadlineToCallsWithoutOneAndBoundsTheOthers) {
  Fill(1);
  ASSERT_TRUE(Upsert().ok());
  call_.deadline = DeadlineIn(seconds(1000));
  ASSERT_TRUE(Upsert().ok());
  EXPECT_LE(deadlines_[0], DeadlineIn(seconds(30)));
  EXPECT_GT(deadlines_[0], DeadlineIn(seconds(25)));
  EXPECT_LE(deadlines_[1], DeadlineIn(seconds(60)));
}

TEST_F(WriteServiceTest, AnEmptyBatchIsWritten) {
  const auto answer = Upsert();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->written, 0u);
}

TEST_F(OneShardWriteTest, SendsColumnsAsTheyCame) {
  Fill(100);
  call_.points.clear();
  const std::string_view bytes(reinterpret_cast<const char*>(values_.data()), values_.size() * 4);
  call_.columns = {numbers_, bytes, {}};
  ASSERT_TRUE(Upsert().ok());
  ASSERT_EQ(calls_.size(), 1u);
  EXPECT_EQ(calls_[0].vectors, bytes);
  EXPECT_EQ(calls_[0].kinds.size(), 100u);
  EXPECT_TRUE(calls_[0].payload_sizes.empty());
  EXPECT_TRUE(calls_[0].if_versions.empty());
}

TEST_F(WriteServiceTest, CountsTheDeletedThatWerePresent) {
  for (auto& shard : cluster_.shards) {
    shard->on_write = [](WriteCall call, Deadline, Done<WriteReply> done) {
      EXPECT_TRUE(call.vectors.empty());
      WriteReply reply = Written(call);
      for (size_t i = 0; i < call.kinds.size(); ++i) {
        EXPECT_EQ(call.kinds[i], WriteKind::kDelete);
        const uint64_t n = PointKey::FromBytes(call.keys.data() + 17 * i).number();
        if (n % 3 == 0) reply.outcomes[i] = WriteOutcome::kNotFound;
      }
      done(reply);
    };
  }
  DeleteCall call;
  call.collection = "c";
  for (uint64_t i = 0; i < 30; ++i) call.keys.push_back(PointKey::FromNumber(i));
  const auto answer = Delete(call);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->deleted, 20u);
  EXPECT_EQ(answer->tokens.size(), 3u);
  FailShard(2, Error(absl::StatusCode::kUnavailable, reason::kNotReady, "loading"));
  EXPECT_EQ(ReasonOf(Delete(call).status()), reason::kNotReady);
}

}  // namespace
}  // namespace kith::coordinator
