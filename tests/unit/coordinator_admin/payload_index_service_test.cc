#include "coordinator/admin/payload_index_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/filter_check.h"
#include "coordinator/admin/payload_fields.h"
#include "tests/unit/coordinator_admin/admin_cluster.h"

namespace kith::coordinator {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class PayloadIndexServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    CreateCollectionCall call = AdminCluster::Call("a", 3);
    call.payload_fields = {{"color", FieldType::kKeyword}};
    ASSERT_TRUE(cluster_.collections().Create(call).ok());
    cluster_.Fill("a", 300);
    ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  }

  absl::StatusOr<Operation> Add(const std::string& field = "year",
                                FieldType type = FieldType::kInteger) {
    return cluster_.payload_indexes().Create({"a", field, type});
  }
  absl::StatusOr<Operation> Drop(const std::string& field = "year") {
    return cluster_.payload_indexes().Delete({"a", field});
  }
  Operation AwaitEnd(const absl::StatusOr<Operation>& begun) {
    EXPECT_TRUE(begun.ok()) << begun.status();
    return begun.ok() ? cluster_.Await(begun->id) : Operation();
  }
  void Hold() {
    for (size_t i = 0; i < cluster_.nodes(); ++i) cluster_.node(i).HoldFields();
  }
  void LetGo() {
    for (size_t i = 0; i < cluster_.nodes(); ++i) cluster_.node(i).LetFieldsGo();
  }
  CollectionRecord Record() { return *cluster_.meta.Get("a"); }
  FieldState StateOf(const std::string& field) {
    const CollectionRecord record = Record();
    const PayloadField* const found = FieldNamed(record, field);
    return found == nullptr ? FieldState::kFree : found->state;
  }
  absl::Status Filtered(const std::string& field) {
    Filter filter;
    filter.kind = Filter::Kind::kExists;
    filter.field = field;
    const auto entry = cluster_.map().Find("a");
    return CheckFilter(filter, (*entry)->record.payload_fields, "filter");
  }
  bool AwaitProgress(const std::string& id) {
    for (int i = 0; i < 5000; ++i) {
      if (cluster_.operations().Get(id)->progress > 0.3) return true;
      std::this_thread::sleep_for(milliseconds(1));
    }
    return false;
  }
  void ExpectShardsHave(size_t fields) {
    for (const ShardPlacement& placement : Record().shards) {
      const auto stat = cluster_.NodeOf(placement).Stat(placement.shard, Deadline::max());
      size_t indexed = 0;
      for (const FieldStat& field : stat->fields) indexed += field.name.empty() ? 0 : 1;
      EXPECT_EQ(indexed, fields);
      EXPECT_EQ(stat->fields_revision, Record().fields_revision);
    }
  }

  AdminCluster cluster_{2};
};

TEST_F(PayloadIndexServiceTest, AFieldIsRefusedWithTheShareUntilEveryShardHasItAndAnswersThen) {
  Hold();
  const auto begun = Add();
  ASSERT_TRUE(begun.ok()) << begun.status();
  EXPECT_EQ(begun->kind, "payload_index");
  EXPECT_EQ(ReasonOf(Filtered("year")), reason::kPayloadIndexBuilding) << "from the first moment";
  ASSERT_TRUE(AwaitProgress(begun->id));
  cluster_.node(0).LetFieldsGo();
  EXPECT_THAT(std::string(Filtered("year").message()), HasSubstr("%"));
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(StateOf("year"), FieldState::kBuilding) << "the shards of one node are not all";
  EXPECT_EQ(Filtered("year").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Filtered("color").ok());
  cluster_.node(1).LetFieldsGo();
  const Operation ended = AwaitEnd(begun);
  EXPECT_EQ(ended.state, OperationState::kSucceeded) << ended.error_message;
  EXPECT_EQ(StateOf("year"), FieldState::kReady);
  EXPECT_TRUE(Filtered("year").ok());
  ExpectShardsHave(2);
}

TEST_F(PayloadIndexServiceTest, TheSameCallAgainFindsItDoneAndAnotherTypeIsRefused) {
  ASSERT_EQ(AwaitEnd(Add()).state, OperationState::kSucceeded);
  const uint64_t revision = Record().revision;
  EXPECT_EQ(AwaitEnd(Add()).state, OperationState::kSucceeded);
  EXPECT_EQ(Record().revision, revision) << "nothing was changed";
  const auto other = Add("year", FieldType::kDouble);
  EXPECT_EQ(other.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(other.status()), reason::kPayloadIndexExists);
  EXPECT_EQ(ReasonOf(Add("color", FieldType::kBoolean).status()), reason::kPayloadIndexExists);
}

TEST_F(PayloadIndexServiceTest, WhatIsNoFieldOrOneTooManyIsRefusedByName) {
  EXPECT_EQ(FactOf(Add("no such!").status(), kFieldFact), "field");
  EXPECT_EQ(FactOf(Add("year", FieldType{}).status(), kFieldFact), "type");
  EXPECT_EQ(ReasonOf(Drop("year").status()), reason::kPayloadIndexNotFound);
  EXPECT_EQ(ReasonOf(cluster_.payload_indexes().Create({"b", "x", FieldType::kDouble}).status()),
            reason::kCollectionNotFound);
  for (size_t i = 1; i < limits::kPayloadFieldsMax; ++i) {
    ASSERT_EQ(AwaitEnd(Add("f" + std::to_string(i))).state, OperationState::kSucceeded);
  }
  EXPECT_EQ(FactOf(Add("more").status(), kFieldFact), "field");
  ASSERT_EQ(AwaitEnd(Drop("f7")).state, OperationState::kSucceeded);
  EXPECT_EQ(AwaitEnd(Add("more")).state, OperationState::kSucceeded) << "its place was free";
}

TEST_F(PayloadIndexServiceTest, AMisfitIsToldWithItsPointAndNothingIsLeft) {
  for (size_t i = 0; i < 2; ++i) cluster_.node(i).MakeMisfits(4);
  const Operation ended = AwaitEnd(Add());
  EXPECT_EQ(ended.state, OperationState::kFailed);
  EXPECT_EQ(ended.error_reason, reason::kPayloadIndexMisfit);
  EXPECT_THAT(ended.error_message, HasSubstr("12 points"));
  EXPECT_THAT(ended.error_message, HasSubstr("point 7"));
  EXPECT_EQ(StateOf("year"), FieldState::kFree);
  EXPECT_EQ(ReasonOf(Filtered("year")), reason::kBadFilter);
  ExpectShardsHave(1);
  for (size_t i = 0; i < 2; ++i) cluster_.node(i).MakeMisfits(0);
  EXPECT_EQ(AwaitEnd(Add()).state, OperationState::kSucceeded) << "once they are mended";
}

TEST_F(PayloadIndexServiceTest, ADropRefusesFiltersBeforeAnyShardKnowsAndEndsWhenAllDo) {
  ASSERT_EQ(AwaitEnd(Add()).state, OperationState::kSucceeded);
  cluster_.node(1).SetDown(true);
  const auto begun = Drop();
  ASSERT_TRUE(begun.ok());
  EXPECT_EQ(ReasonOf(Filtered("year")), reason::kBadFilter);
  EXPECT_EQ(AwaitEnd(begun).state, OperationState::kFailed) << "a node did not answer";
  EXPECT_EQ(StateOf("year"), FieldState::kDropping);
  EXPECT_EQ(ReasonOf(Add().status()), reason::kOperationInProgress);
  cluster_.node(1).SetDown(false);
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  EXPECT_EQ(StateOf("year"), FieldState::kFree);
  ExpectShardsHave(1);
}

TEST_F(PayloadIndexServiceTest, ADropGoesOnWhereItIsCancelled) {
  ASSERT_EQ(AwaitEnd(Add()).state, OperationState::kSucceeded);
  cluster_.node(1).SetDown(true);
  const auto begun = Drop();
  ASSERT_TRUE(cluster_.operations().Cancel(begun->id).ok());
  cluster_.node(1).SetDown(false);
  EXPECT_EQ(AwaitEnd(begun).state, OperationState::kSucceeded);
  EXPECT_EQ(StateOf("year"), FieldState::kFree);
}

TEST_F(PayloadIndexServiceTest, ACancelLeavesNothing) {
  Hold();
  const auto begun = Add();
  ASSERT_TRUE(AwaitProgress(begun->id));
  EXPECT_EQ(ReasonOf(Drop().status()), reason::kOperationInProgress) << "one at a time";
  ASSERT_TRUE(cluster_.operations().Cancel(begun->id).ok());
  EXPECT_EQ(AwaitEnd(begun).state, OperationState::kCancelled);
  EXPECT_EQ(StateOf("year"), FieldState::kFree);
  EXPECT_EQ(ReasonOf(Filtered("year")), reason::kBadFilter);
  ExpectShardsHave(1);
}

TEST_F(PayloadIndexServiceTest, WhatARestartCutsShortIsFinishedWithoutACallAndAlsoByOne) {
  Hold();
  const auto begun = Add();
  ASSERT_TRUE(AwaitProgress(begun->id));
  cluster_.Restart();
  EXPECT_EQ(StateOf("year"), FieldState::kBuilding) << "a stop is no cancel";
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  EXPECT_EQ(ReasonOf(Filtered("year")), reason::kPayloadIndexBuilding);
  const auto again = Add();
  ASSERT_TRUE(AwaitProgress(again->id));
  cluster_.Restart();
  LetGo();
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  EXPECT_EQ(StateOf("year"), FieldState::kReady);
  EXPECT_TRUE(Filtered("year").ok());
}

// The record is written before the first shard is told.
TEST_F(PayloadIndexServiceTest, ADeathAfterEachStepIsFinishedByReconciling) {
  for (size_t told = 0; told <= 3; ++told) {
    CollectionRecord record = Record();
    ASSERT_TRUE(AddField(record, {"year", FieldType::kInteger}).ok());
    cluster_.meta.Set(record);
    for (size_t i = 0; i < told; ++i) {
      const ShardPlacement& placement = record.shards[i];
      const SetFieldsCall call{placement.shard, record.incarnation, record.fields_revision,
                               FieldsForShards(record)};
      ASSERT_TRUE(cluster_.NodeOf(placement).SetPayloadFields(call, Deadline::max()).ok());
    }
    cluster_.Restart();
    ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
    ASSERT_EQ(StateOf("year"), FieldState::kReady) << told;
    ExpectShardsHave(2);
    ASSERT_EQ(AwaitEnd(Drop()).state, OperationState::kSucceeded);
    ExpectShardsHave(1);
  }
}

TEST_F(PayloadIndexServiceTest, AShardThatKnowsLessThanTheRecordIsToldThoughNothingWaits) {
  ASSERT_EQ(AwaitEnd(Add()).state, OperationState::kSucceeded);
  const ShardPlacement placement = Record().shards.front();
  ASSERT_TRUE(cluster_.NodeOf(placement)
                  .SetPayloadFields(
                      {placement.shard, Record().incarnation, 0, {{"color", FieldType::kKeyword}}},
                      Deadline::max())
                  .ok());  // as a state that lost what was not flushed
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  ExpectShardsHave(2);
}

TEST_F(PayloadIndexServiceTest, ANewShardIsMadeWithoutAFieldThatIsBuiltAndWithOneThatGoes) {
  CollectionRecord record = Record();
  record.payload_fields = {{"a", FieldType::kKeyword, FieldState::kBuilding},
                           {"b", FieldType::kKeyword, FieldState::kDropping},
                           {"c", FieldType::kKeyword}};
  const ShardSpec spec = SpecOf(record, record.shards.front());
  EXPECT_EQ(spec.payload_fields[0].state, FieldState::kFree);
  EXPECT_EQ(spec.payload_fields[1], (PayloadField{"b", FieldType::kKeyword}));
  const PayloadSchema wanted = FieldsForShards(record);
  EXPECT_EQ(wanted[0].name, "a");
  EXPECT_EQ(wanted[1].state, FieldState::kFree);
}

TEST_F(PayloadIndexServiceTest, DeletingTheCollectionEndsItsOperation) {
  Hold();
  const auto begun = Add();
  ASSERT_TRUE(AwaitProgress(begun->id));
  ASSERT_TRUE(cluster_.collections().Delete("a").ok());
  EXPECT_NE(AwaitEnd(begun).state, OperationState::kRunning);
  EXPECT_FALSE(cluster_.map().Find("a").ok());
}

}  // namespace
}  // namespace kith::coordinator
