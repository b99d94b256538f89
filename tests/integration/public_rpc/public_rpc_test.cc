#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/vector/half.h"
#include "tests/integration/public_rpc/public_rpc_fixture.h"

namespace kith {
namespace {

using ::testing::ElementsAre;

TEST_F(PublicRpc, WritesFindsGetsCountsAndDeletes) {
  Create();
  FillLine(50);
  v1::UpsertResponse written;
  ASSERT_TRUE(UpsertUuid(20.25f, "twenty and a quarter", &written).ok());
  ASSERT_EQ(written.tokens_size(), 1);
  ASSERT_EQ(written.versions_size(), 1);
  EXPECT_GT(written.versions(0), 0u) << "for the next if_version";

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
  EXPECT_EQ(found->explanation().strategy_reason(), "nothing is trained");
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

// An empty message is two bytes on the wire and a hundred in memory: lists are counted first.
TEST_F(PublicRpc, ASearchOfBatchPriorityIsAnsweredAndOneOfAnUnknownPriorityIsNot) {
  Create();
  FillLine(5);
  v1::SearchRequest request = Near(2);
  request.mutable_parameters()->set_priority(v1::SEARCH_PRIORITY_BATCH);
  EXPECT_TRUE(Find(request).ok());
  request.mutable_parameters()->set_priority(static_cast<v1::SearchPriority>(7));
  const absl::Status refused = Find(request).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FactOf(refused, kFieldFact), "parameters.priority");
}

TEST_F(PublicRpc, CountsListsBeforeItMakesAnythingOfThem) {
  Create();
  constexpr int kTooMany = 10'001;
  v1::UpsertRequest points;
  points.set_collection("c");
  for (int i = 0; i < kTooMany; ++i) points.add_points();
  v1::UpsertResponse written;
  absl::Status status = Upsert(points, &written);
  EXPECT_EQ(ReasonOf(status), reason::kBatchTooLarge);
  EXPECT_EQ(FactOf(status, kFieldFact), "points");
  v1::UpsertRequest payloads = Line(1);
  for (int i = 0; i < kTooMany; ++i) payloads.mutable_columns()->add_payloads();
  EXPECT_EQ(FactOf(Upsert(payloads, &written), kFieldFact), "columns.payloads");
  v1::GetPointsRequest get;
  get.set_collection("c");
  for (int i = 0; i < kTooMany; ++i) get.add_ids();
  v1::GetPointsResponse got;
  status = server_.Call(*server_.points, &Points::GetPoints, get, &got);
  EXPECT_EQ(ReasonOf(status), reason::kBatchTooLarge) << "not BAD_ID: no id was looked at";
  v1::DeletePointsRequest erase;
  erase.set_collection("c");
  for (int i = 0; i < kTooMany; ++i) erase.add_ids();
  v1::DeletePointsResponse erased;
  status = server_.Call(*server_.points, &Points::DeletePoints, erase, &erased);
  EXPECT_EQ(ReasonOf(status), reason::kBatchTooLarge);
  v1::SearchRequest near = Near(1);
  for (int i = 0; i < 1025; ++i) near.mutable_parameters()->add_tokens();
  status = Find(near).status();
  EXPECT_EQ(ReasonOf(status), reason::kBatchTooLarge);
  EXPECT_EQ(FactOf(status, kFieldFact), "parameters.tokens");
  v1::SearchBatchRequest batch;
  *batch.mutable_parameters() = near.parameters();
  v1::SearchBatchResponse found;
  status = server_.Call(*server_.search, &Search::SearchBatch, batch, &found);
  EXPECT_EQ(ReasonOf(status), reason::kBatchTooLarge);
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

}  // namespace
}  // namespace kith
