#include "coordinator/http/openapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coordinator/http/rest_table.h"

namespace kith::http {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json Document() {
  const auto api = *ApiDescriptors::Load();
  const auto routes = RestRoutes::Make(*api, RestRules());
  return json::parse(OpenApiOf(*api, *routes, "1.2.3"));
}

// Calls visit(node) for every object of a document.
template <typename Visit>
void ForEachObject(const json& node, const Visit& visit) {
  if (node.is_object()) visit(node);
  if (!node.is_structured()) return;
  for (const json& inner : node) ForEachObject(inner, visit);
}

TEST(OpenApiTest, ItHasWhatTheSpecificationAsksFor) {
  const json document = Document();
  EXPECT_EQ(document["openapi"], "3.0.3");
  EXPECT_EQ(document["info"]["version"], "1.2.3");
  std::set<std::string> ids;
  for (const auto& [path, item] : document["paths"].items()) {
    EXPECT_EQ(path.front(), '/');
    for (const auto& [verb, operation] : item.items()) {
      EXPECT_TRUE(ids.insert(operation["operationId"].get<std::string>()).second)
          << operation["operationId"];
      EXPECT_TRUE(operation["responses"].contains("200"));
      EXPECT_TRUE(operation["responses"].contains("default"));
      EXPECT_EQ(operation.contains("requestBody"), verb != "get" && verb != "delete");
      EXPECT_FALSE(verb == "put" && operation["description"].get<std::string>().empty());
    }
  }
  EXPECT_EQ(ids.size(), RestRules().size());
}

TEST(OpenApiTest, ItSaysWhereAKeyGoesAndThatThereMayBeNone) {
  const json document = Document();
  EXPECT_EQ(document["security"], json::parse(R"([{}, {"Bearer": []}, {"ApiKey": []}])"));
  EXPECT_EQ(document["components"]["securitySchemes"]["Bearer"]["scheme"], "bearer");
  EXPECT_EQ(document["components"]["securitySchemes"]["ApiKey"]["name"], "X-Api-Key");
}

TEST(OpenApiTest, EveryFieldOfAPathIsAParameterAndNoOtherIs) {
  const json document = Document();
  for (const auto& [path, item] : document["paths"].items()) {
    for (const auto& [verb, operation] : item.items()) {
      std::set<std::string> names;
      for (const json& parameter : operation["parameters"]) {
        if (parameter.value("in", "") != "path") continue;
        EXPECT_EQ(parameter["required"], true);
        const std::string name = parameter["name"];
        EXPECT_THAT(path, HasSubstr("{" + name + "}"));
        names.insert(name);
      }
      EXPECT_EQ(names.size(), static_cast<size_t>(std::count(path.begin(), path.end(), '{')));
    }
  }
}

TEST(OpenApiTest, EveryReferenceLeadsSomewhere) {
  const json document = Document();
  size_t references = 0;
  ForEachObject(document, [&](const json& node) {
    if (!node.contains("$ref")) return;
    ++references;
    EXPECT_EQ(node.size(), 1u) << "what stands beside a reference is not read: " << node;
    const std::string target = node["$ref"];
    ASSERT_EQ(target.front(), '#');
    EXPECT_TRUE(document.contains(json::json_pointer(target.substr(1)))) << target;
  });
  EXPECT_GT(references, 50u);
}

TEST(OpenApiTest, SchemasSayTypesAsJsonHasThemAndWhatTheProtosSay) {
  const json schemas = Document()["components"]["schemas"];
  const json& vector = schemas["kith.v1.Vector"];
  EXPECT_THAT(vector["description"].get<std::string>(), HasSubstr("little-endian"));
  EXPECT_EQ(vector["properties"]["data"]["format"], "byte");
  EXPECT_EQ(vector["properties"]["values"]["items"]["type"], "number");
  EXPECT_EQ(schemas["kith.v1.WriteToken"]["properties"]["lsn"]["type"], "string");
  EXPECT_EQ(schemas["kith.v1.CreateCollectionRequest"]["properties"]["metric"]["enum"][1],
            "METRIC_L2");
  EXPECT_THAT(schemas["kith.v1.PointId"]["properties"]["number"]["description"].get<std::string>(),
              HasSubstr("One of `id`"));
  EXPECT_TRUE(
      schemas["google.rpc.Status"]["properties"]["details"]["items"].contains("properties"));
  EXPECT_TRUE(schemas.contains("kith.v1.Filter")) << "which refers to itself";
}

TEST(OpenApiTest, AGetHasItsFieldsAsParametersButForMessages) {
  const json document = Document();
  std::set<std::string> names;
  for (const json& parameter :
       document["paths"]["/v1/collections/{collection}/points"]["get"]["parameters"]) {
    if (parameter.contains("name")) names.insert(parameter["name"].get<std::string>());
  }
  EXPECT_TRUE(names.contains("pageToken"));
  EXPECT_TRUE(names.contains("limit"));
  EXPECT_FALSE(names.contains("tokens"));
}

}  // namespace
}  // namespace kith::http
