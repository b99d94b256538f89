#ifndef KITH_COORDINATOR_HTTP_OPENAPI_SCHEMAS_H_
#define KITH_COORDINATOR_HTTP_OPENAPI_SCHEMAS_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace kith::http {

using OrderedJson = nlohmann::ordered_json;

// The schemas of messages in Protobuf's JSON mapping, as OpenAPI 3.0 writes them: each message that
// is referred to, and what that refers to, once.
class OpenApiSchemas {
 public:
  // {"$ref": "#/components/schemas/..."}
  OrderedJson ReferenceTo(const google::protobuf::Descriptor& message);
  // Of a field's value, with the comment of the proto as its description.
  OrderedJson OfField(const google::protobuf::FieldDescriptor& field);
  // components.schemas, by name.
  OrderedJson All();

 private:
  OrderedJson OfValue(const google::protobuf::FieldDescriptor& field);
  OrderedJson OfMessage(const google::protobuf::Descriptor& message);

  std::vector<const google::protobuf::Descriptor*> wanted_;  // each once, in the order of need
};

// The comment before or behind a declaration, as one line; empty where there is none.
template <typename Declaration>
std::string CommentOf(const Declaration& declaration);

std::string CommentText(const google::protobuf::SourceLocation& location);

template <typename Declaration>
std::string CommentOf(const Declaration& declaration) {
  google::protobuf::SourceLocation location;
  return declaration.GetSourceLocation(&location) ? CommentText(location) : std::string();
}

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_OPENAPI_SCHEMAS_H_
