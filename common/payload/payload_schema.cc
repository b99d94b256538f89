#include "common/payload/payload_schema.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith {
namespace {

bool IsNameLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

absl::Status Bad(size_t place, std::string_view part, std::string_view message) {
  return FieldError(fmt::format("payload_fields[{}].{}", place, part), reason::kBadRequest,
                    message);
}

}  // namespace

const char* NameOf(FieldType type) {
  switch (type) {
    case FieldType::kKeyword:
      return "keyword";
    case FieldType::kInteger:
      return "integer";
    case FieldType::kDouble:
      return "double";
    case FieldType::kBoolean:
      return "boolean";
  }
  return "unknown";
}

std::optional<uint16_t> FindField(const PayloadSchema& schema, std::string_view name) {
  for (size_t i = 0; i < schema.size(); ++i) {
    if (schema[i].is_indexed() && schema[i].name == name) return static_cast<uint16_t>(i);
  }
  return std::nullopt;
}

bool HasIndexedFields(const PayloadSchema& schema) {
  return std::any_of(schema.begin(), schema.end(),
                     [](const PayloadField& field) { return field.is_indexed(); });
}

absl::Status CheckBuilt(const PayloadField& field) {
  if (field.state != FieldState::kBuilding) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, reason::kPayloadIndexBuilding,
               fmt::format("the index of field {} is being built, {:.0f} % of the points that were "
                           "there are in it; ask again when its operation has succeeded",
                           field.name, 100 * field.built_share),
               {{kFieldFact, field.name}});
}

absl::Status CheckSchema(const PayloadSchema& schema) {
  if (schema.size() > limits::kPayloadFieldsMax) {
    return FieldError("payload_fields", reason::kBadRequest,
                      fmt::format("{} fields, at most {} are indexed; leave out those that no "
                                  "filter names",
                                  schema.size(), limits::kPayloadFieldsMax));
  }
  for (size_t i = 0; i < schema.size(); ++i) {
    const PayloadField& field = schema[i];
    if (field.state == FieldState::kFree && field.name.empty()) continue;
    if (field.name.empty() || field.name.size() > limits::kFieldNameBytesMax ||
        !std::all_of(field.name.begin(), field.name.end(), IsNameLetter)) {
      return Bad(i, "name",
                 fmt::format("a name is 1 to {} of a-z, A-Z, 0-9, _, - and .",
                             limits::kFieldNameBytesMax));
    }
    const auto same = [&](const PayloadField& other) { return other.name == field.name; };
    if (std::any_of(schema.begin(), schema.begin() + static_cast<ptrdiff_t>(i), same)) {
      return Bad(i, "name", fmt::format("{} is named twice; index it once", field.name));
    }
    if (field.type < FieldType::kKeyword || field.type > FieldType::kBoolean) {
      return Bad(i, "type", "name one of KEYWORD, INTEGER, DOUBLE and BOOLEAN");
    }
  }
  return absl::OkStatus();
}

}  // namespace kith
