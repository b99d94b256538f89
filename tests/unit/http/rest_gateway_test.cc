#include "coordinator/http/rest_gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/status_codes.h"
#include "coordinator/http/rest_error.h"
#include "google/rpc/error_details.pb.h"
#include "kith/v1/points.pb.h"
#include "tests/unit/http/fake_calls.h"

namespace kith::http {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class RestGatewayTest : public ::testing::Test {
 protected:
  RestGatewayTest() { gateway_->Open(calls_); }

  HttpAnswer Count() const {
    return gateway_->Answer({.verb = "POST", .target = "/v1/collections/c/points:count"});
  }
  HttpAnswer CountThatEndsAs(const absl::Status& status) {
    calls_->answer = [status](const RestCall&) {
      return RestReply{rpc::StatusToProto(status), {}};
    };
    return Count();
  }

  const std::unique_ptr<RestGateway> gateway_ = *RestGateway::Make({}, "1.2.3");
  const std::shared_ptr<testing::FakeCalls> calls_ = std::make_shared<testing::FakeCalls>();
};

TEST_F(RestGatewayTest, AnAnswerIsJsonWithItsZerosAndEmptyLists) {
  EXPECT_EQ(Count().body, "{\"count\":\"0\"}\n");
  calls_->answer = [](const RestCall&) {
    v1::GetPointsResponse response;
    response.add_points()->mutable_id()->set_number(7);
    return RestReply{{}, response.SerializeAsString()};
  };
  const HttpAnswer answer =
      gateway_->Answer({.verb = "POST", .target = "/v1/collections/c/points:get"});
  EXPECT_EQ(answer.code, 200);
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(answer.body,
            "{\"points\":[{\"id\":{\"number\":\"7\"},\"payload\":\"\",\"version\":\"0\"}],"
            "\"missing\":[]}\n");
}

TEST_F(RestGatewayTest, AnErrorIsAStatusWithItsDetailsAndTheCodeOfHttp) {
  const HttpAnswer answer = CountThatEndsAs(
      Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound, "there is no c"));
  EXPECT_EQ(answer.code, 404);
  EXPECT_EQ(
      answer.body,
      "{\"code\":5,\"message\":\"there is no c\",\"details\":[{\"@type\":\"type.googleapis.com/"
      "google.rpc.ErrorInfo\",\"reason\":\"COLLECTION_NOT_FOUND\",\"domain\":\"kith\"}]}\n");
}

TEST_F(RestGatewayTest, EveryCodeHasItsHttpCode) {
  const std::pair<absl::StatusCode, int> expected[] = {
      {absl::StatusCode::kCancelled, 499},          {absl::StatusCode::kUnknown, 500},
      {absl::StatusCode::kInvalidArgument, 400},    {absl::StatusCode::kDeadlineExceeded, 504},
      {absl::StatusCode::kNotFound, 404},           {absl::StatusCode::kAlreadyExists, 409},
      {absl::StatusCode::kPermissionDenied, 403},   {absl::StatusCode::kResourceExhausted, 429},
      {absl::StatusCode::kFailedPrecondition, 400}, {absl::StatusCode::kAborted, 409},
      {absl::StatusCode::kOutOfRange, 400},         {absl::StatusCode::kUnimplemented, 501},
      {absl::StatusCode::kInternal, 500},           {absl::StatusCode::kUnavailable, 503},
      {absl::StatusCode::kDataLoss, 500},           {absl::StatusCode::kUnauthenticated, 401}};
  for (const auto& [code, http] : expected) {
    EXPECT_EQ(CountThatEndsAs(absl::Status(code, "x")).code, http) << code;
  }
  EXPECT_EQ(HttpCodeOf(static_cast<absl::StatusCode>(77)), 500);
}

TEST_F(RestGatewayTest, WhenToComeBackIsAHeaderToo) {
  const HttpAnswer answer =
      CountThatEndsAs(Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull, "later",
                            {{kRetryAfterMsFact, "1200"}}));
  EXPECT_EQ(answer.code, 429);
  EXPECT_THAT(answer.headers, Contains(Pair("Retry-After", "2")));
}

TEST_F(RestGatewayTest, WhatKindOfKeyIsMissingIsAHeader) {
  const HttpAnswer answer = CountThatEndsAs(absl::UnauthenticatedError("a key"));
  EXPECT_THAT(answer.headers, Contains(Pair("WWW-Authenticate", "Bearer")));
}

TEST_F(RestGatewayTest, ADetailThatNobodyKnowsDoesNotHideTheError) {
  calls_->answer = [](const RestCall&) {
    RestReply reply;
    reply.status.set_code(9);
    reply.status.set_message("odd");
    reply.status.add_details()->set_type_url("type.googleapis.com/a.b.Unknown");
    return reply;
  };
  const HttpAnswer answer = Count();
  EXPECT_EQ(answer.code, 400);
  EXPECT_THAT(answer.body, HasSubstr("odd"));
}

TEST_F(RestGatewayTest, NoPathIs404AndAnotherVerb405WithWhatIsAllowed) {
  const auto nowhere = gateway_->RefuseHead({.verb = "GET", .target = "/v1/nothing"});
  ASSERT_TRUE(nowhere.has_value());
  EXPECT_EQ(nowhere->code, 404);
  const auto wrong = gateway_->RefuseHead({.verb = "POST", .target = "/v1/collections/c/points?a"});
  ASSERT_TRUE(wrong.has_value());
  EXPECT_EQ(wrong->code, 405);
  EXPECT_THAT(wrong->headers, Contains(Pair("Allow", "GET, PUT")));
}

TEST_F(RestGatewayTest, BeforeItIsOpenAndAfterItIsClosedCallsAreUnavailable) {
  const auto closed = *RestGateway::Make({}, "1.2.3");
  const HttpRequest request{.verb = "GET", .target = "/v1/collections"};
  EXPECT_EQ(closed->Answer(request).code, 503);
  EXPECT_THAT(closed->RefuseHead(request)->body, HasSubstr("NOT_READY"));
  gateway_->Close(DeadlineIn(std::chrono::seconds(0)));
  EXPECT_THAT(gateway_->RefuseHead(request)->body, HasSubstr("DRAINING"));
  EXPECT_EQ(gateway_->Answer(request).code, 503);
  EXPECT_THAT(calls_->calls(), IsEmpty());
}

}  // namespace
}  // namespace kith::http
