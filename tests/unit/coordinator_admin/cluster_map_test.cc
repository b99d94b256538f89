#include "coordinator/cluster/cluster_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/cluster/placement.h"
#include "tests/support/fake_shard_service.h"

namespace kith::coordinator {
namespace {

TEST(Placement, SlotsAreSplitEvenlyAndNodesTakeTurns) {
  const auto placements = PlaceShards(10, 3, {"a", "b"});
  ASSERT_EQ(placements.size(), 3u);
  EXPECT_EQ(placements[0].shard, 10u);
  EXPECT_EQ(placements[2].shard, 12u);
  EXPECT_EQ(placements[0].node, "a");
  EXPECT_EQ(placements[1].node, "b");
  EXPECT_EQ(placements[2].node, "a");
}

TEST(Placement, EverySlotBelongsToExactlyOneShardForEveryNumberOfShards) {
  for (uint32_t shards = 1; shards <= limits::kShardsMax; ++shards) {
    uint32_t next = 0;
    for (const ShardPlacement& placement : PlaceShards(1, shards, {"a"})) {
      ASSERT_EQ(placement.slots.size(), 1u);
      EXPECT_EQ(placement.slots[0].first, next);
      const uint32_t size = placement.slots[0].second - next;
      EXPECT_GE(size, limits::kSlots / shards);
      EXPECT_LE(size, limits::kSlots / shards + 1);
      next = placement.slots[0].second;
    }
    EXPECT_EQ(next, limits::kSlots);
  }
}

class ClusterMapTest : public ::testing::Test {
 protected:
  static CollectionRecord Record() {
    CollectionRecord record;
    record.name = "a";
    record.state = CollectionRecord::State::kActive;
    record.shards = PlaceShards(1, 4, {"n0", "n1"});
    return record;
  }

  testing::FakeShardService n0_;
  testing::FakeShardService n1_;
  const std::map<std::string, ShardService*> services_{{"n0", &n0_}, {"n1", &n1_}};
  ClusterMap map_;
};

TEST_F(ClusterMapTest, EverySlotHasItsRoute) {
  map_.Put(Record(), services_);
  const auto entry = map_.Find("a");
  ASSERT_TRUE(entry.ok());
  ASSERT_EQ((*entry)->routes.size(), 4u);
  for (uint32_t slot = 0; slot < limits::kSlots; ++slot) {
    EXPECT_EQ((*entry)->route_of_slot[slot], slot / 1024);
  }
  EXPECT_EQ((*entry)->routes[0]->service, &n0_);
  EXPECT_EQ((*entry)->routes[1]->service, &n1_);
}

TEST_F(ClusterMapTest, CountersOutliveAChangeOfTheRecord) {
  map_.Put(Record(), services_);
  const auto before = *map_.Find("a");
  before->routes[2]->NoteLivePoints(70);
  CollectionRecord changed = Record();
  changed.serving_version = "v";
  map_.Put(changed, services_);
  const auto after = *map_.Find("a");
  EXPECT_EQ(after->LivePoints(), 70u);
  EXPECT_EQ(after->record.serving_version, "v");
  EXPECT_EQ(before->record.serving_version, "") << "an entry once handed out does not change";
  before->routes[2]->NoteLivePoints(71);
  EXPECT_EQ(after->LivePoints(), 71u);
}

TEST_F(ClusterMapTest, ACollectionThatIsNotThereIsNotFound) {
  map_.Put(Record(), services_);
  map_.Remove("a");
  EXPECT_EQ(ReasonOf(map_.Find("a").status()), reason::kCollectionNotFound);
  EXPECT_TRUE(map_.List().empty());
}

TEST_F(ClusterMapTest, ANodeThatIsNotConfiguredAnswersUnavailable) {
  map_.Put(Record(), {{"n0", &n0_}});
  const auto entry = *map_.Find("a");
  std::optional<absl::Status> status;
  entry->routes[1]->service->Search(
      {}, DeadlineIn(std::chrono::seconds(1)),
      [&](absl::StatusOr<SearchReply> reply) { status = reply.status(); });
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(*status), reason::kShardUnavailable);
  EXPECT_THAT(std::string(status->message()), ::testing::HasSubstr("n1"));
}

}  // namespace
}  // namespace kith::coordinator
