// Writes to what a filter picks, scrolls under a filter and facets, between coordinator and shard.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "common/rpc/shard_messages.h"
#include "common/vector/point_key.h"
#include "tests/unit/common_rpc/round_trip.h"

namespace kith::rpc {
namespace {

std::shared_ptr<const Filter> Red() {
  auto filter = std::make_shared<Filter>();
  filter->kind = Filter::Kind::kMatch;
  filter->field = "color";
  filter->values = {std::string("red")};
  return filter;
}

TEST(SelectionMessages, AWriteToWhatAFilterPicksArrivesAsItWasSent) {
  WriteCall call;
  call.kinds = {WriteKind::kMergePayload};
  call.change = "{\"a\": 1}";
  call.selection = WriteSelection{Red(), 77, 500};
  const auto got = RoundTrip<v1::ShardWriteCall>(call);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->kinds, call.kinds);
  EXPECT_EQ(got->change, call.change);
  ASSERT_TRUE(got->selection.has_value());
  EXPECT_EQ(*got->selection->filter, *Red());
  EXPECT_EQ(got->selection->version_below, 77u);
  EXPECT_EQ(got->selection->limit, 500u);

  WriteReply reply;
  reply.outcomes = {WriteOutcome::kPayloadNoObject, WriteOutcome::kPayloadTooLarge};
  reply.versions = {1, 2};
  reply.version_below = 88;
  reply.has_more = true;
  const auto back = RoundTrip<v1::ShardWriteReply>(reply);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->outcomes, reply.outcomes);
  EXPECT_EQ(back->version_below, 88u);
  EXPECT_TRUE(back->has_more);
}

TEST(SelectionMessages, AWriteThatNamesPointsBesideAFilterOrHasNoneIsRefused) {
  WriteCall call;
  call.kinds = {WriteKind::kDelete};
  call.selection = WriteSelection{Red(), 0, 500};
  call.keys = Key(1);
  EXPECT_FALSE(RoundTrip<v1::ShardWriteCall>(call).ok());
  call.keys.clear();
  call.vectors = "aaaa";
  EXPECT_FALSE(RoundTrip<v1::ShardWriteCall>(call).ok());
  v1::ShardWriteCall bare;
  bare.set_kinds(std::string(1, 4));
  bare.set_incarnation(std::string(16, 'i'));
  bare.mutable_selection()->set_limit(5);
  EXPECT_FALSE(FromProto(std::move(bare)).ok());
}

TEST(SelectionMessages, AScrollUnderAFilterArrivesAsItWasSent) {
  ScrollCall call;
  call.filter = Red();
  EXPECT_EQ(*RoundTrip<v1::ShardScrollCall>(call)->filter, *Red());
  ScrollReply reply;
  reply.reached = Key(9);
  EXPECT_EQ(RoundTrip<v1::ShardScrollReply>(reply)->reached, Key(9));
  reply.reached = "short";
  EXPECT_FALSE(RoundTrip<v1::ShardScrollReply>(reply).ok());
}

TEST(SelectionMessages, AFacetArrivesAsItWasSentAndOneThatDoesNotAddUpIsRefused) {
  FacetCall call;
  call.shard = 3;
  call.field = "color";
  call.filter = Red();
  call.wait_lsn = 8;
  const auto got = RoundTrip<v1::ShardFacetCall>(call);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->shard, 3u);
  EXPECT_EQ(got->field, "color");
  EXPECT_EQ(*got->filter, *Red());
  EXPECT_EQ(got->wait_lsn, 8u);
  FacetReply reply;
  reply.values = "redblue";
  reply.value_sizes = {3, 4};
  reply.counts = {5, 6};
  reply.lsn = 9;
  const auto back = RoundTrip<v1::ShardFacetReply>(reply);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->values, "redblue");
  EXPECT_EQ(back->counts, reply.counts);
  reply.value_sizes = {3, 5};
  EXPECT_FALSE(RoundTrip<v1::ShardFacetReply>(reply).ok());
  reply.value_sizes = {3};
  EXPECT_FALSE(RoundTrip<v1::ShardFacetReply>(reply).ok());
}

}  // namespace
}  // namespace kith::rpc
