#include "coordinator/admin/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/cluster/placement.h"
#include "tests/unit/coordinator_admin/admin_cluster.h"

namespace kith::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReconcileTest : public ::testing::Test {
 protected:
  // A record as a coordinator leaves it that died between two steps.
  void Leave(CollectionRecord::State state, uint32_t shards) {
    CollectionRecord record;
    record.name = "a";
    record.incarnation = Uuid::Random();
    record.state = state;
    record.dimension = 4;
    record.shards = PlaceShards(*cluster_.meta.ReserveShardIds(shards), shards, {"n0", "n1"});
    cluster_.meta.Set(record);
  }
  void CreateOnNode(size_t shard) {
    const CollectionRecord record = *cluster_.meta.Get("a");
    const ShardPlacement& placement = record.shards[shard];
    ShardSpec spec;
    spec.shard = placement.shard;
    spec.incarnation = record.incarnation;
    spec.slots = placement.slots;
    ASSERT_TRUE(cluster_.NodeOf(placement).CreateShard(spec, {}).ok());
  }
  void RunOnce() { ASSERT_TRUE(cluster_.reconciler().RunOnce().ok()); }

  AdminCluster cluster_{2};
};

TEST_F(ReconcileTest, ACreateIsFinishedWhereverItStopped) {
  for (size_t done = 0; done <= 3; ++done) {
    Leave(CollectionRecord::State::kCreating, 3);
    for (size_t i = 0; i < done; ++i) CreateOnNode(i);
    EXPECT_FALSE(cluster_.map().Find("a").ok());
    RunOnce();
    EXPECT_EQ(cluster_.meta.Get("a")->state, CollectionRecord::State::kActive) << done;
    EXPECT_TRUE(cluster_.map().Find("a").ok());
    EXPECT_EQ(cluster_.node(0).shards().size() + cluster_.node(1).shards().size(), 3u);
    ASSERT_TRUE(cluster_.collections().Delete("a").ok());
  }
}

TEST_F(ReconcileTest, ADropIsFinishedWhereverItStopped) {
  for (size_t left = 0; left <= 3; ++left) {
    Leave(CollectionRecord::State::kDropping, 3);
    for (size_t i = 0; i < left; ++i) CreateOnNode(i);
    RunOnce();
    EXPECT_FALSE(cluster_.meta.Get("a").ok()) << left;
    EXPECT_FALSE(cluster_.map().Find("a").ok());
    EXPECT_THAT(cluster_.node(0).shards(), IsEmpty());
    EXPECT_THAT(cluster_.node(1).shards(), IsEmpty());
  }
}

TEST_F(ReconcileTest, ARestoreThatWasCutShortIsDroppedWhereverItStopped) {
  for (size_t done = 0; done <= 3; ++done) {
    Leave(CollectionRecord::State::kRestoring, 3);
    for (size_t i = 0; i < done; ++i) CreateOnNode(i);
    RunOnce();
    EXPECT_FALSE(cluster_.meta.Get("a").ok()) << done;
    EXPECT_FALSE(cluster_.map().Find("a").ok());
    EXPECT_THAT(cluster_.node(0).shards(), IsEmpty());
    EXPECT_THAT(cluster_.node(1).shards(), IsEmpty());
  }
}

TEST_F(ReconcileTest, ARestoreThatRunsIsLetBe) {
  Leave(CollectionRecord::State::kRestoring, 2);
  CreateOnNode(0);
  const auto operation = cluster_.operations().Begin("restore", "a");
  ASSERT_TRUE(operation.ok());
  RunOnce();
  EXPECT_EQ(cluster_.meta.Get("a")->state, CollectionRecord::State::kRestoring);
  EXPECT_EQ(cluster_.node(0).shards().size() + cluster_.node(1).shards().size(), 1u);
  EXPECT_FALSE(cluster_.map().Find("a").ok()) << "nobody sees it yet";
  (*operation)->Finish(absl::OkStatus(), "");
}

TEST_F(ReconcileTest, WorkForANodeThatIsDownIsTriedAgainLaterAndLater) {
  Leave(CollectionRecord::State::kCreating, 2);
  cluster_.node(1).SetDown(true);
  RunOnce();
  RunOnce();
  EXPECT_EQ(cluster_.node(1).calls("CreateShard"), 1) << "not before the delay has passed";
  cluster_.clock.Advance(std::chrono::milliseconds(1000));
  RunOnce();
  EXPECT_EQ(cluster_.node(1).calls("CreateShard"), 2);
  cluster_.clock.Advance(std::chrono::milliseconds(1000));
  RunOnce();
  EXPECT_EQ(cluster_.node(1).calls("CreateShard"), 2) << "the delay has doubled";
  cluster_.node(1).SetDown(false);
  cluster_.clock.Advance(std::chrono::milliseconds(1000));
  RunOnce();
  EXPECT_EQ(cluster_.meta.Get("a")->state, CollectionRecord::State::kActive);
}

TEST_F(ReconcileTest, AfterARestartTheMapKnowsEveryCollectionAndItsSize) {
  ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("a", 4)).ok());
  cluster_.Fill("a", 1000);
  cluster_.Restart();
  EXPECT_FALSE(cluster_.map().Find("a").ok());
  RunOnce();
  const auto entry = cluster_.map().Find("a");
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ((*entry)->LivePoints(), 1000u);
}

TEST_F(ReconcileTest, AShardNeverSeenSinceTheStartCountsAsMuchAsTheOthers) {
  ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("a", 2)).ok());
  cluster_.Fill("a", 1000);
  const uint64_t known = cluster_.node(0).Stat(1, {})->live_points;
  cluster_.node(1).SetDown(true);
  cluster_.Restart();
  RunOnce();
  EXPECT_EQ((*cluster_.map().Find("a"))->LivePoints(), 2 * known) << "never as if it were empty";
  cluster_.node(1).SetDown(false);
  RunOnce();
  EXPECT_EQ((*cluster_.map().Find("a"))->LivePoints(), 1000u);
}

TEST_F(ReconcileTest, WithEveryNodeDownNoShardCountsAsEmpty) {
  ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("a", 2)).ok());
  cluster_.node(0).SetDown(true);
  cluster_.node(1).SetDown(true);
  cluster_.Restart();
  RunOnce();
  EXPECT_GE((*cluster_.map().Find("a"))->LivePoints(), 2u);
}

TEST_F(ReconcileTest, AShardThatWentDownKeepsItsLastKnownSize) {
  ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("a", 2)).ok());
  cluster_.Fill("a", 1000);
  RunOnce();
  cluster_.node(1).SetDown(true);
  RunOnce();
  EXPECT_EQ((*cluster_.map().Find("a"))->LivePoints(), 1000u);
}

TEST_F(ReconcileTest, ALostShardOfAnActiveCollectionIsNeverMadeAgain) {
  ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("a", 2)).ok());
  cluster_.Fill("a", 100);
  cluster_.node(1).LoseShard(2);
  cluster_.Restart();
  RunOnce();
  EXPECT_FALSE(cluster_.node(1).HasShard(2)) << "a lost disk must not become an empty collection";
  const auto nodes = cluster_.reconciler().nodes();
  EXPECT_TRUE(nodes[1].reachable);
  EXPECT_EQ(nodes[1].shards_ready, 0u);
}

TEST_F(ReconcileTest, NodesShowTheirHealth) {
  AdminCluster cluster(3);
  ASSERT_TRUE(cluster.collections().Create(AdminCluster::Call("a", 2)).ok());
  cluster.node(1).SetDown(true);
  ASSERT_TRUE(cluster.reconciler().RunOnce().ok());
  const auto nodes = cluster.reconciler().nodes();
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_TRUE(nodes[0].reachable);
  EXPECT_EQ(nodes[0].shards_ready, 1u);
  EXPECT_FALSE(nodes[1].reachable);
  EXPECT_THAT(nodes[1].message, ::testing::HasSubstr("connection refused"));
  EXPECT_TRUE(nodes[2].reachable) << "without shards, but it answers";
  cluster.node(1).SetDown(false);
  cluster.node(2).SetDown(true);
  ASSERT_TRUE(cluster.reconciler().RunOnce().ok());
  EXPECT_TRUE(cluster.reconciler().nodes()[1].reachable);
  EXPECT_FALSE(cluster.reconciler().nodes()[2].reachable);
}

TEST_F(ReconcileTest, APassAsksASilentNodeOnceHoweverManyCollectionsItHolds) {
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call(name, 2)).ok());
  }
  cluster_.node(1).SetDown(true);
  const int before = cluster_.node(1).calls("Stat");
  RunOnce();
  EXPECT_EQ(cluster_.node(1).calls("Stat"), before + 1);
  RunOnce();
  EXPECT_EQ(cluster_.node(1).calls("Stat"), before + 2) << "but every pass asks again";
}

TEST_F(ReconcileTest, ACreateWaitsForANodeThatThisPassFoundSilent) {
  ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("z", 2)).ok());
  Leave(CollectionRecord::State::kCreating, 2);
  const int before = cluster_.node(1).calls("CreateShard");
  cluster_.node(1).SetDown(true);
  RunOnce();
  EXPECT_EQ(cluster_.node(1).calls("CreateShard"), before) << "a hung node costs one deadline";
  cluster_.node(1).SetDown(false);
  RunOnce();
  EXPECT_EQ(cluster_.meta.Get("a")->state, CollectionRecord::State::kActive);
}

TEST_F(ReconcileTest, ANodeTakenFromTheConfigurationIsReported) {
  ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("a", 2)).ok());
  cluster_.RemoveFromConfiguration("n1");
  cluster_.Restart();
  RunOnce();
  const auto view = cluster_.collections().Get("a");
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->status, CollectionStatus::kRed);
  EXPECT_THAT(view->reasons, ElementsAre(::testing::HasSubstr("not in the configuration")));
}

TEST_F(ReconcileTest, TheThreadLooksAgainByItselfAndStops) {
  ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("a", 1)).ok());
  cluster_.reconciler().Start(std::chrono::milliseconds(2));
  cluster_.Fill("a", 50);
  for (int i = 0; i < 5000 && (*cluster_.map().Find("a"))->LivePoints() != 50; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ((*cluster_.map().Find("a"))->LivePoints(), 50u);
  cluster_.reconciler().Stop();
}

}  // namespace
}  // namespace kith::coordinator
