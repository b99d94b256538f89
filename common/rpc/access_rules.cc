#include "common/rpc/access_rules.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <sstream>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

struct Row {
  const char* method;
  const char* service;
  const char* request;
  auth::Role role;
  Reach reach;
  std::vector<const char*> collections;
  std::vector<const char*> vectors;
};

std::vector<Row> Table() {
  return {
#include "kith/v1/access_table.inc"
  };
}

FieldPath PathTo(const Descriptor* message, const char* dotted) {
  FieldPath path;
  std::istringstream names{std::string(dotted)};
  for (std::string name; std::getline(names, name, '.');) {
    path.push_back(message->FindFieldByName(name));
    message = path.back()->message_type();
  }
  return path;
}

// Calls visit(message, field) for the last field of the path in every message that it leads to.
template <typename Visit>
void Walk(const Message& message, const FieldPath& path, size_t at, Visit& visit) {
  const FieldDescriptor* const field = path[at];
  if (at + 1 == path.size()) return visit(message, field);
  const Reflection& reflection = *message.GetReflection();
  if (!field->is_repeated()) {
    if (!reflection.HasField(message, field)) return;
    return Walk(reflection.GetMessage(message, field), path, at + 1, visit);
  }
  for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
    Walk(reflection.GetRepeatedMessage(message, field, i), path, at + 1, visit);
  }
}

uint64_t CountOf(const Message& message, const FieldDescriptor* field) {
  const Reflection& reflection = *message.GetReflection();
  if (field->is_repeated()) return static_cast<uint64_t>(reflection.FieldSize(message, field));
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.GetUInt32(message, field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.GetUInt64(message, field);
    default:
      return reflection.HasField(message, field) ? 1 : 0;
  }
}

}  // namespace

AccessRules::AccessRules() {
  for (const Row& row : Table()) {
    // A request whose file is not linked is of a service that this process does not have.
    const Descriptor* const request =
        DescriptorPool::generated_pool()->FindMessageTypeByName(row.request);
    if (request == nullptr) continue;
    AccessRule rule;
    rule.method = std::string(row.service) + "/" + row.method;
    rule.role = row.role;
    rule.reach = row.reach;
    rule.request = request;
    for (const char* path : row.collections) rule.collections.push_back(PathTo(request, path));
    for (int i = 0; i < request->field_count(); ++i) {
      const FieldDescriptor* const field = request->field(i);
      if (field->type() == FieldDescriptor::TYPE_STRING && !field->is_repeated()) {
        rule.names.push_back(field);
      }
    }
    for (const char* path : row.vectors) rule.vectors.push_back(PathTo(request, path));
    rules_.emplace(row.method, std::move(rule));
  }
}

const AccessRule* AccessRules::Find(std::string_view method, const Message& request) const {
  const auto found = rules_.find(method);
  const bool is_it = found != rules_.end() && found->second.request == request.GetDescriptor();
  return is_it ? &found->second : nullptr;
}

std::vector<std::string> CollectionsOf(const AccessRule& rule, const Message& request) {
  std::vector<std::string> names;
  const auto take = [&](const Message& message, const FieldDescriptor* field) {
    const Reflection& reflection = *message.GetReflection();
    if (!field->is_repeated()) {
      names.push_back(reflection.GetString(message, field));
      return;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      names.push_back(reflection.GetRepeatedString(message, field, i));
    }
  };
  for (const FieldPath& path : rule.collections) Walk(request, path, 0, take);
  const auto is_named = [](const std::string& name) { return !name.empty(); };
  if (std::any_of(names.begin(), names.end(), is_named)) std::erase(names, "");
  if (names.empty() && rule.reach == Reach::kNamed) names.emplace_back();
  return names;
}

absl::Status CheckNameLengths(const AccessRule& rule, const Message& request) {
  std::string scratch;
  for (const FieldDescriptor* field : rule.names) {
    const size_t bytes =
        request.GetReflection()->GetStringReference(request, field, &scratch).size();
    if (bytes <= kNameBytesMax) continue;
    return FieldError(field->name(), reason::kBadRequest,
                      fmt::format("has {} bytes, at most {} are a name", bytes, kNameBytesMax));
  }
  return absl::OkStatus();
}

uint64_t VectorsOf(const AccessRule& rule, const Message& request) {
  uint64_t count = 0;
  const auto add = [&](const Message& message, const FieldDescriptor* field) {
    count += CountOf(message, field);
  };
  for (const FieldPath& path : rule.vectors) Walk(request, path, 0, add);
  return count;
}

}  // namespace kith::rpc
