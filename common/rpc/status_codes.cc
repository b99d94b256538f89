#include "common/rpc/status_codes.h"

#include <google/protobuf/any.pb.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "absl/strings/numbers.h"
#include "common/auth/quotas.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "google/rpc/error_details.pb.h"

namespace kith::rpc {
namespace {

// All of a status travels in HTTP/2 headers, percent-encoded and as base64, and gRPC refuses more
// than 8 KiB of them; these keep the worst case below that.
constexpr size_t kMessageBytesMax = 1024;
constexpr size_t kFactsBytesMax = 1024;
constexpr size_t kDescriptionBytesMax = 256;
constexpr int64_t kRetryAfterMsMax = 24LL * 3600 * 1000;

// The length of the valid UTF-8 sequence at the start of `text`, 0 where there is none.
size_t Utf8Length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xf0 && lead <= 0xf4   ? 4
                        : lead >= 0xe0 && lead <= 0xef ? 3
                        : lead >= 0xc2 && lead <= 0xdf ? 2
                                                       : 0;
  if (length == 0 || text.size() < length) return 0;
  uint32_t point = lead & (0xff >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return 0;
    point = point << 6 | (byte & 0x3f);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  return overlong || surrogate || point > 0x10ffff ? 0 : length;
}

// At most `bytes_max` bytes of `text`; whatever is not UTF-8 becomes '?'.
std::string CleanText(std::string_view text, size_t bytes_max) {
  std::string clean;
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (clean.size() + std::max<size_t>(length, 1) > bytes_max) break;
    if (length == 0) {
      clean += '?';
    } else {
      clean += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return clean;
}

std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

void AddRetryInfo(const std::string& retry_after_ms, google::rpc::Status* out) {
  int64_t ms = 0;
  if (!absl::SimpleAtoi(retry_after_ms, &ms) || ms < 0 || ms > kRetryAfterMsMax) return;
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(ms / 1000);
  retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(ms % 1000 * 1'000'000));
  out->add_details()->PackFrom(retry);
}

void AddDetails(const absl::Status& status, google::rpc::Status* out) {
  google::rpc::ErrorInfo info;
  info.set_reason(CleanText(ReasonOf(status), kDescriptionBytesMax));
  info.set_domain(kErrorDomain);
  size_t room = kFactsBytesMax;
  ForEachFact(status, [&](std::string_view key, const std::string& value) {
    const std::string name = CleanText(key, room);
    const std::string text = CleanText(value, room - name.size());
    room -= name.size() + text.size();
    if (!name.empty()) (*info.mutable_metadata())[name] = text;
  });
  if (info.reason().empty() && info.metadata().empty()) return;
  out->add_details()->PackFrom(info);

  if (const auto field = FactOf(status, kFieldFact)) {
    google::rpc::BadRequest bad;
    auto* violation = bad.add_field_violations();
    violation->set_field(CleanText(*field, kDescriptionBytesMax));
    violation->set_description(CleanText(MessageOf(status), kDescriptionBytesMax));
    out->add_details()->PackFrom(bad);
  }
  if (const auto retry = FactOf(status, kRetryAfterMsFact)) AddRetryInfo(*retry, out);
  if (const auto quota = FactOf(status, auth::kQuotaFact)) {
    google::rpc::QuotaFailure failure;
    auto* violation = failure.add_violations();
    violation->set_subject(
        CleanText("key:" + FactOf(status, auth::kKeyFact).value_or(""), kDescriptionBytesMax));
    violation->set_description(CleanText(*quota, kDescriptionBytesMax));
    out->add_details()->PackFrom(failure);
  }
}

absl::StatusCode CodeFrom(int code) {
  return code >= 0 && code <= 16 ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown;
}

}  // namespace

google::rpc::Status StatusToProto(const absl::Status& status) {
  google::rpc::Status out;
  if (status.ok()) return out;
  out.set_code(static_cast<int>(status.code()));
  out.set_message(CleanText(MessageOf(status), kMessageBytesMax));
  AddDetails(status, &out);
  return out;
}

absl::Status StatusFromProto(const google::rpc::Status& status) {
  if (status.code() == 0) return absl::OkStatus();
  absl::Status out(CodeFrom(status.code()), status.message());
  for (const google::protobuf::Any& detail : status.details()) {
    google::rpc::ErrorInfo info;
    if (!detail.Is<google::rpc::ErrorInfo>() || !detail.UnpackTo(&info)) continue;
    if (info.domain() != kErrorDomain) continue;
    if (!info.reason().empty()) out.SetPayload(ToAbsl(kReasonUrl), absl::Cord(info.reason()));
    for (const auto& [key, value] : info.metadata()) SetFact(out, key, value);
  }
  return out;
}

grpc::Status StatusToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status proto = StatusToProto(status);
  return grpc::Status(static_cast<grpc::StatusCode>(proto.code()), proto.message(),
                      proto.details().empty() ? std::string() : proto.SerializeAsString());
}

absl::Status StatusFromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status proto;
  const bool has_details = !status.error_details().empty() &&
                           proto.ParseFromString(status.error_details()) &&
                           proto.code() == static_cast<int>(status.error_code());
  if (has_details) return StatusFromProto(proto);
  return absl::Status(CodeFrom(status.error_code()), status.error_message());
}

absl::Status WithTransportReason(absl::Status status) {
  if (status.ok() || !ReasonOf(status).empty()) return status;
  const char* reason = status.code() == absl::StatusCode::kUnavailable ? reason::kShardUnavailable
                       : status.code() == absl::StatusCode::kDeadlineExceeded ? reason::kDeadline
                                                                              : nullptr;
  if (reason != nullptr) status.SetPayload(ToAbsl(kReasonUrl), absl::Cord(reason));
  return status;
}

const char* CodeName(absl::StatusCode code) {
  static constexpr std::array<const char*, 17> kNames = {"OK",
                                                         "CANCELLED",
                                                         "UNKNOWN",
                                                         "INVALID_ARGUMENT",
                                                         "DEADLINE_EXCEEDED",
                                                         "NOT_FOUND",
                                                         "ALREADY_EXISTS",
                                                         "PERMISSION_DENIED",
                                                         "RESOURCE_EXHAUSTED",
                                                         "FAILED_PRECONDITION",
                                                         "ABORTED",
                                                         "OUT_OF_RANGE",
                                                         "UNIMPLEMENTED",
                                                         "INTERNAL",
                                                         "UNAVAILABLE",
                                                         "DATA_LOSS",
                                                         "UNAUTHENTICATED"};
  const auto index = static_cast<size_t>(code);
  return index < kNames.size() ? kNames[index] : "UNKNOWN";
}

}  // namespace kith::rpc
