#include "cli/client/rpc_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "google/rpc/error_details.pb.h"

namespace kith::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{100};
constexpr milliseconds kDelayMax{5'000};
constexpr milliseconds kToldDelayMax{60'000};

void AddErrorInfo(const google::rpc::ErrorInfo& told, absl::Status& status) {
  if (!told.reason().empty()) {
    status.SetPayload(ToAbsl(kReasonUrl), absl::Cord(told.reason()));
  }
  for (const auto& [key, value] : told.metadata()) SetFact(status, key, value);
}

void AddBadRequest(const google::rpc::BadRequest& told, absl::Status& status) {
  std::string fields;
  for (const auto& violation : told.field_violations()) {
    if (!fields.empty()) fields += "; ";
    fields += violation.field();
    const std::string message(status.message());
    if (!violation.description().empty() &&
        message.find(violation.description()) == std::string::npos) {
      fields += ": " + violation.description();
    }
  }
  if (!fields.empty()) SetFact(status, kFieldFact, fields);
}

void AddRetryInfo(const google::rpc::RetryInfo& told, absl::Status& status) {
  const int64_t delay_ms =
      told.retry_delay().seconds() * 1000 + told.retry_delay().nanos() / 1'000'000;
  SetFact(status, kRetryAfterMsFact, std::to_string(std::max<int64_t>(0, delay_ms)));
}

bool StopsForGood(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  return reason == reason::kDiskFull || reason == reason::kMemoryLimit ||
         reason == reason::kRowLimit || reason == reason::kCollectionLimit ||
         reason == reason::kBatchTooLarge;
}

bool MayPass(const absl::Status& status) {
  const absl::StatusCode code = status.code();
  // A server that stops cancels what arrives too late to be told so, without a reason.
  if (code == absl::StatusCode::kCancelled) return ReasonOf(status).empty();
  return code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kResourceExhausted ||
         code == absl::StatusCode::kDeadlineExceeded;
}

}  // namespace

absl::Status FromItemStatus(const google::rpc::Status& status) {
  if (status.code() == 0) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.code()), status.message());
  for (const google::protobuf::Any& detail : status.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info)) {
      AddErrorInfo(info, result);
    } else if (detail.UnpackTo(&bad_request)) {
      AddBadRequest(bad_request, result);
    } else if (detail.UnpackTo(&retry)) {
      AddRetryInfo(retry, result);
    }
  }
  return result;
}

absl::Status FromRpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status told;
  if (!status.error_details().empty() && told.ParseFromString(status.error_details())) {
    told.set_code(static_cast<int>(status.error_code()));
    if (told.message().empty()) told.set_message(status.error_message());
    return FromItemStatus(told);
  }
  const bool unreachable = status.error_code() == grpc::StatusCode::UNAVAILABLE;
  const std::string message =
      unreachable ? fmt::format("cannot reach the server: {}", status.error_message())
                  : status.error_message();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), message);
}

std::optional<milliseconds> RetryDelay(const absl::Status& status, int attempt, double jitter) {
  if (const auto told = FactOf(status, kRetryAfterMsFact)) {
    const auto delay =
        std::min<int64_t>(std::strtoll(told->c_str(), nullptr, 10), kToldDelayMax.count());
    return milliseconds(delay + static_cast<int64_t>(0.25 * jitter * static_cast<double>(delay)));
  }
  const bool unknown_outcome = ReasonOf(status) == reason::kUnknownOutcome;
  if (!MayPass(status) && !unknown_outcome) return std::nullopt;
  if (StopsForGood(status)) return std::nullopt;
  const int doublings = std::min(attempt - 1, 10);
  const milliseconds delay = std::min(kFirstDelay * (int64_t{1} << doublings), kDelayMax);
  return milliseconds(
      static_cast<int64_t>((0.5 + 0.5 * jitter) * static_cast<double>(delay.count())));
}

}  // namespace kith::cli
