#include "coordinator/http/rest_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/http/rest_table.h"

namespace kith::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class RestRoutesTest : public ::testing::Test {
 protected:
  std::string MethodAt(std::string_view verb, std::string_view path) const {
    const RouteMatch match = routes_->Find(verb, path);
    return match.route == nullptr ? "" : match.route->method->name();
  }
  absl::Status MakeOf(std::vector<RestRule> rules) const {
    return RestRoutes::Make(*api_, rules).status();
  }

  const std::unique_ptr<ApiDescriptors> api_ = *ApiDescriptors::Load();
  const absl::StatusOr<RestRoutes> routes_ = RestRoutes::Make(*api_, RestRules());
};

TEST_F(RestRoutesTest, VerbAndPathNameAMethod) {
  EXPECT_EQ(MethodAt("POST", "/v1/collections"), "CreateCollection");
  EXPECT_EQ(MethodAt("GET", "/v1/collections"), "ListCollections");
  EXPECT_EQ(MethodAt("HEAD", "/v1/collections"), "ListCollections");
  EXPECT_EQ(MethodAt("POST", "/v1/collections:plan"), "PlanCollection");
  EXPECT_EQ(MethodAt("DELETE", "/v1/collections/c"), "DeleteCollection");
  EXPECT_EQ(MethodAt("POST", "/v1/collections/c:train"), "TrainIndex");
  EXPECT_EQ(MethodAt("PUT", "/v1/collections/c/points"), "Upsert");
  EXPECT_EQ(MethodAt("GET", "/v1/collections/c/points"), "ScrollPoints");
  EXPECT_EQ(MethodAt("POST", "/v1/collections/c/points:search"), "Search");
  EXPECT_EQ(MethodAt("POST", "/v1/collections/c/points:searchBatch"), "SearchBatch");
  EXPECT_EQ(MethodAt("POST", "/v1/backups/b:restore"), "RestoreBackup");
  EXPECT_EQ(MethodAt("POST", "/v1/operations/7:cancel"), "CancelOperation");
}

TEST_F(RestRoutesTest, FieldsOfThePathAreDecodedAndTheirSlashesAndColonsAreTheirs) {
  const RouteMatch match = routes_->Find("DELETE", "/v1/collections/a%2Fb/indexVersions/x%3Ay%20z");
  ASSERT_NE(match.route, nullptr);
  EXPECT_THAT(match.fields, ElementsAre(Pair("collection", "a/b"), Pair("version", "x:y z")));
}

TEST_F(RestRoutesTest, WhatIsNoPathMatchesNothing) {
  for (const char* path :
       {"/v1", "/v1/", "/v2/collections", "/v1/collections/", "/v1/collections/c/",
        "/v1/collections//points", "/v1/collections/c:fly", "/v1/collections/c/points:search/x",
        "/v1/collections/c/points:", "/v1/collections/%zz", "/v1/collections/%4", "v1/collections",
        "/v1/Collections", ""}) {
    const RouteMatch match = routes_->Find("POST", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_THAT(match.allowed, IsEmpty()) << path;
  }
}

TEST_F(RestRoutesTest, AnotherVerbIsToldWhichThereAre) {
  EXPECT_THAT(routes_->Find("PATCH", "/v1/collections/c/points").allowed,
              ElementsAre("GET", "PUT"));
  EXPECT_THAT(routes_->Find("GET", "/v1/collections/c:train").allowed, ElementsAre("POST"));
  EXPECT_THAT(routes_->Find("GET", "/v1/nothing").allowed, IsEmpty());
}

TEST_F(RestRoutesTest, ARuleForAMethodThatIsNotThereIsAnError) {
  EXPECT_THAT(MakeOf({{"kith.v1.Points.Fly", "GET", "/v1/fly"}}).message(),
              HasSubstr("kith.v1.Points.Fly"));
}

TEST_F(RestRoutesTest, ARuleWithAFieldThatIsNotThereOrNoStringIsAnError) {
  const std::string_view get = "kith.v1.Collections.GetCollection";
  const std::string_view create = "kith.v1.Collections.CreateCollection";
  EXPECT_THAT(MakeOf({{get, "GET", "/v1/{name}"}}).message(), HasSubstr("{name}"));
  EXPECT_THAT(MakeOf({{create, "POST", "/v1/{dimension}"}}).message(), HasSubstr("{dimension}"));
}

TEST_F(RestRoutesTest, TwoRulesForTheSameRequestsAreAnError) {
  const std::string_view get = "kith.v1.Collections.GetCollection";
  EXPECT_FALSE(
      MakeOf({{get, "GET", "/v1/a/{collection}"}, {get, "GET", "/v1/{collection}/b"}}).ok());
  EXPECT_TRUE(
      MakeOf({{get, "GET", "/v1/a/{collection}"}, {get, "GET", "/v1/{collection}/b:c"}}).ok());
}

}  // namespace
}  // namespace kith::http
