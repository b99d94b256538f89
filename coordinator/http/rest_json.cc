#include "coordinator/http/rest_json.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::http {
namespace {

namespace pb = google::protobuf;

absl::Status CheckMembers(std::string_view json, ptrdiff_t members_max) {
  const ptrdiff_t objects = std::count(json.begin(), json.end(), '{');
  const ptrdiff_t quotes =
      std::count(json.begin(), json.end(), '"') + std::count(json.begin(), json.end(), '\'');
  if (objects + quotes / 2 <= members_max) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, reason::kBatchTooLarge,
               fmt::format("the body has more than {} objects and strings; send less at a time",
                           members_max));
}

// Protobuf says "(points[0]) foo: Cannot find field." of names and "(points[0].id): invalid value
// ..." of values; anything else is about the text as a whole.
absl::Status JsonError(const pb::util::Status& status, const pb::Descriptor& type) {
  constexpr std::string_view kNoField = ": Cannot find field.";
  const std::string text(status.message().data(), status.message().size());
  std::string_view rest = text;
  std::string path;
  if (const size_t end = rest.find(')'); rest.starts_with('(') && end != std::string_view::npos) {
    path = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  }
  if (rest.ends_with(kNoField)) {
    rest.remove_suffix(kNoField.size());
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    const std::string field = path.empty() ? std::string(rest) : fmt::format("{}.{}", path, rest);
    return FieldError(field, reason::kBadRequest,
                      fmt::format("{} has no such field; GET /openapi.json lists those there are",
                                  std::string_view(type.full_name())));
  }
  if (!path.empty()) return FieldError(path, reason::kBadRequest, text);
  return FieldError(
      "body", reason::kBadRequest,
      fmt::format("the body is not the JSON of the request: {}", text.substr(0, text.find('\n'))));
}

}  // namespace

absl::StatusOr<std::string> MessageFromJson(const ApiDescriptors& api, const pb::Descriptor& type,
                                            std::string_view json, const JsonLimits& limits) {
  const size_t begin = json.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return std::string();
  if (json[begin] != '{') {
    return FieldError("body", reason::kBadRequest, "the body must be a JSON object");
  }
  KITH_RETURN_IF_ERROR(CheckMembers(json, limits.members_max));
  std::string message;
  const pb::util::Status parsed = pb::util::JsonToBinaryString(
      api.resolver(), ApiDescriptors::UrlOf(type), {json.data(), json.size()}, &message);
  if (!parsed.ok()) return JsonError(parsed, type);
  if (message.size() > limits.message_bytes_max) {
    return Error(
        absl::StatusCode::kInvalidArgument, reason::kBatchTooLarge,
        fmt::format("the request is {} bytes as a message, at most {} are taken; send less "
                    "at a time",
                    message.size(), limits.message_bytes_max));
  }
  return message;
}

absl::StatusOr<std::string> MessageToJson(const ApiDescriptors& api, const pb::Descriptor& type,
                                          const std::string& message) {
  pb::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  const pb::util::Status printed = pb::util::BinaryToJsonString(
      api.resolver(), ApiDescriptors::UrlOf(type), message, &json, options);
  if (printed.ok()) return json;
  return absl::InternalError(
      fmt::format("the answer cannot be written as JSON: {}", printed.ToString()));
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20) {
      quoted += fmt::format("\\u{:04x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace kith::http
