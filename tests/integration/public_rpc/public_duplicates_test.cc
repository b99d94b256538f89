// FindDuplicates over the public API.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/integration/public_rpc/public_rpc_fixture.h"

namespace kith {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PublicDuplicates : public PublicRpc {
 protected:
  static v1::FindDuplicatesRequest Within(double distance) {
    v1::FindDuplicatesRequest request;
    request.set_collection("c");
    request.set_max_distance(distance);
    return request;
  }
  absl::StatusOr<v1::Operation> Start(const v1::FindDuplicatesRequest& request) {
    v1::Operation operation;
    KITH_RETURN_IF_ERROR(
        server_.Call(*server_.search, &Search::FindDuplicates, request, &operation));
    return operation;
  }
  v1::Operation Ended(v1::Operation operation) {
    v1::GetOperationRequest get;
    get.set_id(operation.id());
    while (operation.state() == v1::Operation::STATE_RUNNING) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      EXPECT_TRUE(
          server_.Call(*server_.operations, &Operations::GetOperation, get, &operation).ok());
    }
    return operation;
  }
  absl::StatusOr<v1::ListDuplicatesResponse> List(const std::string& operation, uint32_t limit,
                                                  const std::string& page_token = "") {
    v1::ListDuplicatesRequest request;
    request.set_operation(operation);
    request.set_limit(limit);
    request.set_page_token(page_token);
    v1::ListDuplicatesResponse response;
    KITH_RETURN_IF_ERROR(
        server_.Call(*server_.search, &Search::ListDuplicates, request, &response));
    return response;
  }
  // Points at 0, 10, 20 ...; each third one has a copy at 0.5 beside it, the first one two.
  void FillWithCopies() {
    v1::UpsertRequest request;
    request.set_collection("c");
    const auto add = [&](uint64_t number, float x) {
      v1::Point* const point = request.add_points();
      point->mutable_id()->set_number(number);
      point->mutable_vector()->add_values(x);
      point->mutable_vector()->add_values(0);
    };
    for (uint64_t n = 0; n < 90; ++n) {
      const auto x = static_cast<float>(10 * n);
      add(n, x);
      if (n % 3 == 0) add(1000 + n, x + 0.5f);
    }
    add(2000, 1.0f);
    v1::UpsertResponse written;
    ASSERT_TRUE(Upsert(request, &written).ok());
  }
  static std::vector<uint64_t> NumbersOfCluster(const v1::DuplicateCluster& cluster) {
    std::vector<uint64_t> numbers;
    for (const v1::PointId& id : cluster.ids()) numbers.push_back(id.number());
    return numbers;
  }
};

TEST_F(PublicDuplicates, ClustersComePageByPageTheLargestFirst) {
  Create();
  FillWithCopies();
  const auto started = Start(Within(0.3));
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_EQ(started->kind(), "find_duplicates");
  const v1::Operation ended = Ended(*started);
  ASSERT_EQ(ended.state(), v1::Operation::STATE_SUCCEEDED) << ended.error_message();
  EXPECT_EQ(ended.duplicates().clusters(), 30u);
  EXPECT_EQ(ended.duplicates().points(), 61u);
  EXPECT_EQ(ended.duplicates().points_compared(), 121u);
  EXPECT_EQ(ended.duplicates().points_crowded(), 0u);
  EXPECT_FALSE(ended.duplicates().truncated());
  std::vector<std::vector<uint64_t>> clusters;
  std::string token;
  int pages = 0;
  do {
    const auto page = List(ended.id(), 7, token);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const auto& cluster : page->clusters()) {
      clusters.push_back(NumbersOfCluster(cluster));
      EXPECT_EQ(cluster.nearest_score(), 0.25f);
    }
    token = page->next_page_token();
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(pages, 5);
  ASSERT_EQ(clusters.size(), 30u);
  EXPECT_THAT(clusters[0], ElementsAre(0, 1000, 2000)) << "through 1000, which is near to both";
  EXPECT_THAT(clusters[1], ElementsAre(3, 1003));
  EXPECT_THAT(clusters[29], ElementsAre(87, 1087));
}

TEST_F(PublicDuplicates, UnderAnAliasTheyAreThoseOfTheCollectionThatItNamedWhenTheyWereAskedFor) {
  Create();
  FillWithCopies();
  v1::SetAliasRequest alias;
  alias.set_alias("current");
  alias.set_collection("c");
  v1::ListAliasesResponse aliases;
  ASSERT_TRUE(server_.Call(*server_.collections, &Collections::SetAlias, alias, &aliases).ok());
  v1::FindDuplicatesRequest request = Within(0.3);
  request.set_collection("current");
  const auto started = Start(request);
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_EQ(started->collection(), "c");
  const v1::Operation ended = Ended(*started);
  EXPECT_EQ(ended.state(), v1::Operation::STATE_SUCCEEDED) << ended.error_message();
  EXPECT_EQ(ended.duplicates().clusters(), 30u);
  EXPECT_EQ(List(ended.id(), 10)->clusters_size(), 10);
}

TEST_F(PublicDuplicates, WhereThereAreNoneTheListIsEmpty) {
  Create();
  FillLine(30);
  const v1::Operation ended = Ended(*Start(Within(0.5)));
  EXPECT_EQ(ended.state(), v1::Operation::STATE_SUCCEEDED);
  EXPECT_EQ(ended.duplicates().clusters(), 0u);
  EXPECT_EQ(List(ended.id(), 10)->clusters_size(), 0);
}

TEST_F(PublicDuplicates, APointWithMoreNeighboursThanAreLinkedIsCounted) {
  Create();
  v1::UpsertRequest request;
  request.set_collection("c");
  for (uint64_t n = 0; n < 200; ++n) {
    v1::Point* const point = request.add_points();
    point->mutable_id()->set_number(n);
    point->mutable_vector()->add_values(7);
    point->mutable_vector()->add_values(7);
  }
  v1::UpsertResponse written;
  ASSERT_TRUE(Upsert(request, &written).ok());
  const v1::Operation ended = Ended(*Start(Within(0)));
  EXPECT_EQ(ended.duplicates().points_crowded(), 200u);
  EXPECT_EQ(ended.duplicates().clusters(), 1u);
  EXPECT_EQ(ended.duplicates().points(), 200u);
}

TEST_F(PublicDuplicates, OneAtATimeIsLookedForAndCanBeCancelled) {
  Create();
  FillLine(2000);
  for (size_t i = 0; i < 2; ++i) {
    server_.cluster.node(i).SetDelay(std::chrono::milliseconds(20));
  }
  const auto started = Start(Within(4));
  ASSERT_TRUE(started.ok()) << started.status();
  const auto second = Start(Within(4));
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(second.status()), reason::kOperationInProgress);
  EXPECT_EQ(FactOf(second.status(), "operation"), started->id());
  EXPECT_EQ(ReasonOf(List(started->id(), 10).status()), reason::kOperationNotFound);
  v1::GetOperationRequest cancel;
  cancel.set_id(started->id());
  v1::Operation operation;
  ASSERT_TRUE(
      server_.Call(*server_.operations, &Operations::CancelOperation, cancel, &operation).ok());
  operation = Ended(operation);
  EXPECT_EQ(operation.state(), v1::Operation::STATE_CANCELLED);
  EXPECT_LT(operation.progress(), 1);
  for (size_t i = 0; i < 2; ++i) server_.cluster.node(i).SetDelay(std::chrono::milliseconds(0));
  EXPECT_TRUE(Start(Within(4)).ok());
}

TEST_F(PublicDuplicates, AShardThatIsAwayForAMomentIsAskedAgain) {
  Create();
  FillWithCopies();
  for (const char* method : {"Search", "Scroll"}) {
    server_.cluster.node(1).Fail(
        method, Error(absl::StatusCode::kUnavailable, reason::kNotReady, "not now"), 1);
  }
  EXPECT_EQ(Ended(*Start(Within(0.3))).duplicates().clusters(), 30u);
  server_.cluster.node(1).Fail("Scroll",
                               Error(absl::StatusCode::kDataLoss, reason::kCorruption, "broken"));
  const v1::Operation failed = Ended(*Start(Within(0.3)));
  EXPECT_EQ(failed.state(), v1::Operation::STATE_FAILED);
  EXPECT_EQ(failed.error_reason(), reason::kCorruption);
}

TEST_F(PublicDuplicates, WhatIsWrongIsNamed) {
  Create();
  FillWithCopies();
  const auto field_of = [&](const v1::FindDuplicatesRequest& request) {
    return FactOf(Start(request).status(), kFieldFact).value_or("");
  };
  v1::FindDuplicatesRequest request;
  request.set_collection("c");
  EXPECT_EQ(field_of(request), "max_distance");
  EXPECT_EQ(field_of(Within(-1)), "max_distance");
  EXPECT_EQ(field_of(Within(std::nan(""))), "max_distance");
  request = Within(1);
  request.set_min_score(0.5);
  EXPECT_EQ(field_of(request), "max_distance");
  request.clear_max_distance();
  EXPECT_EQ(field_of(request), "min_score") << "these scores are distances";
  request = Within(1);
  request.set_target_recall(1.5);
  EXPECT_EQ(field_of(request), "target_recall");
  request.set_exact(true);
  EXPECT_EQ(field_of(request), "target_recall");
  request = Within(1);
  request.set_collection("d");
  EXPECT_EQ(ReasonOf(Start(request).status()), reason::kCollectionNotFound);

  const std::string one = Ended(*Start(Within(0.3))).id();
  const std::string other = Ended(*Start(Within(0.3))).id();
  EXPECT_EQ(ReasonOf(List("nothing", 10).status()), reason::kOperationNotFound);
  EXPECT_EQ(ReasonOf(List(one, 0).status()), reason::kLimitOutOfRange);
  EXPECT_EQ(ReasonOf(List(one, 1001).status()), reason::kLimitOutOfRange);
  const std::string token = List(one, 10)->next_page_token();
  EXPECT_EQ(ReasonOf(List(other, 10, token).status()), reason::kBadPageToken);
  EXPECT_EQ(ReasonOf(List(one, 10, "x" + token).status()), reason::kBadPageToken);
  for (int i = 0; i < 3; ++i) Ended(*Start(Within(0.3)));
  const auto gone = List(one, 10);
  EXPECT_EQ(ReasonOf(gone.status()), reason::kOperationNotFound);
  EXPECT_THAT(std::string(gone.status().message()), HasSubstr("newest results"));
  EXPECT_TRUE(List(other, 10).ok());
}

}  // namespace
}  // namespace kith
