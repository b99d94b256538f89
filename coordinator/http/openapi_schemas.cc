#include "coordinator/http/openapi_schemas.h"

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string_view>

namespace kith::http {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

OrderedJson OfEnum(const EnumDescriptor& type) {
  OrderedJson names = OrderedJson::array();
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  return {{"type", "string"}, {"enum", std::move(names)}};
}

// 64-bit numbers are written as strings, because JavaScript's numbers end at 2^53; both are read.
OrderedJson OfScalar(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return {{"type", "integer"}, {"format", "int32"}};
    case FieldDescriptor::CPPTYPE_UINT32:
      return {{"type", "integer"}, {"format", "int64"}, {"minimum", 0}, {"maximum", UINT32_MAX}};
    case FieldDescriptor::CPPTYPE_INT64:
      return {{"type", "string"}, {"format", "int64"}};
    case FieldDescriptor::CPPTYPE_UINT64:
      return {{"type", "string"}, {"format", "uint64"}};
    case FieldDescriptor::CPPTYPE_FLOAT:
      return {{"type", "number"}, {"format", "float"}};
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return {{"type", "number"}, {"format", "double"}};
    case FieldDescriptor::CPPTYPE_BOOL:
      return {{"type", "boolean"}};
    case FieldDescriptor::CPPTYPE_ENUM:
      return OfEnum(*field.enum_type());
    default:
      break;
  }
  if (field.type() == FieldDescriptor::TYPE_BYTES) return {{"type", "string"}, {"format", "byte"}};
  return {{"type", "string"}};
}

// The messages of Google's that JSON writes in a way of their own.
const char* WellKnown(const Descriptor& message) {
  if (message.full_name() == "google.protobuf.Any") {
    return R"({"type": "object", "description": "Any message: @type names it, its fields follow.",
               "properties": {"@type": {"type": "string"}}, "additionalProperties": true})";
  }
  if (message.full_name() == "google.protobuf.Duration") {
    return R"({"type": "string", "description": "Seconds, such as 1.5s."})";
  }
  if (message.full_name() == "google.protobuf.FieldMask") {
    return R"({"type": "string", "description": "Names of fields, with commas between."})";
  }
  return nullptr;
}

}  // namespace

std::string CommentText(const google::protobuf::SourceLocation& location) {
  std::istringstream words(location.leading_comments + " " + location.trailing_comments);
  std::string text;
  for (std::string word; words >> word;) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

OrderedJson OpenApiSchemas::ReferenceTo(const Descriptor& message) {
  if (std::find(wanted_.begin(), wanted_.end(), &message) == wanted_.end()) {
    wanted_.push_back(&message);
  }
  return {{"$ref", "#/components/schemas/" + message.full_name()}};
}

OrderedJson OpenApiSchemas::OfValue(const FieldDescriptor& field) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return OfScalar(field);
  if (const char* const known = WellKnown(*field.message_type())) return OrderedJson::parse(known);
  return ReferenceTo(*field.message_type());
}

OrderedJson OpenApiSchemas::OfField(const FieldDescriptor& field) {
  OrderedJson schema;
  if (field.is_map()) {
    schema = {{"type", "object"},
              {"additionalProperties", OfValue(*field.message_type()->map_value())}};
  } else if (field.is_repeated()) {
    schema = {{"type", "array"}, {"items", OfValue(field)}};
  } else {
    schema = OfValue(field);
  }
  std::string comment = CommentOf(field);
  if (field.real_containing_oneof() != nullptr) {
    if (!comment.empty()) comment += ' ';
    comment += "(One of `" + field.real_containing_oneof()->name() + "` at most.)";
  }
  if (comment.empty()) return schema;
  // What stands beside a $ref is not read.
  if (schema.contains("$ref")) schema = {{"allOf", OrderedJson::array({std::move(schema)})}};
  schema["description"] = comment;
  return schema;
}

OrderedJson OpenApiSchemas::OfMessage(const Descriptor& message) {
  OrderedJson schema = {{"type", "object"}};
  if (const std::string comment = CommentOf(message); !comment.empty()) {
    schema["description"] = comment;
  }
  OrderedJson properties = OrderedJson::object();
  for (int i = 0; i < message.field_count(); ++i) {
    properties[message.field(i)->json_name()] = OfField(*message.field(i));
  }
  schema["properties"] = std::move(properties);
  return schema;
}

OrderedJson OpenApiSchemas::All() {
  OrderedJson all = OrderedJson::object();
  // Describing one may add others.
  for (size_t i = 0; i < wanted_.size(); ++i) all[wanted_[i]->full_name()] = OfMessage(*wanted_[i]);
  return all;
}

}  // namespace kith::http
