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
  std::vector<const char*> names;
  std::vector<const char*> vectors;
  std::vector<const char*> subjects;
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

std::vector<std::string> TextsAt(const std::vector<FieldPath>& paths, const Message& request) {
  std::vector<std::string> texts;
  const auto take = [&](const Message& message, const FieldDescriptor* field) {
    const Reflection& reflection = *message.GetReflection();
    if (!field->is_repeated()) {
      texts.push_back(reflection.GetString(message, field));
      return;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      texts.push_back(reflection.GetRepeatedString(message, field, i));
    }
  };
  for (const FieldPath& path : paths) Walk(request, path, 0, take);
  return texts;
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
    for (const char* path : row.names) rule.names.push_back(PathTo(request, path));
    for (int i = 0; i < request->field_count(); ++i) {
      const FieldDescriptor* const field = request->field(i);
      if (field->type() == FieldDescriptor::TYPE_STRING && !field->is_repeated()) {
        rule.texts.push_back(field);
      }
    }
    for (const char* path : row.vectors) rule.vectors.push_back(PathTo(request, path));
    for (const char* path : row.subjects) rule.subjects.push_back(PathTo(request, path));
    rules_.emplace(row.method, std::move(rule));
  }
}

const AccessRule* AccessRules::Find(std::string_view method, const Message& request) const {
  const auto found = rules_.find(method);
  const bool is_it = found != rules_.end() && found->second.request == request.GetDescriptor();
  return is_it ? &found->second : nullptr;
}

std::vector<NamedCollection> CollectionsOf(const AccessRule& rule, const Message& request,
                                           const ResolveAlias& resolve) {
  std::vector<NamedCollection> named;
  for (const std::string& name : TextsAt(rule.collections, request)) {
    named.push_back({name, resolve(name)});
  }
  for (const std::string& name : TextsAt(rule.names, request)) {
    named.push_back({name, name});
    const std::string collection = resolve(name);
    if (collection != name) named.push_back({name, collection});
  }
  const auto is_empty = [](const NamedCollection& one) { return one.asked.empty(); };
  if (!std::all_of(named.begin(), named.end(), is_empty)) std::erase_if(named, is_empty);
  if (named.empty() && rule.reach == Reach::kNamed) named.emplace_back();
  return named;
}

std::vector<std::string> SubjectsOf(const AccessRule& rule, const Message& request) {
  return TextsAt(rule.subjects, request);
}

absl::Status CheckNameLengths(const AccessRule& rule, const Message& request) {
  const auto check = [](const std::string& field, size_t bytes) {
    if (bytes <= kNameBytesMax) return absl::OkStatus();
    if (field == "page_token") {
      return FieldError(field, reason::kBadPageToken, "is no page token; begin again without one");
    }
    return FieldError(field, reason::kBadRequest,
                      fmt::format("has {} bytes, at most {} are a name", bytes, kNameBytesMax));
  };
  std::string scratch;
  for (const FieldDescriptor* field : rule.texts) {
    const Reflection& reflection = *request.GetReflection();
    KITH_RETURN_IF_ERROR(
        check(field->name(), reflection.GetStringReference(request, field, &scratch).size()));
  }
  for (const auto* paths : {&rule.collections, &rule.names}) {
    for (const FieldPath& path : *paths) {
      for (const std::string& name : TextsAt({path}, request)) {
        KITH_RETURN_IF_ERROR(check(path.back()->name(), name.size()));
      }
    }
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
