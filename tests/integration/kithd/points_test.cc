// Points by filters, payload changes, facets, aliases and updates, over the real port with a real
// shard node behind it.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "tests/integration/kithd/real_cluster.h"

namespace kith::kithd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Collections = v1::Collections::Stub;
using Points = v1::Points::Stub;

class PointsTest : public RealCluster {
 protected:
  void Create(const std::string& name, uint32_t shards = 3) {
    v1::CreateCollectionRequest request;
    request.set_collection(name);
    request.set_dimension(2);
    request.set_metric(v1::METRIC_L2);
    request.set_element_type(v1::ELEMENT_TYPE_F32);
    request.set_shards(shards);
    v1::PayloadField* color = request.add_payload_fields();
    color->set_name("color");
    color->set_type(v1::FIELD_TYPE_KEYWORD);
    v1::PayloadField* year = request.add_payload_fields();
    year->set_name("year");
    year->set_type(v1::FIELD_TYPE_INTEGER);
    v1::Collection made;
    const absl::Status status = Call(*collections_, &Collections::CreateCollection, request, &made);
    ASSERT_TRUE(status.ok()) << status;
  }
  // Points from `first` on, of one color, at (id, 0).
  void Fill(const std::string& name, uint64_t first, uint64_t count, const std::string& color) {
    v1::UpsertRequest request;
    request.set_collection(name);
    for (uint64_t n = first; n < first + count; ++n) {
      request.mutable_columns()->add_numbers(n);
      const float vector[2] = {static_cast<float>(n), 0};
      request.mutable_columns()->mutable_vectors()->append(reinterpret_cast<const char*>(vector),
                                                           sizeof(vector));
      request.mutable_columns()->add_payloads(
          fmt::format("{{\"color\": \"{}\", \"year\": {}}}", color, n % 10));
    }
    v1::UpsertResponse written;
    const absl::Status status = Call(*points_, &Points::Upsert, request, &written);
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_EQ(written.written(), count);
  }
  static v1::Filter IsOf(const std::string& color) {
    v1::Filter filter;
    filter.mutable_match()->set_field("color");
    filter.mutable_match()->mutable_value()->set_keyword(color);
    return filter;
  }
  uint64_t Count(const std::string& name, const v1::Filter& filter) {
    v1::CountPointsRequest request;
    request.set_collection(name);
    *request.mutable_filter() = filter;
    v1::CountPointsResponse counted;
    const absl::Status status = Call(*points_, &Points::CountPoints, request, &counted);
    EXPECT_TRUE(status.ok()) << status;
    return counted.count();
  }
  v1::StoredPoint Get(const std::string& name, uint64_t id) {
    v1::GetPointsRequest request;
    request.set_collection(name);
    request.add_ids()->set_number(id);
    request.set_with_payload(true);
    request.set_with_vector(true);
    v1::GetPointsResponse found;
    EXPECT_TRUE(Call(*points_, &Points::GetPoints, request, &found).ok());
    return found.points_size() == 1 ? found.points(0) : v1::StoredPoint();
  }
  absl::Status Set(const v1::SetPayloadRequest& request, v1::ChangePayloadResponse* response) {
    return Call(*points_, &Points::SetPayload, request, response);
  }
};

TEST_F(PointsTest, SetPayloadMergesIntoThePointsThatAreNamed) {
  Create("c");
  Fill("c", 0, 10, "red");
  const uint64_t version = Get("c", 4).version();
  v1::SetPayloadRequest request;
  request.set_collection("c");
  for (const uint64_t id : {3, 4, 99}) request.add_ids()->set_number(id);
  request.set_payload(R"({"color": "blue", "sold": true, "year": null})");
  request.add_if_versions(0);
  request.add_if_versions(version + 1);
  request.add_if_versions(0);
  v1::ChangePayloadResponse changed;
  ASSERT_TRUE(Set(request, &changed).ok());
  EXPECT_EQ(changed.changed(), 1u);
  ASSERT_EQ(changed.statuses_size(), 3);
  EXPECT_EQ(changed.statuses(0).code(), 0);
  EXPECT_EQ(changed.statuses(1).code(), static_cast<int>(absl::StatusCode::kAborted));
  EXPECT_EQ(changed.statuses(2).code(), static_cast<int>(absl::StatusCode::kNotFound));
  EXPECT_EQ(changed.versions(0), Get("c", 3).version());
  EXPECT_EQ(Get("c", 3).payload(), R"({"color": "blue","sold": true})");
  EXPECT_EQ(Get("c", 4).payload(), R"({"color": "red", "year": 4})");
  EXPECT_EQ(Count("c", IsOf("blue")), 1u);

  v1::ClearPayloadRequest clear;
  clear.set_collection("c");
  clear.add_ids()->set_number(3);
  clear.add_fields("color");
  ASSERT_TRUE(Call(*points_, &Points::ClearPayload, clear, &changed).ok());
  EXPECT_EQ(Get("c", 3).payload(), R"({"sold": true})");
  clear.clear_fields();
  ASSERT_TRUE(Call(*points_, &Points::ClearPayload, clear, &changed).ok());
  EXPECT_EQ(Get("c", 3).payload(), "");
}

TEST_F(PointsTest, WhatIsWrongWithAPayloadChangeIsSaidByName) {
  Create("c");
  Fill("c", 0, 3, "red");
  v1::ChangePayloadResponse changed;
  const auto refusal = [&](const std::function<void(v1::SetPayloadRequest&)>& edit) {
    v1::SetPayloadRequest request;
    request.set_collection("c");
    request.add_ids()->set_number(1);
    request.set_payload("{}");
    edit(request);
    const absl::Status status = Set(request, &changed);
    return ReasonOf(status) + " " + FactOf(status, kFieldFact).value_or("");
  };
  EXPECT_EQ(refusal([](auto& r) { r.set_payload("[]"); }), "BAD_PAYLOAD payload");
  EXPECT_EQ(refusal([](auto& r) { r.set_payload(R"({"year": "x"})"); }), "BAD_PAYLOAD payload");
  EXPECT_EQ(refusal([](auto& r) { r.set_payload(std::string(70'000, ' ')); }),
            "PAYLOAD_TOO_LARGE payload");
  EXPECT_EQ(refusal([](auto& r) { r.add_ids()->set_number(1); }), "BAD_ID ids[1]");
  EXPECT_EQ(refusal([](auto& r) { r.add_if_versions(1), r.add_if_versions(2); }),
            "BAD_REQUEST if_versions");
  EXPECT_EQ(refusal([](auto& r) { *r.mutable_filter() = IsOf("red"); }), "BAD_REQUEST filter");
  EXPECT_EQ(refusal([](auto& r) { r.set_page_token("x"); }), "BAD_REQUEST page_token");
  EXPECT_EQ(refusal([](auto& r) { r.set_mode(static_cast<v1::PayloadMode>(9)); }),
            "BAD_REQUEST mode");
  EXPECT_EQ(refusal([](auto& r) { r.set_request_id("short"); }), "BAD_REQUEST request_id");
  v1::ClearPayloadRequest clear;
  clear.set_collection("c");
  clear.add_ids()->set_number(1);
  for (int i = 0; i < 101; ++i) clear.add_fields(std::to_string(i));
  EXPECT_EQ(ReasonOf(Call(*points_, &Points::ClearPayload, clear, &changed)),
            reason::kBatchTooLarge);
}

TEST_F(PointsTest, AFilterDeletesPageByPageAndADryRunSaysWhatItWould) {
  Create("c");
  for (uint64_t first = 0; first < 12'000; first += 6'000) Fill("c", first, 6'000, "red");
  Fill("c", 50'000, 100, "blue");
  v1::DeletePointsRequest request;
  request.set_collection("c");
  *request.mutable_filter() = IsOf("red");
  request.set_dry_run(true);
  request.set_sample(3);
  v1::DeletePointsResponse answer;
  ASSERT_TRUE(Call(*points_, &Points::DeletePoints, request, &answer).ok());
  EXPECT_EQ(answer.deleted(), 12'000u);
  EXPECT_EQ(answer.sample_size(), 3);
  EXPECT_EQ(Count("c", IsOf("red")), 12'000u) << "nothing is deleted";

  request.set_dry_run(false);
  request.clear_sample();
  request.set_request_id("0123456789abcdef");
  ASSERT_TRUE(Call(*points_, &Points::DeletePoints, request, &answer).ok());
  EXPECT_EQ(answer.deleted(), 10'000u);
  ASSERT_FALSE(answer.next_page_token().empty());
  const std::string token = answer.next_page_token();
  // The same call again is answered as the first, from what the shards remember.
  ASSERT_TRUE(Call(*points_, &Points::DeletePoints, request, &answer).ok());
  EXPECT_EQ(answer.deleted(), 10'000u);
  EXPECT_EQ(answer.next_page_token(), token);
  EXPECT_EQ(Count("c", IsOf("red")), 2'000u);

  Stop();
  Start();
  request.set_page_token(token);
  ASSERT_TRUE(Call(*points_, &Points::DeletePoints, request, &answer).ok());
  EXPECT_EQ(answer.deleted(), 2'000u);
  EXPECT_EQ(answer.next_page_token(), "");
  EXPECT_EQ(Count("c", IsOf("red")), 0u);
  EXPECT_EQ(Count("c", IsOf("blue")), 100u);

  *request.mutable_filter() = IsOf("blue");
  EXPECT_EQ(ReasonOf(Call(*points_, &Points::DeletePoints, request, &answer)),
            reason::kBadPageToken)
      << "of another filter";
}

TEST_F(PointsTest, AFilterChangesPayloadsWhileOthersWrite) {
  Create("c");
  Fill("c", 0, 3'000, "red");
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (uint64_t i = 0; !stop; ++i) Fill("c", 10'000 + i % 50, 1, "red");
  });
  v1::SetPayloadRequest request;
  request.set_collection("c");
  *request.mutable_filter() = IsOf("red");
  request.set_payload(R"({"color": "green"})");
  v1::ChangePayloadResponse changed;
  uint64_t total = 0;
  do {
    ASSERT_TRUE(Set(request, &changed).ok());
    total += changed.changed();
    request.set_page_token(changed.next_page_token());
  } while (!request.page_token().empty());
  stop = true;
  writer.join();
  EXPECT_GE(total, 3'000u);
  EXPECT_LE(total, 3'050u);
  v1::Filter old = IsOf("red");
  v1::Filter both;
  *both.mutable_all_of()->add_filters() = old;
  v1::HasIdCondition* ids = both.mutable_all_of()->add_filters()->mutable_has_id();
  for (uint64_t id = 0; id < 1'000; ++id) ids->add_ids()->set_number(id * 3);
  EXPECT_EQ(Count("c", both), 0u) << "all that were there at the beginning";
  EXPECT_GE(Count("c", IsOf("green")), 3'000u);
}

TEST_F(PointsTest, AFacetCountsOverAllShards) {
  Create("c");
  Fill("c", 0, 100, "red");
  Fill("c", 200, 30, "blue");
  Fill("c", 300, 30, "amber");
  v1::FacetPointsRequest request;
  request.set_collection("c");
  request.set_field("color");
  request.set_limit(2);
  v1::FacetPointsResponse facet;
  ASSERT_TRUE(Call(*points_, &Points::FacetPoints, request, &facet).ok());
  EXPECT_EQ(facet.distinct(), 3u);
  ASSERT_EQ(facet.values_size(), 2);
  EXPECT_EQ(facet.values(0).value().keyword(), "red");
  EXPECT_EQ(facet.values(0).count(), 100u);
  EXPECT_EQ(facet.values(1).value().keyword(), "amber");
  request.set_field("year");
  request.clear_limit();
  *request.mutable_filter() = IsOf("blue");
  ASSERT_TRUE(Call(*points_, &Points::FacetPoints, request, &facet).ok());
  EXPECT_EQ(facet.values_size(), 10);
  EXPECT_EQ(facet.values(3).value().integer(), 3);
  EXPECT_EQ(facet.values(3).count(), 3u);
  request.set_field("nowhere");
  EXPECT_EQ(ReasonOf(Call(*points_, &Points::FacetPoints, request, &facet)), reason::kBadFilter);
  request.set_field("year");
  request.set_limit(0);
  EXPECT_EQ(ReasonOf(Call(*points_, &Points::FacetPoints, request, &facet)),
            reason::kLimitOutOfRange);
}

TEST_F(PointsTest, AScrollUnderAFilterGivesEachPointThatPassesOnce) {
  Create("c");
  Fill("c", 0, 500, "red");
  Fill("c", 1'000, 40, "blue");
  v1::ScrollPointsRequest request;
  request.set_collection("c");
  request.set_limit(7);
  request.set_with_payload(true);
  *request.mutable_filter() = IsOf("blue");
  std::set<uint64_t> found;
  v1::ScrollPointsResponse page;
  do {
    ASSERT_TRUE(Call(*points_, &Points::ScrollPoints, request, &page).ok());
    for (const v1::StoredPoint& point : page.points()) {
      EXPECT_THAT(point.payload(), HasSubstr("blue"));
      EXPECT_TRUE(found.insert(point.id().number()).second);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(found.size(), 40u);

  ASSERT_TRUE(Call(*points_, &Points::ScrollPoints, request, &page).ok());
  request.set_page_token(page.next_page_token());
  *request.mutable_filter() = IsOf("red");
  EXPECT_EQ(ReasonOf(Call(*points_, &Points::ScrollPoints, request, &page)), reason::kBadPageToken);
}

// 17 levels and 300 conditions are refused wherever a filter may stand.
TEST_F(PointsTest, AFilterThatIsTooDeepOrTooLongIsRefusedEverywhere) {
  Create("c");
  v1::Filter deep = IsOf("red");
  for (int i = 0; i < 16; ++i) {
    v1::Filter outer;
    *outer.mutable_none_of()->add_filters() = deep;
    deep = outer;
  }
  v1::Filter wide;
  for (int i = 0; i < 299; ++i) *wide.mutable_any_of()->add_filters() = IsOf(std::to_string(i));
  v1::Filter mixed;
  mixed.mutable_match()->set_field("year");
  mixed.mutable_match()->mutable_value()->set_keyword("1999");
  v1::Filter unindexed;
  unindexed.mutable_exists()->set_field("size");
  for (const v1::Filter& filter : {deep, wide, mixed, unindexed, v1::Filter()}) {
    v1::SetPayloadRequest set;
    v1::ClearPayloadRequest clear;
    v1::DeletePointsRequest erase;
    v1::FacetPointsRequest facet;
    v1::ScrollPointsRequest scroll;
    const auto fill = [&](auto& request) {
      request.set_collection("c");
      *request.mutable_filter() = filter;
    };
    fill(set), fill(clear), fill(erase), fill(facet), fill(scroll);
    set.set_payload("{}");
    facet.set_field("year");
    v1::ChangePayloadResponse changed;
    v1::DeletePointsResponse erased;
    v1::FacetPointsResponse counted;
    v1::ScrollPointsResponse page;
    EXPECT_EQ(ReasonOf(Set(set, &changed)), reason::kBadFilter);
    EXPECT_EQ(ReasonOf(Call(*points_, &Points::ClearPayload, clear, &changed)), reason::kBadFilter);
    EXPECT_EQ(ReasonOf(Call(*points_, &Points::DeletePoints, erase, &erased)), reason::kBadFilter);
    EXPECT_EQ(ReasonOf(Call(*points_, &Points::FacetPoints, facet, &counted)), reason::kBadFilter);
    EXPECT_EQ(ReasonOf(Call(*points_, &Points::ScrollPoints, scroll, &page)), reason::kBadFilter);
  }
}

}  // namespace
}  // namespace kith::kithd
