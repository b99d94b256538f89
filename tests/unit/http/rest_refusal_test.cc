#include "coordinator/http/rest_refusal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "coordinator/http/rest_table.h"

namespace kith::http {
namespace {

using ::testing::HasSubstr;

class RestRefusalTest : public ::testing::Test {
 protected:
  // The code of the refusal of a request with these headers; 0: it may go on.
  int CodeOf(const std::string& verb, Headers headers) {
    const HttpRequest request{.verb = verb,
                              .target = verb == "DELETE" ? "/v1/collections/c"
                                        : verb == "GET"  ? "/v1/collections"
                                                         : "/v1/collections/c/points:search",
                              .headers = std::move(headers)};
    const RouteMatch match = routes_->Find(verb, request.path());
    EXPECT_NE(match.route, nullptr);
    const auto refusal = RefuseHead(request, *match.route, rules_);
    text_ = refusal.has_value() ? refusal->body : "";
    return refusal.has_value() ? refusal->code : 0;
  }
  static Headers JsonOf(const std::string& length) {
    return {{"content-type", "application/json"}, {"content-length", length}};
  }

  RefusalRules rules_{.body_bytes_max = 1000};
  std::string text_;
  const std::unique_ptr<ApiDescriptors> api_ = *ApiDescriptors::Load();
  const absl::StatusOr<RestRoutes> routes_ = RestRoutes::Make(*api_, RestRules());
};

TEST_F(RestRefusalTest, ABodyIsJsonInUtf8AndNothingElse) {
  EXPECT_EQ(CodeOf("POST", JsonOf("10")), 0);
  EXPECT_EQ(CodeOf("POST", {{"content-type", "Application/JSON; Charset=\"UTF-8\""},
                            {"content-length", "10"}}),
            0);
  for (const char* type :
       {"", "text/plain", "application/x-www-form-urlencoded", "application/jsonx",
        "application/json; charset=latin1", "multipart/form-data; boundary=x"}) {
    EXPECT_EQ(CodeOf("POST", {{"content-type", type}, {"content-length", "10"}}), 415) << type;
  }
  EXPECT_EQ(CodeOf("POST", {{"content-length", "10"}}), 415);
  EXPECT_EQ(CodeOf("POST", {{"transfer-encoding", "chunked"}}), 415);
  Headers zipped = JsonOf("10");
  zipped.emplace_back("content-encoding", "gzip");
  EXPECT_EQ(CodeOf("POST", zipped), 415);
  EXPECT_EQ(CodeOf("POST", {}), 0) << "a call without fields needs no body";
  EXPECT_EQ(CodeOf("POST", {{"content-length", "0"}}), 0);
}

TEST_F(RestRefusalTest, ABodyThatIsTooLongIsRefusedByItsLength) {
  EXPECT_EQ(CodeOf("POST", JsonOf("1000")), 0);
  EXPECT_EQ(CodeOf("POST", JsonOf("1001")), 413);
  EXPECT_EQ(CodeOf("POST", JsonOf("2147483648")), 413);
  EXPECT_THAT(text_, HasSubstr("BATCH_TOO_LARGE"));
}

TEST_F(RestRefusalTest, ALengthThatTwoReadersCouldReadDifferentlyIsRefused) {
  for (const char* length : {"", "-1", "+5", "5,5", "0x10", "5 5", "99999999999999999999"}) {
    EXPECT_EQ(CodeOf("POST", JsonOf(length)), 400) << length;
  }
  Headers twice = JsonOf("5");
  twice.emplace_back("content-length", "6");
  EXPECT_EQ(CodeOf("POST", twice), 400);
  Headers both = JsonOf("5");
  both.emplace_back("transfer-encoding", "chunked");
  EXPECT_EQ(CodeOf("POST", both), 400);
  EXPECT_EQ(CodeOf("POST", {{"content-type", kJson}, {"transfer-encoding", "gzip, chunked"}}), 400);
  EXPECT_EQ(CodeOf("POST", {{"content-type", kJson}, {"content-length ", "5"}}), 400)
      << "a space before the colon";
}

TEST_F(RestRefusalTest, GetAndDeleteTakeNoBody) {
  EXPECT_EQ(CodeOf("GET", JsonOf("5")), 400);
  EXPECT_EQ(CodeOf("DELETE", JsonOf("5")), 400);
  EXPECT_EQ(CodeOf("DELETE", {{"transfer-encoding", "chunked"}}), 400);
  EXPECT_EQ(CodeOf("DELETE", {}), 0);
}

TEST_F(RestRefusalTest, APageOfAnotherSiteChangesNothing) {
  EXPECT_EQ(CodeOf("DELETE", {{"host", "127.0.0.1:7431"}, {"origin", "http://evil.example"}}), 403);
  EXPECT_EQ(CodeOf("POST", {{"host", "127.0.0.1:7431"}, {"origin", "null"}}), 403);
  EXPECT_EQ(CodeOf("POST", {{"sec-fetch-site", "cross-site"}}), 403);
  EXPECT_EQ(CodeOf("POST", {{"sec-fetch-site", "same-site"}}), 403);
  EXPECT_EQ(CodeOf("POST", {{"host", "127.0.0.1:7431"},
                            {"origin", "http://127.0.0.1:7431"},
                            {"sec-fetch-site", "same-origin"}}),
            0);
  EXPECT_EQ(CodeOf("GET", {{"origin", "http://evil.example"}, {"host", "127.0.0.1"}}), 0)
      << "the page cannot read the answer";
}

TEST_F(RestRefusalTest, ANameThatPointsAtLoopbackIsNoHost) {
  for (const char* host :
       {"127.0.0.1:7431", "localhost:7431", "LOCALHOST", "[::1]:7431", "10.1.2.3", ""}) {
    EXPECT_EQ(CodeOf("GET", {{"host", host}}), 0) << host;
  }
  for (const char* host :
       {"evil.example:7431", "127.0.0.1.evil.example", "localhost.evil.example"}) {
    EXPECT_EQ(CodeOf("GET", {{"host", host}}), 403) << host;
  }
  rules_.host = HostRule::kAny;
  EXPECT_EQ(CodeOf("GET", {{"host", "search.example"}}), 0);
}

}  // namespace
}  // namespace kith::http
