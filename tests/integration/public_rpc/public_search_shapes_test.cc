// Ranges, pages, groups and examples over the public API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "common/base/reasons.h"
#include "common/base/search_limits.h"
#include "common/base/status.h"
#include "tests/integration/public_rpc/public_rpc_fixture.h"

namespace kith {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PublicSearchShapes : public PublicRpc {
 protected:
  // Hits of all pages.
  std::vector<uint64_t> AllPages(v1::SearchRequest request) {
    std::vector<uint64_t> numbers;
    for (;;) {
      const auto page = Find(request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return numbers;
      const std::vector<uint64_t> found = NumbersOf(*page);
      numbers.insert(numbers.end(), found.begin(), found.end());
      if (page->next_page_token().empty()) return numbers;
      request.set_page_token(page->next_page_token());
    }
  }
  // `lists` lists under an index version of which a point belongs to one by chance.
  void Train(uint32_t lists) {
    v1::TrainIndexRequest request;
    request.set_collection("c");
    request.mutable_index()->set_lists(lists);
    v1::Operation operation;
    const absl::Status started =
        server_.Call(*server_.collections, &Collections::TrainIndex, request, &operation);
    ASSERT_TRUE(started.ok()) << started;
    v1::GetOperationRequest get;
    get.set_id(operation.id());
    while (operation.state() == v1::Operation::STATE_RUNNING) {
      ASSERT_TRUE(
          server_.Call(*server_.operations, &Operations::GetOperation, get, &operation).ok());
    }
    ASSERT_EQ(operation.state(), v1::Operation::STATE_SUCCEEDED) << operation.error_message();
  }
  static v1::SearchRequest Like(const std::vector<uint64_t>& positive) {
    v1::SearchRequest request;
    request.set_collection("c");
    for (const uint64_t number : positive) {
      request.mutable_examples()->add_positive()->mutable_point()->set_number(number);
    }
    request.mutable_parameters()->set_limit(4);
    return request;
  }
  std::string FieldOfRefusal(const v1::SearchRequest& request) {
    const auto found = Find(request);
    EXPECT_FALSE(found.ok());
    return FactOf(found.status(), kFieldFact).value_or("");
  }
};

TEST_F(PublicSearchShapes, ARangeComesPageByPageToItsEnd) {
  Create();
  FillLine(60);
  v1::SearchRequest request = Near(20);
  request.mutable_parameters()->set_max_distance(100);  // 10 to 30
  std::vector<uint64_t> expected = {20};
  for (uint64_t i = 1; i <= 10; ++i) {
    expected.push_back(20 - i);
    expected.push_back(20 + i);
  }
  EXPECT_EQ(AllPages(request), expected);
  request.mutable_parameters()->set_explain(true);
  const auto first = Find(request);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->completeness(), v1::COMPLETENESS_EXACT);
  EXPECT_EQ(first->explanation().points_within(), 21u);
  EXPECT_EQ(first->explanation().range_rounds(), 1u);
}

TEST_F(PublicSearchShapes, ThroughTheIndexListsAreAddedUntilTheRangeIsThere) {
  Create();
  FillLine(2000);
  Train(16);
  v1::SearchRequest request = Near(1000);
  request.mutable_parameters()->set_max_distance(90'000);  // 700 to 1,300
  request.mutable_parameters()->set_target_recall(0.9);
  request.mutable_parameters()->set_explain(true);
  const auto first = Find(request);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->completeness(), v1::COMPLETENESS_TARGET_RECALL);
  EXPECT_GT(first->explanation().range_rounds(), 1u);
  EXPECT_EQ(first->explanation().nprobe(), 16u)
      << "here each list has as many as another: it takes all of them";
  std::vector<uint64_t> all = AllPages(request);
  EXPECT_EQ(all.size(), 601u);

  // What is named is what is done, and the answer says that there may be more.
  request.mutable_parameters()->clear_target_recall();
  request.mutable_parameters()->set_nprobe(4);
  const auto named = Find(request);
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_EQ(named->completeness(), v1::COMPLETENESS_DEPTH);
  EXPECT_LT(AllPages(request).size(), 400u);
}

TEST_F(PublicSearchShapes, PagesGoOnUnderTheVersionThatTheyBeganWith) {
  Create();
  FillLine(2000);
  Train(16);
  v1::SearchRequest request = Near(1000);
  request.mutable_parameters()->set_nprobe(4);
  const auto first = Find(request);
  ASSERT_TRUE(first.ok()) << first.status();
  const std::vector<uint64_t> before = AllPages(request);
  Train(8);
  request.set_page_token(first->next_page_token());
  const auto second = Find(request);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->index_version(), first->index_version());
  EXPECT_TRUE(
      std::equal(second->hits().begin(), second->hits().end(), before.begin() + 3,
                 [](const v1::Hit& hit, uint64_t number) { return hit.id().number() == number; }));
  Train(4);
  Train(2);
  const auto late = Find(request);
  EXPECT_EQ(ReasonOf(late.status()), reason::kBadPageToken);
  EXPECT_THAT(std::string(late.status().message()), HasSubstr("not held any more"));
}

TEST_F(PublicSearchShapes, ExamplesAreAskedForAndNotFound) {
  Create();
  FillLine(60);
  const auto between = Find(Like({20, 30}));
  ASSERT_TRUE(between.ok()) << between.status();
  EXPECT_THAT(NumbersOf(*between), ElementsAre(25, 24, 26, 23));
  v1::SearchRequest away = Like({20, 30});
  away.mutable_examples()->add_negative()->mutable_vector()->add_values(24);
  away.mutable_examples()->mutable_negative(0)->mutable_vector()->add_values(0);
  EXPECT_THAT(NumbersOf(*Find(away)), ElementsAre(26, 25, 27, 24));
  v1::SearchRequest best = Like({20, 40});
  best.mutable_examples()->set_strategy(v1::Examples::STRATEGY_BEST_SCORE);
  best.mutable_parameters()->set_with_payload(true);
  EXPECT_THAT(NumbersOf(*Find(best)), ElementsAre(19, 21, 39, 41));
  best.mutable_examples()->add_negative()->mutable_point()->set_number(38);
  const auto without = Find(best);
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_THAT(NumbersOf(*without), ElementsAre(19, 21, 39, 41)) << "39 is as near to both";
  best.mutable_examples()->add_negative()->mutable_vector()->add_values(39.5f);
  best.mutable_examples()->mutable_negative(1)->mutable_vector()->add_values(0);
  EXPECT_THAT(NumbersOf(*Find(best)), ElementsAre(19, 21, 41, 18));
}

TEST_F(PublicSearchShapes, WhatIsWrongWithExamplesGroupsAndPagesIsNamed) {
  Create();
  FillLine(20);
  v1::SearchRequest request = Like({1, 77, 78});
  EXPECT_EQ(FieldOfRefusal(request), "examples.positive[1]");
  EXPECT_EQ(FactOf(Find(request).status(), "missing"), "77, 78");
  request.mutable_examples()->add_positive();
  EXPECT_EQ(FieldOfRefusal(request), "examples.positive[3]");
  request = Like({1});
  request.mutable_examples()->set_strategy(static_cast<v1::Examples::Strategy>(7));
  EXPECT_EQ(FieldOfRefusal(request), "examples.strategy");
  std::vector<uint64_t> many(limits::kExamplesMax + 1);
  std::iota(many.begin(), many.end(), 0);
  EXPECT_EQ(FieldOfRefusal(Like(many)), "examples.positive");
  EXPECT_EQ(FieldOfRefusal(Like({})), "vector") << "no examples are no query";
  request = Like({});
  request.mutable_examples()->add_negative()->mutable_point()->set_number(1);
  EXPECT_EQ(FieldOfRefusal(request), "examples.positive");
  request = Near(1);
  request.mutable_group_by()->set_field("color");
  EXPECT_EQ(FieldOfRefusal(request), "group_by.field") << "nothing is indexed here";
  request = Near(1);
  request.set_page_depth(2);
  EXPECT_EQ(FieldOfRefusal(request), "page_depth");
  request.set_page_depth(limits::kPageDepthMax + 1);
  EXPECT_EQ(FieldOfRefusal(request), "page_depth");
  request.clear_page_depth();
  request.set_page_token(std::string(limits::kPageTokenBytesMax + 1, 'A'));
  EXPECT_EQ(FieldOfRefusal(request), "page_token");
}

TEST_F(PublicSearchShapes, GroupsComeWithTheirValueAndTheirHits) {
  v1::CreateCollectionRequest create;
  create.set_collection("c");
  create.set_dimension(2);
  create.set_metric(v1::METRIC_L2);
  create.set_element_type(v1::ELEMENT_TYPE_F32);
  create.set_shards(2);
  v1::PayloadField* const field = create.add_payload_fields();
  field->set_name("year");
  field->set_type(v1::FIELD_TYPE_INTEGER);
  v1::Collection made;
  ASSERT_TRUE(
      server_.Call(*server_.collections, &Collections::CreateCollection, create, &made).ok());
  v1::UpsertRequest request;
  request.set_collection("c");
  for (uint64_t n = 0; n < 40; ++n) {
    v1::Point* const point = request.add_points();
    point->mutable_id()->set_number(n);
    point->mutable_vector()->add_values(static_cast<float>(n));
    point->mutable_vector()->add_values(0);
    point->set_payload(n < 30 ? R"({"year": 1999})" : R"({"year": 2001})");
  }
  v1::UpsertResponse written;
  ASSERT_TRUE(Upsert(request, &written).ok());
  v1::SearchRequest search = Near(0);
  search.mutable_parameters()->set_limit(2);
  search.mutable_parameters()->set_with_payload(true);
  search.mutable_group_by()->set_field("year");
  search.mutable_group_by()->set_group_size(2);
  const auto found = Find(search);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->hits_size(), 0);
  ASSERT_EQ(found->groups_size(), 2);
  EXPECT_EQ(found->groups(0).value().integer(), 1999);
  ASSERT_EQ(found->groups(1).hits_size(), 2);
  EXPECT_EQ(found->groups(1).hits(1).id().number(), 31u);
  EXPECT_EQ(found->groups(1).hits(1).payload(), R"({"year": 2001})");
  EXPECT_TRUE(found->groups_complete());
  EXPECT_EQ(found->next_page_token(), "");
}

}  // namespace
}  // namespace kith
