#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <thread>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/vector/half.h"
#include "tests/integration/public_rpc/public_server.h"

namespace kith {
namespace {

using Collections = v1::Collections::Stub;
using Operations = v1::Operations::Stub;
using Points = v1::Points::Stub;
using Search = v1::Search::Stub;
using ::testing::ElementsAre;

const std::string kUuid = "0123456789abcdef";

class PublicRpc : public ::testing::Test {
 protected:
  void Create(v1::ElementType type = v1::ELEMENT_TYPE_F32, v1::Metric metric = v1::METRIC_L2) {
    v1::CreateCollectionRequest request;
    request.set_collection("c");
    request.set_dimension(2);
    request.set_metric(metric);
    request.set_element_type(type);
    request.set_shards(2);
    v1::Collection made;
    const absl::Status status =
        server_.Call(*server_.collections, &Collections::CreateCollection, request, &made);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(made.shards(), 2u);
    EXPECT_EQ(made.element_type(), type);
    EXPECT_EQ(made.metric(), metric);
  }
  // Points 0 to count - 1 at (n, 0).
  v1::UpsertRequest Line(uint64_t count) {
    v1::UpsertRequest request;
    request.set_collection("c");
    std::string* const vectors = request.mutable_columns()->mutable_vectors();
    for (uint64_t n = 0; n < count; ++n) {
      request.mutable_columns()->add_numbers(n);
      const float vector[2] = {static_cast<float>(n), 0};
      vectors->append(reinterpret_cast<const char*>(vector), sizeof(vector));
    }
    return request;
  }
  absl::Status Upsert(const v1::UpsertRequest& request, v1::UpsertResponse* response) {
    return server_.Call(*server_.points, &Points::Upsert, request, response);
  }
  void FillLine(uint64_t count) {
    v1::UpsertResponse response;
    const absl::Status status = Upsert(Line(count), &response);
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_EQ(response.written(), count);
    ASSERT_EQ(response.statuses_size(), 0);
  }
  static v1::SearchRequest Near(float x) {
    v1::SearchRequest request;
    request.set_collection("c");
    request.mutable_vector()->add_values(x);
    request.mutable_vector()->add_values(0);
    request.mutable_parameters()->set_limit(3);
    return request;
  }
  absl::StatusOr<v1::SearchResponse> Find(const v1::SearchRequest& request) {
    v1::SearchResponse response;
    KITH_RETURN_IF_ERROR(server_.Call(*server_.search, &Search::Search, request, &response));
    return response;
  }
  static std::vector<uint64_t> NumbersOf(const v1::SearchResponse& response) {
    std::vector<uint64_t> numbers;
    for (const v1::Hit& hit : response.hits()) numbers.push_back(hit.id().number());
    return numbers;
  }

  testing::PublicServer server_{2};
};

TEST_F(PublicRpc, WritesFindsGetsCountsAndDeletes) {
  Create();
  FillLine(50);
  v1::UpsertRequest one;
  one.set_collection("c");
  v1::Point* const point = one.add_points();
  point->mutable_id()->set_uuid(kUuid);
  point->mutable_vector()->add_values(20.25f);
  point->mutable_vector()->add_values(0);
  point->set_payload("twenty and a quarter");
  v1::UpsertResponse written;
  ASSERT_TRUE(Upsert(one, &written).ok());
  ASSERT_EQ(written.tokens_size(), 1);

  v1::SearchRequest near = Near(20.1f);
  near.mutable_parameters()->set_with_payload(true);
  near.mutable_parameters()->set_with_vector(true);
  near.mutable_parameters()->set_explain(true);
  *near.mutable_parameters()->add_tokens() = written.tokens(0);
  const auto found = Find(near);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->hits_size(), 3);
  EXPECT_EQ(found->hits(0).id().number(), 20u);
  EXPECT_EQ(found->hits(0).payload(), "");
  EXPECT_EQ(found->hits(0).vector().data().size(), 8u);
  EXPECT_EQ(found->hits(1).id().uuid(), kUuid);
  EXPECT_EQ(found->hits(1).payload(), "twenty and a quarter");
  EXPECT_NEAR(found->hits(1).score(), 0.15 * 0.15, 1e-4);
  EXPECT_EQ(found->hits(2).id().number(), 21u);
  EXPECT_EQ(found->score_kind(), v1::SCORE_KIND_EXACT);
  EXPECT_EQ(found->coverage().ratio(), 1);
  EXPECT_EQ(found->coverage().points_total(), 51u);
  EXPECT_EQ(found->index_version(), "");
  EXPECT_EQ(found->explanation().strategy(), "flat");
  EXPECT_EQ(found->explanation().shards_size(), 2);

  v1::GetPointsRequest get;
  get.set_collection("c");
  get.add_ids()->set_uuid(kUuid);
  get.add_ids()->set_number(99);
  get.add_ids()->set_number(7);
  get.set_with_payload(true);
  get.set_with_vector(true);
  v1::GetPointsResponse got;
  ASSERT_TRUE(server_.Call(*server_.points, &Points::GetPoints, get, &got).ok());
  ASSERT_EQ(got.points_size(), 2);
  EXPECT_EQ(got.points(0).payload(), "twenty and a quarter");
  EXPECT_EQ(got.points(1).id().number(), 7u);
  ASSERT_EQ(got.missing_size(), 1);
  EXPECT_EQ(got.missing(0).number(), 99u);

  v1::DeletePointsRequest erase;
  erase.set_collection("c");
  erase.add_ids()->set_number(7);
  erase.add_ids()->set_number(99);
  v1::DeletePointsResponse erased;
  ASSERT_TRUE(server_.Call(*server_.points, &Points::DeletePoints, erase, &erased).ok());
  EXPECT_EQ(erased.deleted(), 1u);
  v1::CountPointsRequest count;
  count.set_collection("c");
  v1::CountPointsResponse counted;
  ASSERT_TRUE(server_.Call(*server_.points, &Points::CountPoints, count, &counted).ok());
  EXPECT_EQ(counted.count(), 50u);
}

TEST_F(PublicRpc, SearchesByAStoredPointWithoutFindingItself) {
  Create();
  FillLine(20);
  v1::SearchRequest request;
  request.set_collection("c");
  request.mutable_point()->set_number(10);
  request.mutable_parameters()->set_limit(4);
  const auto found = Find(request);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(NumbersOf(*found), ElementsAre(9, 11, 8, 12));
  request.mutable_point()->set_number(1000);
  EXPECT_EQ(ReasonOf(Find(request).status()), reason::kPointNotFound);
  request.mutable_point()->set_uuid("short");
  EXPECT_EQ(ReasonOf(Find(request).status()), reason::kBadId);
  request.clear_query();
  EXPECT_EQ(ReasonOf(Find(request).status()), reason::kBadVector);
}

TEST_F(PublicRpc, AnswersABatchInFlatForm) {
  Create();
  FillLine(20);
  v1::SearchBatchRequest request;
  request.set_collection("c");
  request.set_count(2);
  for (const float value : {3.0f, 0.0f, 15.0f, 0.0f}) request.add_query_values(value);
  request.mutable_parameters()->set_limit(2);
  v1::SearchBatchResponse found;
  ASSERT_TRUE(server_.Call(*server_.search, &Search::SearchBatch, request, &found).ok());
  EXPECT_THAT(found.counts(), ElementsAre(2, 2));
  EXPECT_THAT(found.numbers(), ElementsAre(3, 2, 15, 14));
  EXPECT_THAT(found.scores(), ElementsAre(0, 1, 0, 1));
  EXPECT_EQ(found.ids_size(), 0);
  EXPECT_EQ(found.versions_size(), 4);

  v1::UpsertRequest one;
  one.set_collection("c");
  one.add_points()->mutable_id()->set_uuid(kUuid);
  one.mutable_points(0)->mutable_vector()->add_values(15.5f);
  one.mutable_points(0)->mutable_vector()->add_values(0);
  v1::UpsertResponse written;
  ASSERT_TRUE(Upsert(one, &written).ok());
  found.Clear();
  ASSERT_TRUE(server_.Call(*server_.search, &Search::SearchBatch, request, &found).ok());
  EXPECT_EQ(found.numbers_size(), 0);
  ASSERT_EQ(found.ids_size(), 4);
  EXPECT_EQ(found.ids(0).number(), 3u);
  EXPECT_EQ(found.ids(3).uuid(), kUuid);
}

TEST_F(PublicRpc, RefusesASearchWithoutADeadline) {
  Create();
  grpc::ClientContext context;
  v1::SearchResponse response;
  const absl::Status status =
      rpc::StatusFromGrpc(server_.search->Search(&context, Near(1), &response));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), reason::kDeadlineRequired);
  v1::SearchResponse late;
  EXPECT_EQ(ReasonOf(server_.Call(*server_.search, &Search::Search, Near(1), &late,
                                  std::chrono::seconds(90))),
            reason::kDeadlineRequired);
  EXPECT_TRUE(
      server_
          .Call(*server_.search, &Search::Search, Near(1), &late, std::chrono::milliseconds(60'000))
          .ok());
}

TEST_F(PublicRpc, NamesTheFieldAndReasonOfBadInput) {
  Create();
  const auto refusal = [&](auto spoil) {
    v1::SearchRequest request = Near(1);
    spoil(request);
    const absl::Status status = Find(request).status();
    return ReasonOf(status) + " " + FactOf(status, kFieldFact).value_or("-");
  };
  EXPECT_EQ(refusal([](auto& r) { r.mutable_parameters()->set_limit(0); }),
            "LIMIT_OUT_OF_RANGE parameters.limit");
  EXPECT_EQ(refusal([](auto& r) { r.mutable_vector()->add_values(1); }),
            "DIMENSION_MISMATCH vector");
  EXPECT_EQ(refusal([](auto& r) { r.mutable_vector()->set_values(1, std::nanf("")); }),
            "NON_FINITE_VECTOR vector");
  EXPECT_EQ(refusal([](auto& r) { r.set_collection("d"); }), "COLLECTION_NOT_FOUND -");
  EXPECT_EQ(refusal([](auto& r) { r.mutable_parameters()->add_tokens()->set_shard(99); }),
            "BAD_REQUEST parameters.tokens[0].shard");
  v1::UpsertRequest odd = Line(1);
  odd.set_mode(static_cast<v1::WriteMode>(7));
  v1::UpsertResponse response;
  EXPECT_EQ(FactOf(Upsert(odd, &response), kFieldFact), "mode");
  v1::GetPointsRequest get;
  get.set_collection("c");
  get.add_ids()->set_number(1);
  get.add_ids();
  v1::GetPointsResponse got;
  const absl::Status bad_id = server_.Call(*server_.points, &Points::GetPoints, get, &got);
  EXPECT_EQ(FactOf(bad_id, kFieldFact), "ids[1]");
}

TEST_F(PublicRpc, AnswersAnUpsertPerPoint) {
  Create();
  FillLine(3);
  v1::UpsertRequest request;
  request.set_collection("c");
  request.set_mode(v1::WRITE_MODE_INSERT_ONLY);
  for (const uint64_t n : {2, 3, 4}) {
    v1::Point* const point = request.add_points();
    point->mutable_id()->set_number(n);
    point->mutable_vector()->add_values(1);
    if (n != 4) point->mutable_vector()->add_values(1);
  }
  v1::UpsertResponse response;
  ASSERT_TRUE(Upsert(request, &response).ok());
  EXPECT_EQ(response.written(), 1u);
  ASSERT_EQ(response.statuses_size(), 3);
  const absl::Status exists = rpc::StatusFromProto(response.statuses(0));
  EXPECT_EQ(exists.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(exists), reason::kPointExists);
  EXPECT_EQ(response.statuses(1).code(), 0);
  const absl::Status short_one = rpc::StatusFromProto(response.statuses(2));
  EXPECT_EQ(ReasonOf(short_one), reason::kDimensionMismatch);
  EXPECT_EQ(FactOf(short_one, kFieldFact), "points[2].vector");
}

TEST_F(PublicRpc, AnswersARepeatAlikeAndRefusesItWithAnotherBody) {
  Create();
  v1::UpsertRequest request = Line(1);
  request.set_request_id(std::string(16, 'r'));
  v1::UpsertResponse first;
  ASSERT_TRUE(Upsert(request, &first).ok());
  v1::UpsertResponse again;
  ASSERT_TRUE(Upsert(request, &again).ok());
  EXPECT_EQ(again.tokens(0).lsn(), first.tokens(0).lsn());
  request.mutable_columns()->mutable_vectors()->at(3) ^= 1;
  v1::UpsertResponse other;
  const absl::Status status = Upsert(request, &other);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), reason::kRequestIdReused);
}

TEST_F(PublicRpc, TakesEveryElementTypeInBothForms) {
  for (const v1::ElementType type : {v1::ELEMENT_TYPE_F16, v1::ELEMENT_TYPE_U8}) {
    Create(type);
    v1::UpsertRequest request;
    request.set_collection("c");
    for (const uint64_t n : {1, 2}) {
      v1::Point* const point = request.add_points();
      point->mutable_id()->set_number(n);
      if (n == 1) {
        point->mutable_vector()->add_values(7);
        point->mutable_vector()->add_values(9);
        continue;
      }
      const uint16_t halves[2] = {FloatToHalf(7), FloatToHalf(9)};
      point->mutable_vector()->set_data(
          type == v1::ELEMENT_TYPE_U8
              ? std::string("\x07\x09")
              : std::string(reinterpret_cast<const char*>(halves), sizeof(halves)));
    }
    v1::UpsertResponse written;
    ASSERT_TRUE(Upsert(request, &written).ok());
    ASSERT_EQ(written.written(), 2u);
    v1::SearchRequest near;
    near.set_collection("c");
    near.mutable_vector()->add_values(7);
    near.mutable_vector()->add_values(9);
    near.mutable_parameters()->set_with_vector(true);
    const auto found = Find(near);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_THAT(NumbersOf(*found), ElementsAre(1, 2));
    EXPECT_EQ(found->hits(0).score(), 0);
    EXPECT_EQ(found->hits(0).vector().data(), found->hits(1).vector().data());
    v1::DeleteCollectionRequest drop;
    drop.set_collection("c");
    v1::DeleteCollectionResponse dropped;
    ASSERT_TRUE(
        server_.Call(*server_.collections, &Collections::DeleteCollection, drop, &dropped).ok());
  }
}

TEST_F(PublicRpc, SaysHowMuchIsMissingWhereANodeIsDown) {
  Create();
  FillLine(100);
  const auto whole = Find(Near(5));
  ASSERT_TRUE(whole.ok()) << whole.status();
  server_.cluster.node(1).SetDown(true);
  const absl::Status status = Find(Near(5)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), reason::kCoverageBelowMinimum);
  ASSERT_TRUE(FactOf(status, "coverage").has_value());
  v1::SearchRequest lenient = Near(5);
  lenient.mutable_parameters()->set_min_coverage(0.1);
  const auto part = Find(lenient);
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_LT(part->coverage().ratio(), 1);
  EXPECT_GT(part->coverage().ratio(), 0.1);
  EXPECT_EQ(part->coverage().shards_ok(), 1u);
  EXPECT_EQ(part->coverage().failed_size(), 1);
  EXPECT_EQ(part->degraded_size(), 1);
}

TEST_F(PublicRpc, DescribesCollectionsAndRefusesASecondOfTheName) {
  Create(v1::ELEMENT_TYPE_F16, v1::METRIC_COSINE);
  v1::ListCollectionsResponse list;
  ASSERT_TRUE(server_
                  .Call(*server_.collections, &Collections::ListCollections,
                        v1::ListCollectionsRequest(), &list)
                  .ok());
  ASSERT_EQ(list.collections_size(), 1);
  EXPECT_EQ(list.collections(0).metric(), v1::METRIC_COSINE);
  v1::GetCollectionRequest get;
  get.set_collection("c");
  v1::Collection got;
  ASSERT_TRUE(server_.Call(*server_.collections, &Collections::GetCollection, get, &got).ok());
  EXPECT_EQ(got.incarnation().size(), 36u);
  EXPECT_EQ(got.dimension(), 2u);
  v1::CreateCollectionRequest again;
  again.set_collection("c");
  again.set_dimension(2);
  again.set_metric(v1::METRIC_L2);
  again.set_element_type(v1::ELEMENT_TYPE_F32);
  EXPECT_EQ(
      ReasonOf(server_.Call(*server_.collections, &Collections::CreateCollection, again, &got)),
      reason::kCollectionExists);
  again.set_collection("d");
  again.clear_metric();
  const absl::Status no_metric =
      server_.Call(*server_.collections, &Collections::CreateCollection, again, &got);
  EXPECT_EQ(FactOf(no_metric, kFieldFact), "metric");
  v1::PlanCollectionRequest plan;
  plan.set_dimension(96);
  plan.set_element_type(v1::ELEMENT_TYPE_F32);
  plan.set_metric(v1::METRIC_L2);
  plan.set_points(1'000'000);
  v1::PlanCollectionResponse planned;
  ASSERT_TRUE(
      server_.Call(*server_.collections, &Collections::PlanCollection, plan, &planned).ok());
  EXPECT_GT(planned.lists(), 0u);
  EXPECT_GT(planned.steady().codes(), 0u);
  EXPECT_GE(planned.retrain_peak_bytes(), planned.steady_bytes());
}

TEST_F(PublicRpc, StartsTrainingAndFollowsTheOperation) {
  Create();
  v1::TrainIndexRequest train;
  train.set_collection("c");
  v1::Operation operation;
  EXPECT_EQ(
      ReasonOf(server_.Call(*server_.collections, &Collections::TrainIndex, train, &operation)),
      reason::kTooFewPoints);
  FillLine(5000);
  train.mutable_index()->set_lists(16);
  train.mutable_index()->set_subspaces(1);
  const absl::Status started =
      server_.Call(*server_.collections, &Collections::TrainIndex, train, &operation);
  ASSERT_TRUE(started.ok()) << started;
  v1::GetOperationRequest get;
  get.set_id(operation.id());
  for (int i = 0; i < 1000 && operation.state() == v1::Operation::STATE_RUNNING; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(server_.Call(*server_.operations, &Operations::GetOperation, get, &operation).ok());
  }
  ASSERT_EQ(operation.state(), v1::Operation::STATE_SUCCEEDED) << operation.DebugString();
  v1::SearchRequest near = Near(5);
  near.mutable_parameters()->set_explain(true);
  near.mutable_parameters()->set_nprobe(16);
  const auto found = Find(near);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->index_version(), operation.result());
  EXPECT_EQ(found->explanation().strategy(), "ivf");
  EXPECT_EQ(found->explanation().nprobe(), 16u);
  EXPECT_THAT(NumbersOf(*found), ElementsAre(5, 4, 6));
  v1::ListOperationsResponse list;
  ASSERT_TRUE(server_
                  .Call(*server_.operations, &Operations::ListOperations,
                        v1::ListOperationsRequest(), &list)
                  .ok());
  ASSERT_EQ(list.operations_size(), 1);
  EXPECT_EQ(list.operations(0).kind(), "train");
  get.set_id("nope");
  EXPECT_EQ(
      ReasonOf(server_.Call(*server_.operations, &Operations::CancelOperation, get, &operation)),
      reason::kOperationNotFound);
}

}  // namespace
}  // namespace kith
