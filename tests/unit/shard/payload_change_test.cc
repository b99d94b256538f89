// Payload changes and writes to what a filter picks, as the writer of a shard decides them.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <future>
#include <map>
#include <string>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PayloadChangeTest : public NodeFixture {
 protected:
  void SetUp() override {
    NodeFixture::SetUp();
    ShardSpec spec = Spec(2);
    spec.payload_fields = {{"color", FieldType::kKeyword}, {"year", FieldType::kInteger}};
    ASSERT_TRUE(node_->CreateShard(spec, Soon()).ok());
  }

  static WriteCall Change(const std::vector<uint64_t>& ids, const std::string& change,
                          WriteKind kind = WriteKind::kMergePayload) {
    WriteCall call;
    for (const uint64_t id : ids) call.keys += Key(id);
    call.kinds.assign(ids.size(), kind);
    call.change = change;
    return call;
  }
  static Filter IsOf(const std::string& color) {
    Filter filter;
    filter.kind = Filter::Kind::kMatch;
    filter.field = "color";
    filter.values = {color};
    return filter;
  }
  static WriteCall ToAll(const Filter& filter, WriteKind kind, const std::string& change,
                         uint32_t limit) {
    WriteCall call;
    call.kinds = {kind};
    call.change = change;
    call.selection = WriteSelection{std::make_shared<const Filter>(filter), 0, limit};
    return call;
  }
  static std::string Colored(const std::string& color) { return R"({"color": ")" + color + "\"}"; }

  void FillColored(uint64_t first, uint64_t count, const std::string& color) {
    WriteCall call;
    for (uint64_t id = first; id < first + count; ++id) {
      call.kinds.push_back(WriteKind::kUpsert);
      call.keys += Key(id);
      call.vectors += Bytes({static_cast<float>(id), 1});
      call.payload_sizes.push_back(static_cast<uint32_t>(Colored(color).size()));
      call.payloads += Colored(color);
    }
    const auto reply = Write(std::move(call));
    ASSERT_TRUE(reply.ok()) << reply.status();
  }

  std::string PayloadOf(uint64_t id) {
    const auto reply = Get(Key(id));
    return reply.ok() && reply->found[0] != 0 ? reply->payloads : "nothing";
  }
  uint64_t Count(const Filter& filter) {
    SearchCall call;
    call.limit = 1;
    call.filter = std::make_shared<const Filter>(filter);
    const auto reply = Search(std::move(call));
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? reply->filter_points : ~uint64_t{0};
  }
  // Batch after batch until nothing is left; how many points they were of.
  uint64_t RunToEnd(WriteCall call) {
    uint64_t points = 0;
    while (true) {
      const auto reply = Write(call);
      EXPECT_TRUE(reply.ok()) << reply.status();
      if (!reply.ok()) return points;
      points += reply->outcomes.size();
      if (!reply->has_more) return points;
      call.selection->version_below = reply->version_below;
    }
  }
};

TEST_F(PayloadChangeTest, AFieldIsSetAndFoundAndTheVectorStays) {
  ASSERT_TRUE(Write(Put(1, {3, 4}, R"({"color": "red", "x": [1]})")).ok());
  const auto reply = Write(Change({1}, R"({"color": "blue", "year": 7})"));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->outcomes, ElementsAre(WriteOutcome::kOk));
  const auto point = Get(Key(1));
  ASSERT_TRUE(point.ok());
  EXPECT_EQ(point->payloads, R"({"color": "blue","x": [1],"year": 7})");
  EXPECT_EQ(point->vectors, Bytes({3, 4}));
  EXPECT_EQ(point->versions[0], reply->versions[0]);
  EXPECT_EQ(Count(IsOf("red")), 0u);
  EXPECT_EQ(Count(IsOf("blue")), 1u);
  ExpectVerified(1);
}

TEST_F(PayloadChangeTest, IsReplayedFromTheLogAfterAKill) {
  FillColored(0, 50, "red");
  ASSERT_TRUE(Write(Change({3, 4}, R"({"color": "blue"})")).ok());
  ASSERT_TRUE(Write(Change({5}, "", WriteKind::kReplacePayload)).ok());
  EXPECT_EQ(RunToEnd(ToAll(IsOf("red"), WriteKind::kMergePayload, R"({"year": 1})", 7)), 47u);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(PayloadOf(3), R"({"color": "blue"})");
  EXPECT_EQ(PayloadOf(5), "");
  EXPECT_EQ(PayloadOf(6), R"({"color": "red","year": 1})");
  EXPECT_EQ(Count(IsOf("red")), 47u);
  ExpectVerified(50);
}

TEST_F(PayloadChangeTest, APointThatIsAbsentOrOfAnotherVersionKeepsWhatItIs) {
  const auto written = Write(Put(1, {1, 1}, Colored("red")));
  WriteCall call = Change({1, 2}, R"({"year": 1})");
  call.if_versions = {written->versions[0] + 1, kNoVersionCondition};
  const auto refused = Write(call);
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_THAT(refused->outcomes,
              ElementsAre(WriteOutcome::kVersionMismatch, WriteOutcome::kNotFound));
  EXPECT_EQ(PayloadOf(1), Colored("red"));
  call.if_versions[0] = written->versions[0];
  EXPECT_EQ(Write(call)->outcomes[0], WriteOutcome::kOk);
}

TEST_F(PayloadChangeTest, ARepeatAnswersAsTheFirstAndChangesNothingAgain) {
  ASSERT_TRUE(Write(Put(1, {1, 1}, Colored("red"))).ok());
  WriteCall call = Change({1}, R"({"year": 1})");
  call.request_id = "0123456789abcdef";
  call.body_hash = "fedcba9876543210";
  call.unix_ms = clock_.UnixMs();
  const auto first = Write(call);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(Write(Change({1}, R"({"year": 2})")).ok());
  const auto again = Write(call);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->versions, first->versions);
  EXPECT_EQ(PayloadOf(1), R"({"color": "red","year": 2})");
}

// Both wait for the writer and come in one group: the change finds what the upsert has written.
TEST_F(PayloadChangeTest, FollowsAnUpsertOfTheSamePointThatCameJustBefore) {
  for (uint64_t id = 0; id < 50; ++id) {
    std::promise<void> upserted;
    std::promise<void> changed;
    WriteCall put = Put(id, {1, 1}, Colored("red"));
    put.shard = 7;
    put.incarnation = Spec(2).incarnation;
    WriteCall change = Change({id}, R"({"year": 1})");
    change.shard = 7;
    change.incarnation = put.incarnation;
    node_->Write(std::move(put), Soon(), [&](auto) { upserted.set_value(); });
    node_->Write(std::move(change), Soon(), [&](auto reply) {
      EXPECT_TRUE(reply.ok()) << reply.status();
      changed.set_value();
    });
    upserted.get_future().wait();
    changed.get_future().wait();
    ASSERT_EQ(PayloadOf(id), R"({"color": "red","year": 1})");
  }
  ExpectVerified(50);
}

TEST_F(PayloadChangeTest, WhatCannotBeMergedIntoIsRefusedPointByPoint) {
  ShardSpec bare = Spec(2);
  bare.shard = 8;
  ASSERT_TRUE(node_->CreateShard(bare, Soon()).ok());
  shard_ = 8;
  ASSERT_TRUE(Write(Put(1, {1, 1}, "bytes")).ok());
  ASSERT_TRUE(Write(Put(2, {1, 1}, "{\"a\": \"" + std::string(65'500, 'x') + "\"}")).ok());
  ASSERT_TRUE(Write(Put(3, {1, 1})).ok());
  const auto reply = Write(Change({1, 2, 3}, "{\"b\": \"" + std::string(100, 'y') + "\"}"));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->outcomes, ElementsAre(WriteOutcome::kPayloadNoObject,
                                           WriteOutcome::kPayloadTooLarge, WriteOutcome::kOk));
  EXPECT_EQ(PayloadOf(1), "bytes");
  // By a filter such a point would be picked for ever: the batch is refused, naming it.
  Filter ids;
  ids.kind = Filter::Kind::kHasId;
  ids.keys = Key(3) + Key(1);
  const auto picked = Write(ToAll(ids, WriteKind::kMergePayload, "{\"c\": 1}", 10));
  EXPECT_EQ(ReasonOf(picked.status()), reason::kBadPayload);
  EXPECT_THAT(std::string(picked.status().message()), HasSubstr("point 1"));
  EXPECT_THAT(PayloadOf(3), HasSubstr("yyy"));
}

TEST_F(PayloadChangeTest, ACallThatWouldMakeTooMuchOfALittleIsRefused) {
  FillColored(0, 1100, "red");
  const std::string large = "{\"a\": \"" + std::string(65'000, 'x') + "\"}";
  std::vector<uint64_t> ids(1100);
  for (uint64_t id = 0; id < ids.size(); ++id) ids[id] = id;
  const auto refused = Write(Change(ids, large, WriteKind::kReplacePayload));
  EXPECT_EQ(ReasonOf(refused.status()), reason::kBatchTooLarge);
  ids.resize(20);
  EXPECT_TRUE(Write(Change(ids, large, WriteKind::kReplacePayload)).ok());
  EXPECT_EQ(Count(IsOf("red")), 1080u);
  ExpectVerified(1100);
}

TEST_F(PayloadChangeTest, AFilterDeletesWhatPassedAtItsBeginningAndNothingWrittenSince) {
  FillColored(0, 40, "red");
  FillColored(100, 10, "blue");
  WriteCall call = ToAll(IsOf("red"), WriteKind::kDelete, "", 15);
  const auto first = Write(call);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->outcomes.size(), 15u);
  EXPECT_TRUE(first->has_more);
  // Written anew, and one more that passes: neither was there when it began.
  ASSERT_TRUE(Write(Put(39, {1, 1}, Colored("red"))).ok());
  ASSERT_TRUE(Write(Put(200, {1, 1}, Colored("red"))).ok());
  call.selection->version_below = first->version_below;
  EXPECT_EQ(RunToEnd(call), 24u);
  EXPECT_EQ(Count(IsOf("red")), 2u);
  EXPECT_EQ(PayloadOf(39), Colored("red"));
  ExpectVerified(12);
}

TEST_F(PayloadChangeTest, AChangeThatLeavesThePointsPassingEnds) {
  FillColored(0, 100, "red");
  EXPECT_EQ(RunToEnd(ToAll(IsOf("red"), WriteKind::kMergePayload, R"({"year": 3})", 9)), 100u);
  EXPECT_EQ(PayloadOf(77), R"({"color": "red","year": 3})");
  ExpectVerified(100);
}

TEST_F(PayloadChangeTest, ARepeatedBatchOfAFilterAnswersAsTheFirst) {
  FillColored(0, 20, "red");
  WriteCall call = ToAll(IsOf("red"), WriteKind::kDelete, "", 8);
  call.request_id = "0123456789abcdef";
  call.body_hash = "fedcba9876543210";
  call.unix_ms = clock_.UnixMs();
  const auto first = Write(call);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(Start().ok());
  const auto again = Write(call);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->outcomes.size(), 8u);
  EXPECT_EQ(again->version_below, first->version_below);
  EXPECT_TRUE(again->has_more);
  EXPECT_EQ(Count(IsOf("red")), 12u);
}

TEST_F(PayloadChangeTest, NothingThatPassesIsNoError) {
  const auto reply = Write(ToAll(IsOf("red"), WriteKind::kDelete, "", 8));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(reply->outcomes.empty());
  EXPECT_FALSE(reply->has_more);
}

TEST_F(PayloadChangeTest, CallsThatMakeNoSenseAreRefused) {
  ASSERT_TRUE(Write(Put(1, {1, 1}, Colored("red"))).ok());
  EXPECT_EQ(ReasonOf(Write(Change({1}, "[]")).status()), reason::kBadPayload);
  EXPECT_EQ(ReasonOf(Write(Change({1}, R"({"year": "x"})")).status()), reason::kBadPayload);
  EXPECT_EQ(ReasonOf(Write(Change({1, 1}, "{}")).status()), reason::kBadRequest);
  WriteCall mixed = Change({1, 2}, "{}");
  mixed.kinds[1] = WriteKind::kDelete;
  EXPECT_EQ(ReasonOf(Write(mixed).status()), reason::kBadRequest);
  WriteCall erase = Remove(1);
  erase.change = "{}";
  EXPECT_EQ(ReasonOf(Write(erase).status()), reason::kBadRequest);
  Filter other = IsOf("red");
  other.field = "nowhere";
  EXPECT_EQ(ReasonOf(Write(ToAll(other, WriteKind::kDelete, "", 8)).status()), reason::kBadFilter);
  WriteCall upsert = ToAll(IsOf("red"), WriteKind::kUpsert, "", 8);
  EXPECT_EQ(ReasonOf(Write(upsert).status()), reason::kBadRequest);
  WriteCall beside = ToAll(IsOf("red"), WriteKind::kDelete, "", 8);
  beside.keys = Key(1);
  EXPECT_EQ(ReasonOf(Write(beside).status()), reason::kBadRequest);
  for (const uint32_t limit : {0u, limits::kSelectionPointsMax + 1}) {
    EXPECT_EQ(ReasonOf(Write(ToAll(IsOf("red"), WriteKind::kDelete, "", limit)).status()),
              reason::kBadRequest);
  }
  EXPECT_EQ(PayloadOf(1), Colored("red"));
}

}  // namespace
}  // namespace kith::shard
