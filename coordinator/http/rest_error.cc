#include "coordinator/http/rest_error.h"

#include <google/protobuf/util/json_util.h>

#include <array>
#include <utility>

#include "common/rpc/status_codes.h"
#include "google/rpc/error_details.pb.h"

namespace kith::http {
namespace {

std::string JsonOf(const google::rpc::Status& status) {
  std::string json;
  if (google::protobuf::util::MessageToJsonString(status, &json).ok()) return json;
  // A detail of a type that this build does not know.
  google::rpc::Status bare = status;
  bare.clear_details();
  json.clear();
  // What is left is a number and text that was checked when it was received.
  (void)google::protobuf::util::MessageToJsonString(bare, &json);
  return json;
}

// Whole seconds, rounded up: a caller that comes back earlier is refused again.
void AddRetryAfter(const google::rpc::Status& status, HttpAnswer* answer) {
  for (const google::protobuf::Any& detail : status.details()) {
    google::rpc::RetryInfo retry;
    if (!detail.Is<google::rpc::RetryInfo>() || !detail.UnpackTo(&retry)) continue;
    const int64_t seconds =
        retry.retry_delay().seconds() + (retry.retry_delay().nanos() > 0 ? 1 : 0);
    answer->headers.emplace_back("Retry-After", std::to_string(seconds));
  }
}

}  // namespace

int HttpCodeOf(absl::StatusCode code) {
  static constexpr std::array<int, 17> kCodes = {
      200,  // OK
      499,  // CANCELLED: the caller closed the connection
      500,  // UNKNOWN
      400,  // INVALID_ARGUMENT
      504,  // DEADLINE_EXCEEDED
      404,  // NOT_FOUND
      409,  // ALREADY_EXISTS
      403,  // PERMISSION_DENIED
      429,  // RESOURCE_EXHAUSTED
      400,  // FAILED_PRECONDITION
      409,  // ABORTED
      400,  // OUT_OF_RANGE
      501,  // UNIMPLEMENTED
      500,  // INTERNAL
      503,  // UNAVAILABLE
      500,  // DATA_LOSS
      401,  // UNAUTHENTICATED
  };
  const auto index = static_cast<size_t>(code);
  return index < kCodes.size() ? kCodes[index] : 500;
}

const char* ReasonPhrase(int code) {
  static constexpr std::pair<int, const char*> kPhrases[] = {
      {200, "OK"},
      {400, "Bad Request"},
      {408, "Request Timeout"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {503, "Service Unavailable"},
  };
  for (const auto& [known, phrase] : kPhrases) {
    if (known == code) return phrase;
  }
  return "";
}

HttpAnswer ErrorAnswer(const google::rpc::Status& status) {
  HttpAnswer answer{.code = HttpCodeOf(static_cast<absl::StatusCode>(status.code())),
                    .body = JsonOf(status) + "\n"};
  AddRetryAfter(status, &answer);
  if (answer.code == 401) answer.headers.emplace_back("WWW-Authenticate", "Bearer");
  return answer;
}

HttpAnswer ErrorAnswer(const absl::Status& status) {
  return ErrorAnswer(rpc::StatusToProto(status));
}

HttpAnswer ErrorAnswer(const absl::Status& status, int code) {
  HttpAnswer answer = ErrorAnswer(status);
  answer.code = code;
  return answer;
}

}  // namespace kith::http
