#include "common/rpc/filter_messages.h"

#include <gtest/gtest.h>

#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/shard_messages.h"
#include "common/vector/point_key.h"
#include "tests/unit/common_rpc/round_trip.h"

namespace kith::rpc {
namespace {

absl::StatusOr<SearchCall> FilterRoundTrip(SearchCall call) {
  v1::ShardSearchCall sent;
  ToProto(std::move(call), &sent);
  v1::ShardSearchCall received;
  EXPECT_TRUE(received.ParseFromString(sent.SerializeAsString()));
  return FromProto(std::move(received));
}

// Every condition there is, with every type of value.
Filter AFilter() {
  Filter red;
  red.kind = Filter::Kind::kMatch;
  red.field = "color";
  red.values = {std::string("red"), std::string("")};
  Filter year;
  year.kind = Filter::Kind::kRange;
  year.field = "year";
  year.low = {int64_t{-5}, true};
  year.high = {int64_t{7}, false};
  Filter price;
  price.kind = Filter::Kind::kRange;
  price.field = "price";
  price.high = {0.5, true};
  Filter is_new;
  is_new.kind = Filter::Kind::kExists;
  is_new.field = "new";
  Filter truth;
  truth.kind = Filter::Kind::kMatch;
  truth.field = "new";
  truth.values = {false};
  Filter ids;
  ids.kind = Filter::Kind::kHasId;
  ids.keys = Key(3) + std::string(PointKey::FromUuid("0123456789abcdef").view());
  Filter none;
  none.kind = Filter::Kind::kNoneOf;
  none.parts = {ids, truth};
  Filter any;
  any.kind = Filter::Kind::kAnyOf;
  any.parts = {price, none};
  Filter all;
  all.kind = Filter::Kind::kAllOf;
  all.parts = {red, year, is_new, any};
  return all;
}

TEST(FilterMessagesTest, AFilterArrivesAsItWasSent) {
  SearchCall call;
  call.filter = std::make_shared<const Filter>(AFilter());
  call.widens = true;
  call.priority = SearchPriority::kBatch;
  const auto got = FilterRoundTrip(call);
  ASSERT_TRUE(got.ok()) << got.status();
  ASSERT_NE(got->filter, nullptr);
  EXPECT_EQ(*got->filter, AFilter());
  EXPECT_TRUE(got->widens);
  EXPECT_EQ(got->priority, SearchPriority::kBatch);
  EXPECT_EQ(FilterRoundTrip(SearchCall())->filter, nullptr);
}

TEST(FilterMessagesTest, EveryPriorityComesThroughTheWireAndNoOther) {
  for (const auto priority :
       {SearchPriority::kInteractive, SearchPriority::kBatch, SearchPriority::kBackground}) {
    SearchCall call;
    call.priority = priority;
    const auto got = FilterRoundTrip(call);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->priority, priority);
  }
  SearchCall call;
  call.priority = static_cast<SearchPriority>(kSearchPriorities);
  EXPECT_FALSE(FilterRoundTrip(call).ok());
}

TEST(FilterMessagesTest, APlaceAndWhatLiesWithinComeThroughTheWire) {
  SearchCall call;
  call.after = HitPlace{-0.25f, PointKey::FromNumber(77)};
  const auto got = FilterRoundTrip(call);
  ASSERT_TRUE(got.ok()) << got.status();
  ASSERT_TRUE(got->after.has_value());
  EXPECT_EQ(got->after->score, -0.25f);
  EXPECT_EQ(got->after->key, PointKey::FromNumber(77));
  EXPECT_FALSE(FilterRoundTrip(SearchCall())->after.has_value());
  v1::ShardSearchCall cut;
  ToProto(std::move(call), &cut);
  cut.set_after_key("short");
  EXPECT_EQ(FactOf(FromProto(std::move(cut)).status(), kFieldFact), "after_key");
  SearchReply reply;
  reply.points_within = 12;
  reply.queries_crowded = 3;
  v1::ShardSearchReply sent;
  ToProto(std::move(reply), &sent);
  const auto read = FromProto(std::move(sent));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->points_within, 12u);
  EXPECT_EQ(read->queries_crowded, 3u);
}

TEST(FilterMessagesTest, AFilterThatSaysNothingIsRefusedByField) {
  const auto field_of = [](const v1::Filter& filter) {
    return FactOf(FilterFromProto(filter, "filter").status(), kFieldFact);
  };
  v1::Filter filter;
  EXPECT_EQ(field_of(filter), "filter");
  filter.mutable_match()->set_field("color");
  EXPECT_EQ(field_of(filter), "filter.match.value");
  filter.mutable_match_any()->add_values();
  EXPECT_EQ(field_of(filter), "filter.match_any.values[0]");
  filter.mutable_range()->mutable_lte();
  EXPECT_EQ(field_of(filter), "filter.range.lte");
  filter.mutable_has_id()->add_ids()->set_uuid("short");
  EXPECT_EQ(field_of(filter), "filter.has_id.ids[0]");
  filter.mutable_all_of()->add_filters();
  EXPECT_EQ(field_of(filter), "filter.all_of.filters[0]");
}

TEST(FilterMessagesTest, AFilterSeventeenDeepIsRefusedBeforeItIsBuilt) {
  v1::Filter filter;
  filter.mutable_exists()->set_field("color");
  for (int i = 1; i < 16; ++i) {
    v1::Filter outer;
    *outer.mutable_none_of()->add_filters() = filter;
    filter = outer;
  }
  EXPECT_TRUE(FilterFromProto(filter, "filter").ok());
  v1::Filter outer;
  *outer.mutable_none_of()->add_filters() = filter;
  EXPECT_EQ(ReasonOf(FilterFromProto(outer, "filter").status()), reason::kBadFilter);
}

TEST(FilterMessagesTest, TooManyConditionsAreRefusedBeforeTheyAreBuilt) {
  const auto lists_of = [](int lists, int conditions) {
    v1::Filter filter;
    for (int i = 0; i < lists; ++i) {
      v1::FilterList* const list = filter.mutable_any_of()->add_filters()->mutable_all_of();
      for (int j = 0; j < conditions; ++j)
        list->add_filters()->mutable_exists()->set_field("color");
    }
    return FilterFromProto(filter, "filter").status();
  };
  EXPECT_TRUE(lists_of(15, 16).ok());  // 1 + 15 + 240 conditions
  const absl::Status refused = lists_of(16, 16);
  EXPECT_EQ(ReasonOf(refused), reason::kBadFilter);
  EXPECT_EQ(FactOf(refused, kFieldFact), "filter.any_of.filters[15]");
}

TEST(FilterMessagesTest, TooManyValuesAreRefusedBeforeTheyAreBuilt) {
  v1::Filter values;
  values.mutable_match_any()->set_field("year");
  v1::Filter ids;
  for (int i = 0; i < 1000; ++i) {
    values.mutable_match_any()->add_values()->set_integer(i);
    ids.mutable_has_id()->add_ids()->set_number(i);
  }
  EXPECT_TRUE(FilterFromProto(values, "filter").ok());
  EXPECT_TRUE(FilterFromProto(ids, "filter").ok());
  // The one more says nothing: it is not come to.
  values.mutable_match_any()->add_values();
  ids.mutable_has_id()->add_ids();
  EXPECT_EQ(FactOf(FilterFromProto(values, "filter").status(), kFieldFact),
            "filter.match_any.values");
  EXPECT_EQ(FactOf(FilterFromProto(ids, "filter").status(), kFieldFact), "filter.has_id.ids");
}

}  // namespace
}  // namespace kith::rpc
