#include "coordinator/http/rest_request.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/call_gate.h"
#include "coordinator/http/rest_json.h"

namespace kith::http {
namespace {

namespace pb = google::protobuf;

constexpr size_t kIdentityBytesMax = 8000;

absl::Status Bad(std::string_view field, std::string_view message) {
  return FieldError(field, reason::kBadRequest, message);
}

// By its name in the proto or in JSON.
const pb::FieldDescriptor* FieldNamed(const pb::Descriptor& type, const std::string& name) {
  if (const pb::FieldDescriptor* const field = type.FindFieldByName(name)) return field;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == name) return type.field(i);
  }
  return nullptr;
}

// Fields of a request that do not come from its body, as the JSON they would have had there.
class BoundFields {
 public:
  explicit BoundFields(const pb::Descriptor& type) : type_(type) {}

  void AddPath(const std::string& name, std::string_view value) {
    values_[type_.FindFieldByName(name)] = {Quoted(value)};
  }

  absl::Status AddParameter(const std::string& name, std::string_view value) {
    const pb::FieldDescriptor* const field = FieldNamed(type_, name);
    if (field == nullptr) {
      return Bad(name, fmt::format("{} has no parameter \"{}\"", type_.name(), name));
    }
    if (field->type() == pb::FieldDescriptor::TYPE_MESSAGE) {
      return Bad(name, fmt::format("\"{}\" is no parameter of a query: use POST", name));
    }
    std::vector<std::string>& texts = values_[field];
    if (!texts.empty() && !field->is_repeated()) {
      return Bad(name, fmt::format("\"{}\" is given twice", name));
    }
    const bool is_truth =
        field->type() == pb::FieldDescriptor::TYPE_BOOL && (value == "true" || value == "false");
    texts.push_back(is_truth ? std::string(value) : Quoted(value));
    return absl::OkStatus();
  }

  absl::Status AddRequestId(std::string_view bytes) {
    const pb::FieldDescriptor* const field = type_.FindFieldByName("request_id");
    if (field == nullptr || field->type() != pb::FieldDescriptor::TYPE_BYTES) {
      return Bad(kRequestIdHeader, "this call takes no request id: repeating it needs none");
    }
    values_[field] = {Quoted(absl::Base64Escape(ToAbsl(bytes)))};
    return absl::OkStatus();
  }

  std::string Json() const {
    std::string json = "{";
    for (const auto& [field, texts] : values_) {
      std::string value;
      for (const std::string& text : texts) {
        if (!value.empty()) value += ',';
        value += text;
      }
      if (json.size() > 1) json += ',';
      json += Quoted(field->json_name()) + ":" + (field->is_repeated() ? "[" + value + "]" : value);
    }
    return json + "}";
  }

 private:
  const pb::Descriptor& type_;
  std::map<const pb::FieldDescriptor*, std::vector<std::string>> values_;
};

// "a=1&b=x%20y", with + for a space.
absl::Status AddQuery(std::string_view query, BoundFields* fields) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto decoded = [](std::string_view text) {
      std::string spaced(text);
      std::replace(spaced.begin(), spaced.end(), '+', ' ');
      return PercentDecoded(spaced);
    };
    const auto name = decoded(pair.substr(0, equals));
    const auto value = decoded(pair.substr(std::min(pair.size(), equals + 1)));
    if (!name.has_value() || !value.has_value()) {
      return Bad("query", "the query has a % that no two hexadecimal digits follow");
    }
    KITH_RETURN_IF_ERROR(fields->AddParameter(*name, *value));
  }
  return absl::OkStatus();
}

// The 16 bytes of a UUID in its usual form; empty for other text.
std::string UuidBytes(std::string_view text) {
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_dash_place = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash_place ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) {
      return {};
    }
    if (!is_dash_place) digits += text[i];
  }
  return text.size() == 36 ? absl::HexStringToBytes(digits) : std::string();
}

absl::StatusOr<std::string> BindFields(const ApiDescriptors& api, const RouteMatch& match,
                                       const HttpRequest& request) {
  const pb::Descriptor& type = *match.route->method->input_type();
  BoundFields fields(type);
  for (const auto& [name, value] : match.fields) fields.AddPath(name, value);
  if (match.route->takes_body()) {
    if (!request.query().empty()) return Bad("query", "the fields belong into the body here");
  } else {
    KITH_RETURN_IF_ERROR(AddQuery(request.query(), &fields));
  }
  if (const auto id = request.Find(kRequestIdHeader)) {
    const std::string bytes = UuidBytes(*id);
    if (bytes.empty()) return Bad(kRequestIdHeader, "is not a UUID");
    KITH_RETURN_IF_ERROR(fields.AddRequestId(bytes));
  }
  return MessageFromJson(api, type, fields.Json());
}

// The body with the bound fields, each of which the body may repeat and not contradict. Those of a
// request with a body are strings and bytes.
absl::StatusOr<std::string> Join(const ApiDescriptors& api, const pb::Descriptor& type,
                                 const std::string& body, const std::string& bound) {
  const std::unique_ptr<pb::Message> whole = api.New(type);
  const std::unique_ptr<pb::Message> fields = api.New(type);
  if (!whole->ParseFromString(body) || !fields->ParseFromString(bound)) {
    return Bad("body", "the body is nested too deeply");
  }
  const pb::Reflection& reflection = *whole->GetReflection();
  std::vector<const pb::FieldDescriptor*> set;
  reflection.ListFields(*fields, &set);
  for (const pb::FieldDescriptor* const field : set) {
    if (!reflection.HasField(*whole, field)) continue;
    if (reflection.GetString(*whole, field) == reflection.GetString(*fields, field)) continue;
    return Bad(field->name(),
               fmt::format("the body has another {} than the path or the headers", field->name()));
  }
  whole->MergeFrom(*fields);
  return whole->SerializeAsString();
}

absl::Status AddIdentity(const HttpRequest& request, Headers* metadata) {
  for (const char* const name : kIdentityHeaders) {
    const auto value = request.Find(name);
    if (!value.has_value()) continue;
    const bool is_plain =
        std::all_of(value->begin(), value->end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
    if (request.CountOf(name) > 1 || !is_plain || value->size() > kIdentityBytesMax) {
      return Bad(name, "send this header once, in printable ASCII");
    }
    metadata->emplace_back(name, *value);
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<std::chrono::milliseconds> ParseTimeout(std::string_view text) {
  absl::Duration timeout;
  if (!absl::ParseDuration(ToAbsl(text), &timeout) || timeout < absl::Milliseconds(1) ||
      timeout > absl::Hours(24)) {
    return std::nullopt;
  }
  return absl::ToChronoMilliseconds(timeout);
}

absl::StatusOr<RestCall> MakeRestCall(const ApiDescriptors& api, const RouteMatch& match,
                                      const HttpRequest& request) {
  const pb::MethodDescriptor& method = *match.route->method;
  RestCall call{.method = "/" + method.service()->full_name() + "/" + method.name(),
                .is_wanted = request.is_wanted};
  if (const auto text = request.Find(kTimeoutHeader)) {
    call.timeout = ParseTimeout(*text);
    if (!call.timeout.has_value()) {
      return Bad(kTimeoutHeader, "is not a time such as 2s, 1.5s or 250ms, of at most a day");
    }
  } else if (match.route->timeout.count() > 0) {
    call.timeout = match.route->timeout;
  }
  KITH_RETURN_IF_ERROR(AddIdentity(request, &call.metadata));
  if (!request.peer.empty()) {
    call.metadata.emplace_back(rpc::kForwardedPeer, "http:" + request.peer);
  }
  KITH_ASSIGN_OR_RETURN(call.request, BindFields(api, match, request));
  if (request.body.empty()) return call;
  KITH_ASSIGN_OR_RETURN(const std::string body,
                        MessageFromJson(api, *method.input_type(), request.body));
  KITH_ASSIGN_OR_RETURN(call.request, Join(api, *method.input_type(), body, call.request));
  return call;
}

}  // namespace kith::http
