#include "coordinator/admin/collection_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/plan.h"
#include "tests/unit/coordinator_admin/admin_cluster.h"

namespace kith::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::Status Down() {
  return Error(absl::StatusCode::kUnavailable, reason::kShardUnavailable, "connection reset");
}

class CollectionServiceTest : public ::testing::Test {
 protected:
  CollectionService& service() { return cluster_.collections(); }
  absl::Status Create(const CreateCollectionCall& call) { return service().Create(call).status(); }
  std::string FieldOf(const CreateCollectionCall& call) {
    const absl::Status status = Create(call);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return FactOf(status, kFieldFact).value_or("none");
  }

  AdminCluster cluster_{2};
};

TEST_F(CollectionServiceTest, ACreatedCollectionHasItsShardsOnTheNodesInTurn) {
  const auto created = service().Create(AdminCluster::Call("a", 3));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_THAT(cluster_.node(0).shards(), ElementsAre(1, 3));
  EXPECT_THAT(cluster_.node(1).shards(), ElementsAre(2));
  EXPECT_EQ(created->record.state, CollectionRecord::State::kActive);
  EXPECT_DOUBLE_EQ(created->record.target_recall, 0.95);
  EXPECT_TRUE(cluster_.map().Find("a").ok());
}

TEST_F(CollectionServiceTest, ValidateOnlyAnswersAndCreatesNothing) {
  CreateCollectionCall call = AdminCluster::Call("a", 0);
  call.mode = CreateMode::kValidateOnly;
  const auto view = service().Create(call);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->record.shards.size(), 1u) << "the server's default";
  EXPECT_FALSE(cluster_.meta.Get("a").ok());
  EXPECT_THAT(cluster_.node(0).shards(), IsEmpty());
  ASSERT_TRUE(Create(AdminCluster::Call("a", 1)).ok());
  EXPECT_EQ(ReasonOf(Create(call)), reason::kCollectionExists);
}

TEST_F(CollectionServiceTest, BadFieldsAreNamed) {
  for (const char* name : {"", "A", "-a", "_a", "a b", "a/b", "ä"}) {
    EXPECT_EQ(FieldOf(AdminCluster::Call(name, 1)), "collection") << name;
  }
  EXPECT_EQ(FieldOf(AdminCluster::Call(std::string(64, 'a'), 1)), "collection");
  EXPECT_EQ(FieldOf(AdminCluster::Call("a", 257)), "shards");
  CreateCollectionCall call = AdminCluster::Call("a", 1);
  call.index.expected_points = limits::kRowsMax + 1;
  EXPECT_EQ(FieldOf(call), "index.expected_points");
  call.index.expected_points = 0;
  call.dimension = 0;
  EXPECT_EQ(FieldOf(call), "dimension");
  call.dimension = 4097;
  EXPECT_EQ(FieldOf(call), "dimension");
  call = AdminCluster::Call("a", 1);
  call.metric = Metric{};
  EXPECT_EQ(FieldOf(call), "metric");
  call = AdminCluster::Call("a", 1);
  call.element_type = ElementType{};
  EXPECT_EQ(FieldOf(call), "element_type");
  call = AdminCluster::Call("a", 1);
  call.index.lists = (1u << 18) + 1;
  EXPECT_EQ(FieldOf(call), "index.lists");
  call = AdminCluster::Call("a", 1);
  call.index.subspaces = 5;
  EXPECT_EQ(FieldOf(call), "index.subspaces") << "more than the dimension";
  for (const uint32_t bytes : {1u, 3u, 5u}) {
    call = AdminCluster::Call("a", 1);
    call.index.plane_b_bytes = bytes;
    EXPECT_EQ(FieldOf(call), "index.plane_b_bytes") << bytes << " of four dimensions";
  }
  for (const double recall : {0.49, 1.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    call = AdminCluster::Call("a", 1);
    call.index.target_recall = recall;
    EXPECT_EQ(FieldOf(call), "index.target_recall") << recall;
  }
  EXPECT_THAT(*cluster_.meta.List(), IsEmpty());
}

TEST_F(CollectionServiceTest, MorePointsThanThereIsMemoryForAreRefusedBeforeAnyIsStored) {
  CollectionService limited(cluster_.catalog(), cluster_.operations(), {1, 1'000'000'000});
  CreateCollectionCall call = AdminCluster::Call("a", 1);
  call.dimension = 128;
  call.index.expected_points = 100'000'000;
  const absl::Status refused = limited.Create(call).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), reason::kMemoryLimit);
  EXPECT_EQ(FactOf(refused, kFieldFact), "index.expected_points");
  EXPECT_GT(std::stoull(*FactOf(refused, "short_bytes")), 0u);
  EXPECT_THAT(std::string(refused.message()),
              ::testing::AllOf(HasSubstr("give each node"), HasSubstr("no more than about"),
                               ::testing::Not(HasSubstr("embed into"))))
      << "a twelfth of the dimensions is no advice";
  EXPECT_FALSE(cluster_.meta.Get("a").ok());
  call.index.expected_points = 1'000'000;
  ASSERT_TRUE(limited.Create(call).ok());
  EXPECT_EQ(cluster_.meta.Get("a")->expected_points, 1'000'000u);
  call.collection = "b";
  call.index.expected_points = 100'000'000;
  EXPECT_TRUE(service().Create(call).ok()) << "of these nodes nothing is known";
  call.collection = "c";
  call.index.expected_points = 0;
  EXPECT_TRUE(limited.Create(call).ok());
}

TEST_F(CollectionServiceTest, TheLongestNameAndTheLimitsThemselvesAreAllowed) {
  CreateCollectionCall call = AdminCluster::Call(std::string(63, 'a'), 256);
  call.dimension = 4096;
  call.index = {1u << 18, 64, 0, 0.999};
  EXPECT_TRUE(Create(call).ok());
}

TEST_F(CollectionServiceTest, ANameIsTakenOnce) {
  ASSERT_TRUE(Create(AdminCluster::Call("a", 1)).ok());
  const absl::Status again = Create(AdminCluster::Call("a", 1));
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(again), reason::kCollectionExists);
}

TEST_F(CollectionServiceTest, TheNumberOfCollectionsIsLimited) {
  for (uint32_t i = 0; i < limits::kCollectionsMax; ++i) {
    ASSERT_TRUE(Create(AdminCluster::Call(fmt::format("c{}", i), 1)).ok());
  }
  const absl::Status more = Create(AdminCluster::Call("more", 1));
  EXPECT_EQ(more.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(more), reason::kCollectionLimit);
  ASSERT_TRUE(service().Delete("c0").ok());
  EXPECT_TRUE(Create(AdminCluster::Call("more", 1)).ok());
}

TEST_F(CollectionServiceTest, ANodeThatIsDownIsNamedAndNothingIsLeft) {
  cluster_.node(1).SetDown(true);
  const absl::Status refused = Create(AdminCluster::Call("a", 2));
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused), reason::kShardUnavailable);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("node n1"));
  EXPECT_FALSE(cluster_.meta.Get("a").ok());
  EXPECT_THAT(cluster_.node(0).shards(), IsEmpty());
  cluster_.node(1).SetDown(false);
  EXPECT_TRUE(Create(AdminCluster::Call("a", 2)).ok());
}

TEST_F(CollectionServiceTest, AShardThatCannotBeCreatedRollsTheOthersBack) {
  cluster_.node(1).Fail("CreateShard",
                        Error(absl::StatusCode::kResourceExhausted, reason::kDiskFull, "full"), 1);
  const absl::Status refused = Create(AdminCluster::Call("a", 2));
  EXPECT_EQ(ReasonOf(refused), reason::kDiskFull);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("node n1"));
  EXPECT_FALSE(cluster_.meta.Get("a").ok());
  EXPECT_THAT(cluster_.node(0).shards(), IsEmpty());
  EXPECT_TRUE(Create(AdminCluster::Call("a", 2)).ok());
}

TEST_F(CollectionServiceTest, ARollbackThatANodeMissesIsFinishedLater) {
  cluster_.node(1).Fail("CreateShard", Down(), 1);
  cluster_.node(1).Fail("DropShard", Down(), 1);
  EXPECT_EQ(Create(AdminCluster::Call("a", 2)).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(cluster_.meta.Get("a")->state, CollectionRecord::State::kDropping);
  const absl::Status meanwhile = Create(AdminCluster::Call("a", 2));
  EXPECT_EQ(meanwhile.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(FactOf(meanwhile, kRetryAfterMsFact).has_value());
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  EXPECT_FALSE(cluster_.meta.Get("a").ok());
  EXPECT_TRUE(Create(AdminCluster::Call("a", 2)).ok());
}

// What is neither undone nor marked to be will be finished by reconciling: "it failed" would be
// a lie.
TEST_F(CollectionServiceTest, ACreateThatCannotBeUndoneIsOfUnknownOutcome) {
  cluster_.node(1).Fail("CreateShard", Down(), 1);
  cluster_.meta.before_update = [](const CollectionRecord&) {
    return Error(absl::StatusCode::kUnavailable, reason::kStorage, "the disk is away");
  };
  const absl::Status failed = Create(AdminCluster::Call("a", 2));
  EXPECT_EQ(failed.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(failed), reason::kUnknownOutcome);
  cluster_.meta.before_update = nullptr;
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  EXPECT_EQ(cluster_.meta.Get("a")->state, CollectionRecord::State::kActive) << "as was said";
}

TEST_F(CollectionServiceTest, ACreateThatCannotBeActivatedIsOfUnknownOutcome) {
  cluster_.meta.before_update = [](const CollectionRecord&) {
    return Error(absl::StatusCode::kUnavailable, reason::kStorage, "the disk is away");
  };
  EXPECT_EQ(ReasonOf(Create(AdminCluster::Call("a", 2))), reason::kUnknownOutcome);
  cluster_.meta.before_update = nullptr;
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  EXPECT_TRUE(cluster_.map().Find("a").ok());
}

// Two clusters' shard ids are alike: rolling back must not drop what was there before.
TEST_F(CollectionServiceTest, ARollbackLeavesAnotherClustersShardAlone) {
  ShardSpec foreign;
  foreign.shard = 2;
  foreign.incarnation = Uuid::Random();
  ASSERT_TRUE(cluster_.node(1).CreateShard(foreign, {}).ok());
  cluster_.node(1).Put(2, PointKey::FromNumber(1), "another's point");
  EXPECT_EQ(ReasonOf(Create(AdminCluster::Call("a", 2))), reason::kWrongIncarnation);
  EXPECT_THAT(cluster_.node(0).shards(), IsEmpty());
  ASSERT_TRUE(cluster_.node(1).HasShard(2));
  EXPECT_EQ(cluster_.node(1).Stat(2, {})->live_points, 1u);
}

TEST_F(CollectionServiceTest, NoShardIsAskedAnythingAfterTheCallersDeadline) {
  ASSERT_TRUE(Create(AdminCluster::Call("a", 2)).ok());
  const Deadline until = cluster_.clock.Now() + std::chrono::milliseconds(100);
  std::vector<Deadline> seen;
  cluster_.node(0).on_deadline = [&](Deadline deadline) { seen.push_back(deadline); };
  ASSERT_TRUE(service().Get("a", until).ok());
  ASSERT_TRUE(service().List(until).ok());
  ASSERT_TRUE(service().Verify("a", until).ok());
  ASSERT_TRUE(service().Create(AdminCluster::Call("b", 1), until).ok());
  ASSERT_TRUE(service().Delete("b", until).ok());
  EXPECT_GE(seen.size(), 6u);
  for (const Deadline deadline : seen) EXPECT_LE(deadline, until);
}

TEST_F(CollectionServiceTest, VerifySaysOfEachShardWhatItFound) {
  ASSERT_TRUE(Create(AdminCluster::Call("a", 3)).ok());
  cluster_.Fill("a", 100);
  auto shards = service().Verify("a");
  ASSERT_TRUE(shards.ok()) << shards.status();
  ASSERT_EQ(shards->size(), 3u);
  uint64_t points = 0;
  for (const ShardVerification& shard : *shards) {
    EXPECT_TRUE(shard.is_equal());
    points += shard.reply->live_points;
  }
  EXPECT_EQ(points, 100u);
  cluster_.node(1).Corrupt("Verify");
  shards = service().Verify("a");
  EXPECT_TRUE((*shards)[0].is_equal());
  EXPECT_FALSE((*shards)[1].is_equal()) << "shard 2 is on the second node";
  EXPECT_EQ((*shards)[1].reply->index_mismatches, 1u);
  cluster_.node(1).SetDown(true);
  shards = service().Verify("a");
  ASSERT_TRUE(shards.ok()) << "the others' results count";
  EXPECT_TRUE((*shards)[2].is_equal());
  EXPECT_THAT(std::string((*shards)[1].reply.status().message()), HasSubstr("node n1"));
  cluster_.node(1).SetDown(false);
  cluster_.node(1).Corrupt("Stat");
  EXPECT_EQ(ReasonOf((*service().Verify("a"))[1].reply.status()), reason::kWrongIncarnation);
  EXPECT_EQ(ReasonOf(service().Verify("b").status()), reason::kCollectionNotFound);
}

TEST_F(CollectionServiceTest, ListAsksASilentNodeOnceHoweverManyCollectionsItHolds) {
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(Create(AdminCluster::Call(name, 2)).ok());
  cluster_.node(1).SetDown(true);
  const int before = cluster_.node(1).calls("Stat");
  EXPECT_EQ(service().List()->size(), 3u);
  EXPECT_EQ(cluster_.node(1).calls("Stat"), before + 1);
}

TEST_F(CollectionServiceTest, DeleteRemovesShardsRecordAndRoutes) {
  ASSERT_TRUE(Create(AdminCluster::Call("a", 3)).ok());
  ASSERT_TRUE(service().Delete("a").ok());
  EXPECT_THAT(cluster_.node(0).shards(), IsEmpty());
  EXPECT_THAT(cluster_.node(1).shards(), IsEmpty());
  EXPECT_EQ(ReasonOf(service().Get("a").status()), reason::kCollectionNotFound);
  EXPECT_EQ(ReasonOf(service().Delete("a")), reason::kCollectionNotFound);
}

TEST_F(CollectionServiceTest, DeleteWhileANodeIsDownHidesItAndReconcilingFinishes) {
  ASSERT_TRUE(Create(AdminCluster::Call("a", 2)).ok());
  cluster_.node(1).SetDown(true);
  ASSERT_TRUE(service().Delete("a").ok());
  EXPECT_EQ(ReasonOf(service().Get("a").status()), reason::kCollectionNotFound);
  EXPECT_THAT(cluster_.node(0).shards(), IsEmpty());
  cluster_.node(1).SetDown(false);
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  EXPECT_THAT(cluster_.node(1).shards(), IsEmpty());
  EXPECT_FALSE(cluster_.meta.Get("a").ok());
}

TEST_F(CollectionServiceTest, ACollectionCreatedAgainIsAnotherIncarnationWithNewShards) {
  const auto first = service().Create(AdminCluster::Call("a", 2));
  ASSERT_TRUE(service().Delete("a").ok());
  const auto second = service().Create(AdminCluster::Call("a", 2));
  EXPECT_NE(first->record.incarnation, second->record.incarnation);
  EXPECT_GT(second->record.shards[0].shard, first->record.shards[1].shard);
}

TEST_F(CollectionServiceTest, GetAddsUpWhatTheShardsHold) {
  ASSERT_TRUE(Create(AdminCluster::Call("a", 4)).ok());
  cluster_.Fill("a", 1000);
  const auto view = service().Get("a");
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->points, 1000u);
  EXPECT_EQ(view->memory.rows, 100'000u);
  EXPECT_EQ(view->disk_bytes, 200'000u);
  EXPECT_EQ(view->status, CollectionStatus::kGreen);
  EXPECT_THAT(view->reasons, IsEmpty());
}

TEST_F(CollectionServiceTest, ManyPointsWithoutAnIndexAreYellow) {
  ASSERT_TRUE(Create(AdminCluster::Call("a", 1)).ok());
  cluster_.Fill("a", index::kFlatPoints);
  EXPECT_EQ(service().Get("a")->status, CollectionStatus::kGreen);
  cluster_.Fill("a", index::kFlatPoints + 1);
  const auto view = service().Get("a");
  EXPECT_EQ(view->status, CollectionStatus::kYellow);
  EXPECT_THAT(view->reasons, ElementsAre(HasSubstr("kith collection train a")));
}

TEST_F(CollectionServiceTest, AShardThatCannotBeReachedIsRedWithItsLastKnownPoints) {
  ASSERT_TRUE(Create(AdminCluster::Call("a", 2)).ok());
  cluster_.Fill("a", 500);
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  cluster_.node(1).SetDown(true);
  const auto view = service().Get("a");
  EXPECT_EQ(view->status, CollectionStatus::kRed);
  EXPECT_THAT(view->reasons, ElementsAre(HasSubstr("node n1")));
  EXPECT_EQ(view->points, 500u);
}

TEST_F(CollectionServiceTest, ALostShardAndAnotherIncarnationAreRed) {
  ASSERT_TRUE(Create(AdminCluster::Call("a", 2)).ok());
  cluster_.node(0).LoseShard(1);
  cluster_.node(1).Corrupt("Stat");
  const auto view = service().Get("a");
  EXPECT_EQ(view->status, CollectionStatus::kRed);
  EXPECT_THAT(view->reasons,
              ElementsAre(HasSubstr("shard 1 is missing on node n0"), HasSubstr("incarnation")));
}

TEST_F(CollectionServiceTest, ListGivesEveryCollection) {
  ASSERT_TRUE(Create(AdminCluster::Call("b", 1)).ok());
  ASSERT_TRUE(Create(AdminCluster::Call("a", 1)).ok());
  cluster_.Fill("b", 10);
  const auto views = service().List();
  ASSERT_TRUE(views.ok());
  ASSERT_EQ(views->size(), 2u);
  EXPECT_EQ((*views)[0].record.name, "a");
  EXPECT_EQ((*views)[1].points, 10u);
}

TEST_F(CollectionServiceTest, ARecordThatMovesOnMeanwhileIsReadAgain) {
  int conflicts = 0;
  cluster_.meta.before_update = [&](const CollectionRecord& record) {
    if (++conflicts <= 3) cluster_.meta.Touch(record.name);
    return absl::OkStatus();
  };
  EXPECT_TRUE(Create(AdminCluster::Call("a", 1)).ok());
  EXPECT_EQ(conflicts, 4);
  EXPECT_EQ(cluster_.meta.Get("a")->state, CollectionRecord::State::kActive);
}

}  // namespace
}  // namespace kith::coordinator
