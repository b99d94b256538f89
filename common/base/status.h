#ifndef KITH_COMMON_BASE_STATUS_H_
#define KITH_COMMON_BASE_STATUS_H_

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Errors across every border are absl::Status. An error that a program may act on carries a reason
// (UPPER_SNAKE, listed in common/base/reasons.h) and key=value facts; common/rpc turns them into
// google.rpc.ErrorInfo.

#define KITH_RETURN_IF_ERROR(expression)         \
  do {                                           \
    absl::Status kith_status_ = (expression);    \
    if (!kith_status_.ok()) return kith_status_; \
  } while (false)

#define KITH_CONCAT_INNER_(a, b) a##b
#define KITH_CONCAT_(a, b) KITH_CONCAT_INNER_(a, b)
#define KITH_ASSIGN_OR_RETURN(target, expression) \
  KITH_ASSIGN_OR_RETURN_(KITH_CONCAT_(kith_result_, __LINE__), target, expression)
#define KITH_ASSIGN_OR_RETURN_(result, target, expression) \
  auto result = (expression);                              \
  if (!result.ok()) return std::move(result).status();     \
  target = *std::move(result)

namespace kith {

// Debian's Abseil has a string_view of its own that does not convert from the standard one.
inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

using ErrorFact = std::pair<std::string_view, std::string>;

// An error with a reason. `message` says what is wrong, what was expected and what to do.
absl::Status Error(absl::StatusCode code, std::string_view reason, std::string_view message,
                   std::initializer_list<ErrorFact> facts = {});
// INVALID_ARGUMENT naming the request's field ("points[3].vector").
absl::Status FieldError(std::string_view field, std::string_view reason, std::string_view message);

std::string ReasonOf(const absl::Status& status);  // empty where there is none
std::optional<std::string> FactOf(const absl::Status& status, std::string_view key);
void SetFact(absl::Status& status, std::string_view key, std::string_view value);
// Calls visit(key, value) for every fact.
template <typename Visit>
void ForEachFact(const absl::Status& status, Visit visit);

inline constexpr std::string_view kFactPrefix = "kith.fact/";
inline constexpr std::string_view kReasonUrl = "kith.reason";
inline constexpr std::string_view kFieldFact = "field";
inline constexpr std::string_view kRetryAfterMsFact = "retry_after_ms";

template <typename Visit>
void ForEachFact(const absl::Status& status, Visit visit) {
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& value) {
    const std::string_view text(url.data(), url.size());
    if (text.substr(0, kFactPrefix.size()) == kFactPrefix) {
      visit(text.substr(kFactPrefix.size()), std::string(value));
    }
  });
}

}  // namespace kith

#endif  // KITH_COMMON_BASE_STATUS_H_
