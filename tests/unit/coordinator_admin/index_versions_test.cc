#include "coordinator/admin/index_versions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/admin/index_health.h"

namespace kith::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

IndexVersionRecord Version(const std::string& name, uint32_t lists) {
  IndexVersionRecord version;
  version.version = name;
  version.lists = lists;
  version.subspaces = lists / 2;
  version.target_recall = 0.9 + lists / 1000.0;
  version.recall = {{lists, 0.9, 0.5, 0.8, 160}};
  return version;
}

std::vector<std::string> NamesOf(const CollectionRecord& record) {
  std::vector<std::string> names;
  for (const IndexVersionRecord& version : record.versions) names.push_back(version.version);
  return names;
}

// Trained and promoted one after another.
CollectionRecord Record(const std::vector<std::string>& versions) {
  CollectionRecord record;
  record.name = "c";
  for (size_t i = 0; i < versions.size(); ++i) {
    HoldVersion(record, Version(versions[i], 16 * static_cast<uint32_t>(i + 1)));
    EXPECT_TRUE(ServeVersion(record, versions[i]).ok());
  }
  return record;
}

void ExpectServes(const CollectionRecord& record, const std::string& version, uint32_t lists) {
  EXPECT_EQ(record.serving_version, version);
  EXPECT_EQ(record.trained_lists, lists);
  EXPECT_EQ(record.trained_subspaces, lists / 2);
  EXPECT_EQ(record.target_recall, 0.9 + lists / 1000.0);
  ASSERT_EQ(record.recall.size(), 1u);
  EXPECT_EQ(record.recall[0].nprobe, lists);
}

TEST(IndexVersions, TheNextPromotionPushesOutTheSecondLast) {
  const CollectionRecord record = Record({"a", "b", "c"});
  ExpectServes(record, "c", 48);
  EXPECT_EQ(record.previous_version, "b");
  EXPECT_THAT(NamesOf(record), UnorderedElementsAre("b", "c"));
}

TEST(IndexVersions, AVersionThatWaitsChangesNothingOfWhatServes) {
  CollectionRecord record = Record({"a", "b"});
  HoldVersion(record, Version("c", 48));
  ExpectServes(record, "b", 32);
  EXPECT_EQ(record.previous_version, "a");
  EXPECT_THAT(WaitingVersions(record), ElementsAre("c"));
  HoldVersion(record, Version("d", 64));
  EXPECT_THAT(NamesOf(record), UnorderedElementsAre("a", "b", "d")) << "one waits, the newest";
}

TEST(IndexVersions, ARollbackBringsBackTheFiguresOfTheVersionBefore) {
  CollectionRecord record = Record({"a", "b"});
  ASSERT_TRUE(RollBackVersion(record).ok());
  ExpectServes(record, "a", 16);
  EXPECT_EQ(record.previous_version, "");
  EXPECT_THAT(WaitingVersions(record), ElementsAre("b"));
  const absl::Status again = RollBackVersion(record);
  EXPECT_EQ(again.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(again), reason::kIndexVersionNotFound);
  ExpectServes(record, "a", 16);
  ASSERT_TRUE(ServeVersion(record, "b").ok());
  ExpectServes(record, "b", 32);
  EXPECT_EQ(record.previous_version, "a");
}

TEST(IndexVersions, ARollbackKeepsWhatWaits) {
  CollectionRecord record = Record({"a", "b"});
  HoldVersion(record, Version("c", 48));
  ASSERT_TRUE(RollBackVersion(record).ok());
  EXPECT_THAT(WaitingVersions(record), UnorderedElementsAre("b", "c"));
}

TEST(IndexVersions, PromotingThePreviousOneIsARollbackThatCanBeTakenBack) {
  CollectionRecord record = Record({"a", "b"});
  ASSERT_TRUE(ServeVersion(record, "a").ok());
  ExpectServes(record, "a", 16);
  EXPECT_EQ(record.previous_version, "b");
  EXPECT_THAT(NamesOf(record), UnorderedElementsAre("a", "b"));
}

TEST(IndexVersions, ServingWhatServesAndHoldingItAgainKeepTheOneBefore) {
  CollectionRecord record = Record({"a", "b"});
  ASSERT_TRUE(ServeVersion(record, "b").ok());
  EXPECT_EQ(record.previous_version, "a");
  HoldVersion(record, Version("b", 64));
  ExpectServes(record, "b", 64);
  EXPECT_EQ(record.previous_version, "a");
  EXPECT_THAT(NamesOf(record), UnorderedElementsAre("a", "b"));
}

TEST(IndexVersions, OnlyWhatDoesNotServeIsForgotten) {
  CollectionRecord record = Record({"a", "b"});
  EXPECT_EQ(ReasonOf(ForgetVersion(record, "b")), reason::kIndexVersionServing);
  EXPECT_EQ(ReasonOf(ForgetVersion(record, "x")), reason::kIndexVersionNotFound);
  ASSERT_TRUE(ForgetVersion(record, "a").ok());
  EXPECT_EQ(record.previous_version, "");
  EXPECT_EQ(ReasonOf(ServeVersion(record, "a")), reason::kIndexVersionNotFound);
  EXPECT_THAT(NamesOf(record), ElementsAre("b"));
}

ShardSurvey Survey(ShardId shard, std::vector<IndexState> indexes) {
  ShardSurvey survey{{shard, "n", {}}, ShardStat()};
  survey.stat->ready = true;
  survey.stat->live_points = 1500;
  survey.stat->indexes = std::move(indexes);
  return survey;
}

IndexState Unready(const std::string& version) {
  IndexState state;
  state.version = version;
  state.indexed_rows = 5;
  state.total_rows = 9;
  return state;
}

IndexState Ready(const std::string& version) {
  IndexState state = Unready(version);
  state.ready = true;
  return state;
}

TEST(IndexVersions, EveryShardMustHaveItReady) {
  std::vector<ShardSurvey> surveys = {Survey(1, {Ready("a"), Ready("b")}),
                                      Survey(2, {Ready("a"), Unready("b")})};
  EXPECT_TRUE(CheckReady(surveys, "a").ok());
  const absl::Status behind = CheckReady(surveys, "b");
  EXPECT_EQ(behind.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(behind), reason::kIndexVersionNotReady);
  EXPECT_EQ(FactOf(behind, "shard"), "2");
  EXPECT_THAT(std::string(behind.message()), HasSubstr("5 of 9 rows"));
  EXPECT_THAT(std::string(CheckReady(surveys, "c").message()), HasSubstr("does not hold"));
  surveys[0].stat->ready = false;
  EXPECT_EQ(FactOf(CheckReady(surveys, "a"), "shard"), "1");
  surveys[0].stat = absl::UnavailableError("connection refused");
  const absl::Status away = CheckReady(surveys, "a");
  EXPECT_EQ(away.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(away.message()), HasSubstr("connection refused"));
}

TEST(IndexVersions, WhatNoRecordNamesIsSeen) {
  const CollectionRecord record = Record({"a", "b"});
  EXPECT_FALSE(HasUnheldVersions(record, {Survey(1, {Ready("a"), Unready("b")})}));
  EXPECT_TRUE(HasUnheldVersions(record, {Survey(1, {Unready("z")})}));
}

TEST(IndexHealthTest, SharesAreOfAllRowsAndTheImbalanceIsTheWorstShards) {
  IndexState first = Ready("a");
  first.lists = 4;
  first.list_rows = 800;
  first.list_rows_max = 300;  // of a mean of 200
  first.out_of_range_rows = 200;
  first.dead_rows = 100;
  IndexState second = first;
  second.list_rows_max = 700;
  second.large_list_rows = 400;
  second.out_of_range_rows = 0;
  EXPECT_DOUBLE_EQ(HealthOfShard(first).imbalance_ratio, 1.5);
  EXPECT_DOUBLE_EQ(HealthOfShard(first).drift_ratio, 0.2);
  EXPECT_DOUBLE_EQ(HealthOfShard(first).dead_ratio, 0.1);
  EXPECT_DOUBLE_EQ(HealthOfShard(second).large_lists_ratio, 0.5);
  IndexVersionRecord version = Version("a", 4);
  version.trained_points = 1000;
  std::vector<ShardSurvey> surveys = {Survey(1, {first}), Survey(2, {second})};
  const IndexHealth both = HealthOf(version, surveys);
  EXPECT_DOUBLE_EQ(both.imbalance_ratio, 3.5);
  EXPECT_DOUBLE_EQ(both.drift_ratio, 200.0 / 1800);
  EXPECT_DOUBLE_EQ(both.dead_ratio, 200.0 / 1800);
  EXPECT_DOUBLE_EQ(both.large_lists_ratio, 0.25);
  EXPECT_DOUBLE_EQ(both.growth_ratio, 2.0) << "3000 points, trained on 1000";
  surveys[1].stat = absl::UnavailableError("away");
  EXPECT_DOUBLE_EQ(HealthOf(version, surveys).growth_ratio, 0) << "not known";
  EXPECT_DOUBLE_EQ(HealthOfShard(IndexState()).imbalance_ratio, 0);
}

TEST(IndexHealthTest, NothingIsSaidWhereNothingIsTrained) {
  EXPECT_FALSE(HealthOfCollection(CollectionRecord(), {}).has_value());
  const auto health = HealthOfCollection(Record({"a"}), {Survey(7, {Ready("a")})});
  ASSERT_TRUE(health.has_value());
  ASSERT_EQ(health->shards.size(), 1u);
  EXPECT_EQ(health->shards[0].first, 7u);
  EXPECT_THAT(HealthOfCollection(Record({"a"}), {Survey(7, {})})->shards, IsEmpty());
}

}  // namespace
}  // namespace kith::coordinator
