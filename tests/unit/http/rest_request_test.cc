#include "coordinator/http/rest_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/http/rest_json.h"
#include "coordinator/http/rest_table.h"
#include "kith/v1/collections.pb.h"
#include "kith/v1/points.pb.h"
#include "kith/v1/search.pb.h"

namespace kith::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kSearch[] = "/v1/collections/c/points:search";
constexpr char kUuid[] = "00112233-4455-6677-8899-aabbccddeeff";

class RestRequestTest : public ::testing::Test {
 protected:
  absl::StatusOr<RestCall> CallOf(HttpRequest request) const {
    const RouteMatch match = routes_->Find(request.verb, request.path());
    EXPECT_NE(match.route, nullptr) << request.target;
    return MakeRestCall(*api_, match, request);
  }
  absl::StatusOr<RestCall> Post(const std::string& target, const std::string& body,
                                Headers headers = {}) const {
    return CallOf({.verb = "POST", .target = target, .headers = std::move(headers), .body = body});
  }
  template <typename Message>
  static Message MessageOf(const absl::StatusOr<RestCall>& call) {
    Message message;
    EXPECT_TRUE(call.ok()) << call.status();
    EXPECT_TRUE(call.ok() && message.ParseFromString(call->request));
    return message;
  }
  // The error and the field it names, "REASON field".
  static std::string ErrorOf(const absl::StatusOr<RestCall>& call) {
    if (call.ok()) return "";
    EXPECT_EQ(call.status().code(), absl::StatusCode::kInvalidArgument);
    return ReasonOf(call.status()) + " " + FactOf(call.status(), kFieldFact).value_or("");
  }

  const std::unique_ptr<ApiDescriptors> api_ = *ApiDescriptors::Load();
  const absl::StatusOr<RestRoutes> routes_ = RestRoutes::Make(*api_, RestRules());
};

TEST_F(RestRequestTest, ABodyAndThePathMakeTheRequest) {
  const auto call =
      Post(kSearch, R"({"vector": {"values": [1, -2.5]}, "parameters": {"limit": 3}})");
  const auto request = MessageOf<v1::SearchRequest>(call);
  EXPECT_EQ(call->method, "/kith.v1.Search/Search");
  EXPECT_EQ(request.collection(), "c");
  EXPECT_THAT(request.vector().values(), ElementsAre(1, -2.5));
  EXPECT_EQ(request.parameters().limit(), 3u);
}

TEST_F(RestRequestTest, AChangeOfACollectionNamesItsFieldsInOneString) {
  const auto call =
      CallOf({.verb = "PATCH",
              .target = "/v1/collections/c",
              .headers = {},
              .body = R"({"description": "of the door", "index": {"targetRecall": 0.9},
                                        "updateMask": "description,index.targetRecall"})"});
  const auto request = MessageOf<v1::UpdateCollectionRequest>(call);
  EXPECT_EQ(call->method, "/kith.v1.Collections/UpdateCollection");
  EXPECT_EQ(request.collection(), "c");
  EXPECT_EQ(request.index().target_recall(), 0.9);
  EXPECT_THAT(request.update_mask().paths(), ElementsAre("description", "index.target_recall"));
}

TEST_F(RestRequestTest, AnAliasIsNamedByThePath) {
  const auto set = CallOf({.verb = "PUT",
                           .target = "/v1/aliases/current",
                           .headers = {},
                           .body = R"({"collection": "c"})"});
  const auto request = MessageOf<v1::SetAliasRequest>(set);
  EXPECT_EQ(set->method, "/kith.v1.Collections/SetAlias");
  EXPECT_EQ(request.alias(), "current");
  EXPECT_EQ(request.collection(), "c");
  const auto changes =
      Post("/v1/aliases:change", R"({"changes": [{"alias": "current"}, {"alias": "a"}]})");
  EXPECT_EQ(changes->method, "/kith.v1.Collections/ChangeAliases");
  EXPECT_EQ(MessageOf<v1::ChangeAliasesRequest>(changes).changes_size(), 2);
}

TEST_F(RestRequestTest, NamesMayBeThoseOfTheProtosAndVectorsBase64) {
  const auto request = MessageOf<v1::SearchRequest>(
      Post(kSearch, R"({"vector": {"data": "AACAPw=="}, "parameters": {"with_payload": true}})"));
  const float one = 1;
  EXPECT_EQ(request.vector().data(), std::string(reinterpret_cast<const char*>(&one), 4));
  EXPECT_TRUE(request.parameters().with_payload());
}

TEST_F(RestRequestTest, AnUnknownFieldIsNamedWhereverItStands) {
  EXPECT_EQ(ErrorOf(Post(kSearch, R"({"vektor": {}})")), "BAD_REQUEST vektor");
  EXPECT_EQ(ErrorOf(Post(kSearch, R"({"parameters": {"lmit": 3}})")),
            "BAD_REQUEST parameters.lmit");
  EXPECT_EQ(
      ErrorOf(Post("/v1/collections/c/points:get", R"({"ids": [{"number": 1}, {"nmber": 2}]})")),
      "BAD_REQUEST ids[1].nmber");
  EXPECT_EQ(
      Post(kSearch, R"({"parameters": {"lmit": 3}})").status().message(),
      "parameters.lmit: kith.v1.SearchRequest has no such field; GET /openapi.json lists those "
      "there are");
}

TEST_F(RestRequestTest, AValueOfAnotherTypeIsNamedByItsField) {
  EXPECT_EQ(ErrorOf(Post(kSearch, R"({"parameters": {"limit": "many"}})")),
            "BAD_REQUEST parameters.limit");
  EXPECT_EQ(ErrorOf(Post(kSearch, R"({"parameters": {"limit": -1}})")),
            "BAD_REQUEST parameters.limit");
  EXPECT_EQ(ErrorOf(Post(kSearch, R"({"parameters": {"limit": 1.5}})")),
            "BAD_REQUEST parameters.limit");
  EXPECT_EQ(ErrorOf(Post(kSearch, R"({"vector": {"values": [1, "x"]}})")),
            "BAD_REQUEST vector.values[1]");
  EXPECT_EQ(ErrorOf(Post(kSearch, R"({"vector": {"values": [1e39]}})")),
            "BAD_REQUEST vector.values[0]");
  EXPECT_EQ(ErrorOf(Post(kSearch, R"({"vector": {"data": "?"}})")), "BAD_REQUEST vector.data");
  EXPECT_EQ(ErrorOf(Post("/v1/collections", R"({"metric": "METRIC_TAXI"})")), "BAD_REQUEST metric");
}

TEST_F(RestRequestTest, NotANumberIsUnderstoodAsSuchForTheServiceToRefuse) {
  const auto request =
      MessageOf<v1::SearchRequest>(Post(kSearch, R"({"vector": {"values": ["NaN", "Infinity"]}})"));
  ASSERT_EQ(request.vector().values_size(), 2);
  EXPECT_TRUE(std::isnan(request.vector().values(0)));
  EXPECT_TRUE(std::isinf(request.vector().values(1)));
}

TEST_F(RestRequestTest, WhatIsNoJsonObjectInUtf8IsRefused) {
  for (const char* body : {"[]", "1", "\"x\"", "{", "{\"vector\": ", "{} {}", "{\"a\" 1}", "null",
                           "{\"parameters\": {\"tokens\": [}", "\xff\xfe{}"}) {
    EXPECT_EQ(ErrorOf(Post(kSearch, body)), "BAD_REQUEST body") << body;
  }
  EXPECT_FALSE(Post("/v1/collections", "{\"collection\": \"\xff\"}").ok());
  EXPECT_FALSE(Post("/v1/collections", "{\"coll\xc3\": \"a\"}").ok());
}

TEST_F(RestRequestTest, ABodyNestedTooDeeplyIsRefusedAndNotFollowed) {
  std::string filter;
  for (int i = 0; i < 100'000; ++i) filter += R"({"allOf":{"filters":[)";
  EXPECT_EQ(ErrorOf(Post(kSearch, R"({"parameters":{"filter":)" + filter)), "BAD_REQUEST body");
  std::string lists(100'000, '[');
  EXPECT_FALSE(Post(kSearch, R"({"vector":{"values":)" + lists).ok());
}

TEST_F(RestRequestTest, AFilterAsDeepAsTheServiceTakesIsNotTooDeep) {
  std::string filter = R"({"exists":{"field":"a"}})";
  for (int i = 0; i < 20; ++i) filter = R"({"allOf":{"filters":[)" + filter + "]}}";
  EXPECT_TRUE(Post(kSearch, R"({"parameters":{"filter":)" + filter + "}}").ok());
}

TEST_F(RestRequestTest, AShortTextOfVeryManyMembersIsRefused) {
  std::string ids = "{\"ids\":[{}";
  for (int i = 0; i < 2'000'001; ++i) ids += ",{}";
  EXPECT_EQ(ErrorOf(Post("/v1/collections/c/points:get", ids + "]}")), "BATCH_TOO_LARGE ");
}

TEST_F(RestRequestTest, AMessageAboveTheLimitIsRefusedWhateverTheTextIs) {
  const auto of_limit = [&](size_t bytes) {
    return MessageFromJson(*api_, *api_->FindMessage("kith.v1.SearchBatchRequest"),
                           R"({"queryValues":[1,1,1,1,1,1,1,1]})", {.message_bytes_max = bytes})
        .status();
  };
  EXPECT_TRUE(of_limit(40).ok()) << of_limit(40);  // 8 floats, each with its tag
  EXPECT_EQ(ReasonOf(of_limit(39)), reason::kBatchTooLarge);
  EXPECT_EQ(JsonLimits().message_bytes_max, limits::kMessageBytesMax);
}

TEST_F(RestRequestTest, TheBodyMayRepeatThePathAndNotContradictIt) {
  EXPECT_EQ(MessageOf<v1::SearchRequest>(Post(kSearch, R"({"collection": "c"})")).collection(),
            "c");
  EXPECT_EQ(ErrorOf(Post(kSearch, R"({"collection": "d"})")), "BAD_REQUEST collection");
}

TEST_F(RestRequestTest, FieldsOfAGetAreParametersOfItsQuery) {
  const auto request = MessageOf<v1::ScrollPointsRequest>(CallOf(
      {.verb = "GET",
       .target = "/v1/collections/c/points?limit=5&pageToken=a%2Bb+c&with_vector=true&&withPayload="
                 "false"}));
  EXPECT_EQ(request.collection(), "c");
  EXPECT_EQ(request.limit(), 5u);
  EXPECT_EQ(request.page_token(), "a+b c");
  EXPECT_TRUE(request.with_vector());
  EXPECT_FALSE(request.with_payload());
}

TEST_F(RestRequestTest, AParameterThatIsNoneIsNamed) {
  const auto of_query = [&](const std::string& query) {
    return ErrorOf(CallOf({.verb = "GET", .target = "/v1/collections/c/points?" + query}));
  };
  EXPECT_EQ(of_query("lmit=5"), "BAD_REQUEST lmit");
  EXPECT_EQ(of_query("limit=five"), "BAD_REQUEST limit");
  EXPECT_EQ(of_query("limit=5&limit=6"), "BAD_REQUEST limit");
  EXPECT_EQ(of_query("tokens=x"), "BAD_REQUEST tokens");
  EXPECT_EQ(of_query("collection=d"), "BAD_REQUEST collection");
  EXPECT_EQ(of_query("page_token=%zz"), "BAD_REQUEST query");
  EXPECT_FALSE(CallOf({.verb = "GET", .target = "/v1/collections/c/points?page_token=%ff"}).ok());
  EXPECT_EQ(ErrorOf(Post(std::string(kSearch) + "?limit=5", "{}")), "BAD_REQUEST query");
}

TEST_F(RestRequestTest, TheTimeoutIsTheHeadersElseTheRoutes) {
  using std::chrono::milliseconds;
  EXPECT_EQ(Post(kSearch, "{}")->timeout, milliseconds(2000));
  EXPECT_EQ(Post(kSearch, "{}", {{"kith-timeout", "250ms"}})->timeout, milliseconds(250));
  EXPECT_EQ(Post("/v1/collections", "{}")->timeout, std::nullopt);
  for (const char* text : {"", "0s", "-1s", "2", "inf", "25h", "1us", "2 s", "2s\r\n"}) {
    EXPECT_EQ(ErrorOf(Post(kSearch, "{}", {{"kith-timeout", text}})), "BAD_REQUEST kith-timeout")
        << text;
  }
}

TEST_F(RestRequestTest, ARequestIdMayBeAHeader) {
  const std::string target = "/v1/collections/c/points:delete";
  const auto request = MessageOf<v1::DeletePointsRequest>(
      Post(target, R"({"ids": [{"number": "7"}]})", {{"kith-request-id", kUuid}}));
  EXPECT_EQ(request.request_id(),
            std::string("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16));
  EXPECT_EQ(request.ids(0).number(), 7u);
  EXPECT_EQ(ErrorOf(Post(target, "{}", {{"kith-request-id", "7"}})), "BAD_REQUEST kith-request-id");
  EXPECT_EQ(ErrorOf(Post(target, R"({"requestId": "AAAA"})", {{"kith-request-id", kUuid}})),
            "BAD_REQUEST request_id");
  EXPECT_EQ(ErrorOf(Post(kSearch, "{}", {{"kith-request-id", kUuid}})),
            "BAD_REQUEST kith-request-id")
      << "a search is no write";
}

TEST_F(RestRequestTest, WhoTheCallerSaysToBeIsHandedOn) {
  EXPECT_THAT(
      Post(kSearch, "{}", {{"authorization", "Bearer x"}, {"x-api-key", "k"}, {"cookie", "c"}})
          ->metadata,
      ElementsAre(Pair("authorization", "Bearer x"), Pair("x-api-key", "k")));
  EXPECT_THAT(Post(kSearch, "{}")->metadata, IsEmpty());
}

TEST_F(RestRequestTest, WhenceTheRequestCameIsHandedOnAndWhatItSaysOfThatIsNot) {
  const auto call = CallOf({.verb = "GET",
                            .target = "/v1/collections",
                            .headers = {{"x-kith-peer", "8.8.8.8:1"}},
                            .peer = "10.0.0.1:40000"});
  EXPECT_THAT(call->metadata, ElementsAre(Pair("x-kith-peer", "http:10.0.0.1:40000")));
}

TEST_F(RestRequestTest, AnIdentityThatIsNoHeaderValueIsRefused) {
  EXPECT_EQ(ErrorOf(Post(kSearch, "{}", {{"x-api-key", "a"}, {"x-api-key", "b"}})),
            "BAD_REQUEST x-api-key");
  EXPECT_EQ(ErrorOf(Post(kSearch, "{}", {{"authorization", "a\r\nb"}})),
            "BAD_REQUEST authorization");
  EXPECT_EQ(ErrorOf(Post(kSearch, "{}", {{"authorization", std::string(8001, 'a')}})),
            "BAD_REQUEST authorization");
}

}  // namespace
}  // namespace kith::http
