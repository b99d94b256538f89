#include "tests/fuzz/checked_calls.h"

#include <google/protobuf/message.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/base/limits.h"
#include "coordinator/http/rest_json.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

// gRPC ends the process where metadata has other bytes.
bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

// "/kith.v1.Points/Upsert" is the method "kith.v1.Points.Upsert".
std::string FullName(std::string_view path) {
  Require(path.starts_with('/'), "a method begins with a slash");
  std::string name(path.substr(1));
  std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

}  // namespace

http::RestReply CheckedCalls::Make(const http::RestCall& call) {
  Require(!call.timeout.has_value() || (*call.timeout >= std::chrono::milliseconds(1) &&
                                        *call.timeout <= std::chrono::hours(24)),
          "a timeout is within its bounds");
  for (const auto& [name, value] : call.metadata) {
    Require(IsPrintable(name) && IsPrintable(value), "metadata are printable");
  }
  CheckMessage(call);
  return {};
}

void CheckedCalls::CheckMessage(const http::RestCall& call) const {
  const google::protobuf::MethodDescriptor* const method = api_->FindMethod(FullName(call.method));
  Require(method != nullptr, "there is such a method");
  const google::protobuf::Descriptor& type = *method->input_type();
  const auto message = api_->New(type);
  Require(call.request.size() <= limits::kMessageBytesMax && message->ParseFromString(call.request),
          "a request is a message of its method");
  const auto json = http::MessageToJson(*api_, type, call.request);
  Require(json.ok(), "a request that came as JSON goes back into it");
  const auto bytes = http::MessageFromJson(*api_, type, *json);
  const auto again = api_->New(type);
  Require(bytes.ok() && again->ParseFromString(*bytes) &&
              again->SerializeAsString() == message->SerializeAsString(),
          "a request means the same when it has gone through JSON again");
}

void CheckAnswer(const http::HttpAnswer& answer) {
  const bool is_error = answer.code >= 400 && answer.code < 500;
  Require(answer.code == 200 || is_error, "no request brings an error of the server's own");
  for (const auto& [name, value] : answer.headers) {
    Require(IsPrintable(name) && IsPrintable(value), "headers are printable");
  }
  const auto body = nlohmann::json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  Require(body.is_object(), "an answer is a JSON object");
  Require(!is_error || (body.contains("code") && !body.value("message", "").empty()),
          "an error has a code and says what is wrong");
}

}  // namespace kith::fuzz
