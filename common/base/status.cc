#include "common/base/status.h"

#include <fmt/format.h>

#include "absl/strings/cord.h"

namespace kith {

absl::Status Error(absl::StatusCode code, std::string_view reason, std::string_view message,
                   std::initializer_list<ErrorFact> facts) {
  absl::Status status(code, ToAbsl(message));
  status.SetPayload(ToAbsl(kReasonUrl), absl::Cord(ToAbsl(reason)));
  for (const auto& [key, value] : facts) SetFact(status, key, value);
  return status;
}

absl::Status FieldError(std::string_view field, std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, reason, fmt::format("{}: {}", field, message),
               {{kFieldFact, std::string(field)}});
}

std::string ReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(ToAbsl(kReasonUrl));
  return payload.has_value() ? std::string(*payload) : std::string();
}

std::optional<std::string> FactOf(const absl::Status& status, std::string_view key) {
  const auto payload = status.GetPayload(fmt::format("{}{}", kFactPrefix, key));
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

void SetFact(absl::Status& status, std::string_view key, std::string_view value) {
  status.SetPayload(fmt::format("{}{}", kFactPrefix, key), absl::Cord(ToAbsl(value)));
}

}  // namespace kith
