#include "coordinator/http/openapi.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>
#include <vector>

#include "coordinator/http/http_message.h"
#include "coordinator/http/openapi_schemas.h"
#include "coordinator/http/rest_request.h"

namespace kith::http {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

constexpr char kAbout[] =
    "The gRPC services of kith.v1 as REST, in Protobuf's JSON mapping. Names may be written in "
    "lowerCamelCase, as here, or as in the protos; a name that is unknown is refused. `bytes` "
    "(format "
    "byte) are base64: so are a payload, a UUID and a request id. A vector is either "
    "{\"values\": [0.5, 1]} or {\"data\": \"AAAAPwAAgD8=\"}, its little-endian elements in base64. "
    "64-bit numbers are written as strings and read as either. A field of the path may be left out "
    "of "
    "the body. Errors are google.rpc.Status; its ErrorInfo has the reason that programs go by.";
constexpr char kTimeoutAbout[] =
    "How long the call may take: 2s, 1.5s, 250ms. Searches without it have 2 seconds.";
constexpr char kRequestIdAbout[] =
    "A UUID by which a repetition of this write is known, instead of requestId in the body.";
constexpr char kKeyAbout[] =
    "The caller's key, where the server answers to keys only. Either header carries it.";

bool HasRequestId(const Descriptor& request) {
  return request.FindFieldByName("request_id") != nullptr;
}

OrderedJson PathParameter(const std::string& name) {
  return {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}};
}

// Fields that a query can say: those of the outermost level that are no messages.
void AddQueryParameters(const Route& route, OpenApiSchemas* schemas, OrderedJson* parameters) {
  const std::vector<std::string> in_path = route.pattern.fields();
  const Descriptor& request = *route.method->input_type();
  for (int i = 0; i < request.field_count(); ++i) {
    const FieldDescriptor& field = *request.field(i);
    const bool is_bound = std::find(in_path.begin(), in_path.end(), field.name()) != in_path.end();
    if (is_bound || field.type() == FieldDescriptor::TYPE_MESSAGE) continue;
    OrderedJson schema = schemas->OfField(field);
    OrderedJson parameter = {{"name", field.json_name()}, {"in", "query"}};
    if (schema.contains("description")) {
      parameter["description"] = schema["description"];
      schema.erase("description");
    }
    parameter["schema"] = std::move(schema);
    parameters->push_back(std::move(parameter));
  }
}

OrderedJson Content(OrderedJson schema) { return {{kJson, {{"schema", std::move(schema)}}}}; }

OrderedJson OperationOf(const Route& route, const std::string& id, OpenApiSchemas* schemas) {
  const MethodDescriptor& method = *route.method;
  OrderedJson operation = {{"operationId", id},
                           {"tags", OrderedJson::array({method.service()->name()})}};
  if (const std::string comment = CommentOf(method); !comment.empty()) {
    operation["description"] = comment;
  }
  OrderedJson parameters = OrderedJson::array();
  for (const std::string& name : route.pattern.fields()) parameters.push_back(PathParameter(name));
  if (!route.takes_body()) AddQueryParameters(route, schemas, &parameters);
  parameters.push_back({{"$ref", "#/components/parameters/Timeout"}});
  if (HasRequestId(*method.input_type())) {
    parameters.push_back({{"$ref", "#/components/parameters/RequestId"}});
  }
  operation["parameters"] = std::move(parameters);
  if (route.takes_body()) {
    operation["requestBody"] = {{"content", Content(schemas->ReferenceTo(*method.input_type()))}};
  }
  operation["responses"] = {{"200",
                             {{"description", method.output_type()->name()},
                              {"content", Content(schemas->ReferenceTo(*method.output_type()))}}},
                            {"default", {{"$ref", "#/components/responses/Error"}}}};
  return operation;
}

// A method's name; of its second route also the verb, because ids must differ.
std::string OperationId(const Route& route, std::set<std::string>* taken) {
  std::string id = route.method->name();
  if (!taken->insert(id).second) {
    id += "By" + route.verb;
    taken->insert(id);
  }
  return id;
}

std::string InSmallLetters(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

OrderedJson Header(const char* name, const char* about) {
  return {
      {"name", name}, {"in", "header"}, {"description", about}, {"schema", {{"type", "string"}}}};
}

OrderedJson Components(const ApiDescriptors& api, OpenApiSchemas* schemas) {
  const Descriptor& status = *api.FindMessage("google.rpc.Status");
  OrderedJson error = {
      {"description", "What went wrong; details has google.rpc.ErrorInfo with the reason."},
      {"content", Content(schemas->ReferenceTo(status))}};
  return {{"schemas", schemas->All()},
          {"responses", {{"Error", std::move(error)}}},
          {"parameters",
           {{"Timeout", Header("Kith-Timeout", kTimeoutAbout)},
            {"RequestId", Header("Kith-Request-Id", kRequestIdAbout)}}},
          {"securitySchemes",
           {{"Bearer", {{"type", "http"}, {"scheme", "bearer"}, {"description", kKeyAbout}}},
            {"ApiKey",
             {{"type", "apiKey"},
              {"in", "header"},
              {"name", "X-Api-Key"},
              {"description", kKeyAbout}}}}}};
}

}  // namespace

std::string OpenApiOf(const ApiDescriptors& api, const RestRoutes& routes,
                      const std::string& version) {
  OpenApiSchemas schemas;
  OrderedJson tags = OrderedJson::array();
  for (const google::protobuf::ServiceDescriptor* const service : api.services()) {
    tags.push_back({{"name", service->name()}, {"description", CommentOf(*service)}});
  }
  OrderedJson paths = OrderedJson::object();
  std::set<std::string> taken;
  for (const Route& route : routes.all()) {
    paths[route.path][InSmallLetters(route.verb)] =
        OperationOf(route, OperationId(route, &taken), &schemas);
  }
  const OrderedJson document = {
      {"openapi", "3.0.3"},
      {"info", {{"title", "Kith"}, {"version", version}, {"description", kAbout}}},
      {"security", OrderedJson::array({OrderedJson::object(),
                                       {{"Bearer", OrderedJson::array()}},
                                       {{"ApiKey", OrderedJson::array()}}})},
      {"tags", std::move(tags)},
      {"paths", std::move(paths)},
      {"components", Components(api, &schemas)}};
  return document.dump(1) + "\n";
}

}  // namespace kith::http
