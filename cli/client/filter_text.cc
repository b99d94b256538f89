#include "cli/client/filter_text.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <string_view>
#include <utility>

#include "cli/console/terminal.h"

namespace kith::cli {

absl::StatusOr<v1::Filter> ParseFilter(const std::string& text) {
  v1::Filter filter;
  const auto parsed = google::protobuf::util::JsonStringToMessage(text, &filter);
  if (parsed.ok()) return filter;
  return UsageError(
      "--filter",
      fmt::format("is no JSON of a filter ({}); an example: {{\"match\": {{\"field\": \"color\", "
                  "\"value\": {{\"keyword\": \"red\"}}}}}}",
                  std::string(parsed.message())));
}

absl::StatusOr<v1::PayloadField> ParsePayloadField(const std::string& text) {
  constexpr std::pair<std::string_view, v1::FieldType> kTypes[] = {
      {"keyword", v1::FIELD_TYPE_KEYWORD},
      {"integer", v1::FIELD_TYPE_INTEGER},
      {"double", v1::FIELD_TYPE_DOUBLE},
      {"boolean", v1::FIELD_TYPE_BOOLEAN}};
  const size_t colon = text.rfind(':');
  if (colon != std::string::npos) {
    const std::string_view type = std::string_view(text).substr(colon + 1);
    for (const auto& [name, value] : kTypes) {
      if (type != name) continue;
      v1::PayloadField field;
      field.set_name(text.substr(0, colon));
      field.set_type(value);
      return field;
    }
  }
  return UsageError("--payload-field",
                    fmt::format("{} is not NAME:TYPE with a type of keyword, integer, double and "
                                "boolean",
                                text));
}

}  // namespace kith::cli
