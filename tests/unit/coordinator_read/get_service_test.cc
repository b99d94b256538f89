#include "coordinator/read/get_service.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/read/facet.h"
#include "tests/support/scripted_shard.h"

namespace kith::coordinator {
namespace {

using std::chrono::milliseconds;

// The even points are there; point n has version n, vector "n padded to 8" and payload "pn".
GetReply Evens(const GetCall& call) {
  GetReply reply;
  for (size_t at = 0; at < call.keys.size(); at += PointKey::kSize) {
    const uint64_t n = PointKey::FromBytes(call.keys.data() + at).number();
    reply.found.push_back(n % 2 == 0);
    if (n % 2 != 0) continue;
    reply.versions.push_back(n);
    if (call.with_vector) reply.vectors += fmt::format("{:08}", n);
    const std::string payload = call.with_payload ? fmt::format("p{}", n) : "";
    reply.payload_sizes.push_back(static_cast<uint32_t>(payload.size()));
    reply.payloads += payload;
  }
  return reply;
}

class GetServiceTest : public ::testing::Test {
 protected:
  GetServiceTest() {
    for (size_t i = 0; i < 3; ++i) {
      cluster_.shards[i]->on_get = [this](GetCall call, Deadline, Done<GetReply> done) {
        const GetReply reply = Evens(call);
        calls_.push_back(std::move(call));
        done(reply);
      };
      cluster_.shards[i]->on_stat = [this](ShardId shard) { return Loaded(shard); };
    }
    call_.collection = "c";
    for (uint64_t n = 50; n > 0; --n) call_.keys.push_back(PointKey::FromNumber(n));
  }
  ShardStat Loaded(ShardId shard) const {
    ShardStat stat;
    stat.ready = true;
    stat.live_points = 10 * shard;
    stat.incarnation = cluster_.record.incarnation;
    return stat;
  }
  absl::StatusOr<PointRows> Get() {
    std::promise<absl::StatusOr<PointRows>> promise;
    service_.Get(call_, [&](auto rows) { promise.set_value(std::move(rows)); });
    return promise.get_future().get();
  }
  absl::StatusOr<uint64_t> Count(std::optional<Deadline> deadline = std::nullopt) {
    std::promise<absl::StatusOr<uint64_t>> promise;
    service_.Count({"c", nullptr, deadline}, [&](auto count) { promise.set_value(count); });
    return promise.get_future().get();
  }

  SystemClock clock_;
  testing::ScriptedCluster cluster_{3};
  std::vector<GetCall> calls_;
  Executor admin_{{"admin", 1, 8, 0}};
  DeadlineTimer timer_;
  GetService service_{cluster_.map, timer_, clock_, admin_};
  GetPointsCall call_;
};

TEST_F(GetServiceTest, AnswersInTheOrderAskedAndSaysWhatIsMissing) {
  call_.with_vector = call_.with_payload = true;
  const auto points = Get();
  ASSERT_TRUE(points.ok()) << points.status();
  ASSERT_EQ(points->rows.size(), 50u);
  for (uint64_t i = 0; i < 50; ++i) {
    const uint64_t n = 50 - i;
    const PointRows::Row& row = points->rows[i];
    EXPECT_EQ(row.is_found, n % 2 == 0);
    if (!row.is_found) continue;
    EXPECT_EQ(row.version, n);
    EXPECT_EQ(row.vector, fmt::format("{:08}", n));
    EXPECT_EQ(row.payload, fmt::format("p{}", n));
  }
  EXPECT_EQ(calls_.size(), 3u);
}

TEST_F(GetServiceTest, WaitsForTheLsnOfATokenOnItsShardOnly) {
  call_.tokens = {{2, 1, 77}};
  ASSERT_TRUE(Get().ok());
  for (const GetCall& call : calls_) {
    EXPECT_EQ(call.wait_lsn, call.shard == 2 ? 77u : 0u);
    EXPECT_EQ(call.incarnation, cluster_.record.incarnation);
  }
  call_.tokens = {{9, 1, 77}};
  EXPECT_EQ(FactOf(Get().status(), kFieldFact), "tokens[0].shard");
}

TEST_F(GetServiceTest, FailsAsAWholeWhereAShardFailsOrDoesNotAnswer) {
  cluster_.shards[1]->on_get = [](GetCall, Deadline, Done<GetReply> done) {
    done(Error(absl::StatusCode::kUnavailable, reason::kNotReady, "loading"));
  };
  EXPECT_EQ(ReasonOf(Get().status()), reason::kNotReady);
  std::vector<Done<GetReply>> silent;
  cluster_.shards[1]->on_get = [&](GetCall, Deadline, Done<GetReply> done) {
    silent.push_back(std::move(done));
  };
  call_.deadline = DeadlineIn(milliseconds(30));
  EXPECT_EQ(ReasonOf(Get().status()), reason::kDeadline);
}

TEST_F(GetServiceTest, RefusesTooManyIdsAndUnknownCollections) {
  call_.keys.resize(limits::kPointsPerCallMax + 1);
  EXPECT_EQ(ReasonOf(Get().status()), reason::kBatchTooLarge);
  call_.collection = "d";
  EXPECT_EQ(ReasonOf(Get().status()), reason::kCollectionNotFound);
}

TEST_F(GetServiceTest, RefusesMoreVectorsThanAnAnswerHoldsBeforeAnyShardHearsOfIt) {
  cluster_.record.dimension = limits::kDimensionMax;  // 16 KiB a vector: 2048 of them are 32 MiB
  cluster_.Publish();
  call_.with_vector = true;
  call_.keys.assign(2048, PointKey::FromNumber(1));
  (void)Get();
  EXPECT_FALSE(calls_.empty());
  calls_.clear();
  call_.keys.push_back(PointKey::FromNumber(1));
  const absl::Status status = Get().status();
  EXPECT_EQ(ReasonOf(status), reason::kBatchTooLarge);
  EXPECT_EQ(FactOf(status, kFieldFact), "ids");
  EXPECT_TRUE(calls_.empty());
}

// What a point adds to its payload counts: gRPC would refuse the answer without saying why.
TEST_F(GetServiceTest, RefusesAnAnswerThatWouldNotFitAMessage) {
  call_.with_payload = true;
  call_.keys.clear();
  for (uint64_t n = 0; n < 2048; n += 2) call_.keys.push_back(PointKey::FromNumber(n));
  size_t payload = limits::kPayloadBytesMax - 256;
  for (auto& shard : cluster_.shards) {
    shard->on_get = [&](GetCall call, Deadline, Done<GetReply> done) {
      GetReply reply;
      for (size_t at = 0; at < call.keys.size(); at += PointKey::kSize) {
        reply.found.push_back(1);
        reply.versions.push_back(1);
        reply.payload_sizes.push_back(static_cast<uint32_t>(payload));
        reply.payloads.append(payload, 'p');
      }
      done(reply);
    };
  }
  EXPECT_TRUE(Get().ok());
  payload = limits::kPayloadBytesMax - 32;  // 64 MiB less 32 KiB of payloads alone
  const absl::Status status = Get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), reason::kBatchTooLarge);
}

TEST_F(GetServiceTest, RefusesAReplyWhosePartsDoNotFit) {
  call_.with_vector = true;
  cluster_.shards[0]->on_get = [](GetCall call, Deadline, Done<GetReply> done) {
    GetReply reply = Evens(call);
    reply.vectors.pop_back();
    done(reply);
  };
  EXPECT_EQ(ReasonOf(Get().status()), reason::kCorruption);
}

TEST_F(GetServiceTest, AnswersNothingForNoIds) {
  call_.keys.clear();
  EXPECT_TRUE(Get()->rows.empty());
}

TEST_F(GetServiceTest, CountsWhatTheShardsHold) {
  EXPECT_EQ(*Count(), 60u);
  EXPECT_EQ(cluster_.entry()->LivePoints(), 60u);
}

TEST_F(GetServiceTest, DoesNotCountAroundAShardThatIsLoadingOrSilent) {
  cluster_.shards[1]->on_stat = [this](ShardId shard) {
    ShardStat loading = Loaded(shard);
    loading.ready = false;
    return loading;
  };
  EXPECT_EQ(ReasonOf(Count().status()), reason::kNotReady);
  std::promise<void> release;
  cluster_.shards[1]->on_stat =
      [released = release.get_future().share()](ShardId) -> absl::StatusOr<ShardStat> {
    released.wait();
    return absl::UnavailableError("late");
  };
  EXPECT_EQ(ReasonOf(Count(DeadlineIn(milliseconds(30))).status()), reason::kDeadline);
  release.set_value();
}

TEST_F(GetServiceTest, AFacetOfAFieldThatIsBeingBuiltIsRefused) {
  FacetPointsCall call;
  call.field = "year";
  call.limit = 10;
  cluster_.record.payload_fields = {{"year", FieldType::kInteger, FieldState::kBuilding}};
  EXPECT_EQ(ReasonOf(CheckFacet(call, cluster_.record)), reason::kPayloadIndexBuilding);
  cluster_.record.payload_fields[0].state = FieldState::kDropping;
  EXPECT_EQ(ReasonOf(CheckFacet(call, cluster_.record)), reason::kBadFilter);
  cluster_.record.payload_fields[0].state = FieldState::kReady;
  EXPECT_TRUE(CheckFacet(call, cluster_.record).ok());
}

TEST_F(GetServiceTest, DoesNotCountAnotherCollectionsShard) {
  cluster_.shards[1]->on_stat = [this](ShardId shard) {
    ShardStat foreign = Loaded(shard);
    foreign.incarnation = Uuid{{9}};
    return foreign;
  };
  EXPECT_EQ(ReasonOf(Count().status()), reason::kWrongIncarnation);
}

TEST_F(GetServiceTest, CountsMoreShardsThanTheAdministrativeQueueHolds) {
  cluster_.record.shards.clear();
  for (uint32_t i = 0; i < 200; ++i) {
    cluster_.record.shards.push_back({i + 1, fmt::format("n{}", i % 3), {{i, i + 1}}});
  }
  cluster_.Publish();
  EXPECT_EQ(*Count(), 10u * 200 * 201 / 2);
}

TEST_F(GetServiceTest, RefusesToCountWhereTooManyAdministrativeCallsWait) {
  std::promise<void> release;
  auto released = release.get_future().share();
  (void)admin_.Post([released] { released.wait(); });
  while (admin_.queued() > 0) std::this_thread::yield();  // its thread has it
  while (admin_.queued() < 8) (void)admin_.Post([released] { released.wait(); });
  EXPECT_EQ(ReasonOf(Count().status()), reason::kQueueFull);
  release.set_value();
}

}  // namespace
}  // namespace kith::coordinator
