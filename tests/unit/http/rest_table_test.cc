#include "coordinator/http/rest_table.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "coordinator/http/api_descriptors.h"
#include "coordinator/http/rest_routes.h"

namespace kith::http {
namespace {

using ::testing::IsEmpty;

std::unique_ptr<ApiDescriptors> Api() {
  auto api = ApiDescriptors::Load();
  EXPECT_TRUE(api.ok()) << api.status();
  return *std::move(api);
}

// Methods of the services that neither list has.
std::vector<std::string> Forgotten(const ApiDescriptors& api) {
  std::vector<std::string> forgotten;
  for (const google::protobuf::ServiceDescriptor* const service : api.services()) {
    for (int i = 0; i < service->method_count(); ++i) {
      const std::string& name = service->method(i)->full_name();
      const auto is_it = [&](const auto& entry) { return entry.method == name; };
      const auto rules = RestRules();
      const auto without = MethodsWithoutRest();
      if (std::none_of(rules.begin(), rules.end(), is_it) &&
          std::none_of(without.begin(), without.end(), is_it)) {
        forgotten.push_back(name);
      }
    }
  }
  return forgotten;
}

TEST(RestTableTest, EveryPublicMethodHasARouteOrAReasonToHaveNone) {
  EXPECT_THAT(Forgotten(*Api()), IsEmpty())
      << "add them to coordinator/http/rest_table.cc, with a path or with the reason why not";
}

TEST(RestTableTest, ThePublicServicesAreThoseOfTheProtosButThatBetweenNodes) {
  const auto api = Api();
  std::set<std::string> names;
  for (const auto* const service : api->services()) names.insert(service->full_name());
  for (const char* name : {"kith.v1.Collections", "kith.v1.Points", "kith.v1.Search",
                           "kith.v1.Backups", "kith.v1.Operations"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_FALSE(names.contains("kith.v1.ShardNode"));
}

TEST(RestTableTest, WhatHasNoRouteIsAMethodSaysWhyAndHasNone) {
  const auto api = Api();
  for (const NoRest& entry : MethodsWithoutRest()) {
    EXPECT_NE(api->FindMethod(entry.method), nullptr) << entry.method;
    EXPECT_FALSE(entry.why.empty()) << entry.method;
    for (const RestRule& rule : RestRules()) EXPECT_NE(rule.method, entry.method);
  }
}

TEST(RestTableTest, TheTableFitsTheProtos) {
  const auto routes = RestRoutes::Make(*Api(), RestRules());
  EXPECT_TRUE(routes.ok()) << routes.status();
}

}  // namespace
}  // namespace kith::http
