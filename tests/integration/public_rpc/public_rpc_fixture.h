#ifndef KITH_TESTS_INTEGRATION_PUBLIC_RPC_PUBLIC_RPC_FIXTURE_H_
#define KITH_TESTS_INTEGRATION_PUBLIC_RPC_PUBLIC_RPC_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/status.h"
#include "tests/integration/public_rpc/public_server.h"

namespace kith {

using Collections = v1::Collections::Stub;
using Operations = v1::Operations::Stub;
using Points = v1::Points::Stub;
using Search = v1::Search::Stub;

inline const std::string kUuid = "0123456789abcdef";

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
  // The point kUuid at (x, 0).
  absl::Status UpsertUuid(float x, const std::string& payload, v1::UpsertResponse* response) {
    v1::UpsertRequest request;
    request.set_collection("c");
    v1::Point* const point = request.add_points();
    point->mutable_id()->set_uuid(kUuid);
    point->mutable_vector()->add_values(x);
    point->mutable_vector()->add_values(0);
    point->set_payload(payload);
    return Upsert(request, response);
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

}  // namespace kith

#endif  // KITH_TESTS_INTEGRATION_PUBLIC_RPC_PUBLIC_RPC_FIXTURE_H_
