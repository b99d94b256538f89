#include "common/rpc/status_codes.h"

#include <google/protobuf/any.pb.h>
#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "google/rpc/error_details.pb.h"

namespace kith::rpc {
namespace {

template <typename Detail>
Detail DetailOf(const google::rpc::Status& status) {
  Detail detail;
  for (const google::protobuf::Any& any : status.details()) {
    if (any.Is<Detail>()) any.UnpackTo(&detail);
  }
  return detail;
}

TEST(StatusCodesTest, ReasonAndFactsSurviveBothWays) {
  const absl::Status sent =
      Error(absl::StatusCode::kResourceExhausted, reason::kDiskFull, "the disk is full",
            {{"free_bytes", "17"}, {kRetryAfterMsFact, "2500"}});
  for (const absl::Status& got :
       {StatusFromGrpc(StatusToGrpc(sent)), StatusFromProto(StatusToProto(sent))}) {
    EXPECT_EQ(got.code(), sent.code());
    EXPECT_EQ(got.message(), sent.message());
    EXPECT_EQ(ReasonOf(got), reason::kDiskFull);
    EXPECT_EQ(FactOf(got, "free_bytes"), "17");
    EXPECT_EQ(FactOf(got, kRetryAfterMsFact), "2500");
  }
}

TEST(StatusCodesTest, EveryCodeKeepsItsNumber) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "x");
    EXPECT_EQ(static_cast<int>(StatusToGrpc(status).error_code()), code);
    EXPECT_EQ(StatusFromGrpc(StatusToGrpc(status)).code(), status.code());
  }
  EXPECT_TRUE(StatusToGrpc(absl::OkStatus()).ok());
  EXPECT_TRUE(StatusFromGrpc(grpc::Status::OK).ok());
  EXPECT_STREQ(CodeName(absl::StatusCode::kUnauthenticated), "UNAUTHENTICATED");
  EXPECT_STREQ(CodeName(absl::StatusCode::kDeadlineExceeded), "DEADLINE_EXCEEDED");
  EXPECT_STREQ(CodeName(static_cast<absl::StatusCode>(99)), "UNKNOWN");
}

TEST(StatusCodesTest, TheStandardDetailsAreThereForEveryClient) {
  absl::Status status = FieldError("points[3].vector", reason::kBadVector, "is empty");
  SetFact(status, kRetryAfterMsFact, "2500");
  const google::rpc::Status proto = StatusToProto(status);
  const auto info = DetailOf<google::rpc::ErrorInfo>(proto);
  EXPECT_EQ(info.domain(), "kith");
  EXPECT_EQ(info.reason(), reason::kBadVector);
  EXPECT_EQ(info.metadata().at("field"), "points[3].vector");
  const auto bad = DetailOf<google::rpc::BadRequest>(proto);
  ASSERT_EQ(bad.field_violations_size(), 1);
  EXPECT_EQ(bad.field_violations(0).field(), "points[3].vector");
  EXPECT_EQ(bad.field_violations(0).description(), "points[3].vector: is empty");
  const auto retry = DetailOf<google::rpc::RetryInfo>(proto);
  EXPECT_EQ(retry.retry_delay().seconds(), 2);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
}

TEST(StatusCodesTest, AnErrorWithoutReasonCarriesNoDetails) {
  EXPECT_TRUE(StatusToGrpc(absl::InternalError("x")).error_details().empty());
}

TEST(StatusCodesTest, LongAndBrokenTextIsCutAndCleanedSoThatHeadersFit) {
  absl::Status status = FieldError(std::string(5000, '\xff'), reason::kBadRequest,
                                   std::string(100'000, 'm') + "\xc3");
  for (int i = 0; i < 50; ++i)
    SetFact(status, "fact" + std::to_string(i), std::string(500, '\x01'));
  const grpc::Status sent = StatusToGrpc(status);
  EXPECT_LE(sent.error_message().size() * 3 + sent.error_details().size() * 4 / 3, 8000u);
  google::rpc::Status parsed;
  EXPECT_TRUE(parsed.ParseFromString(sent.error_details()));
  EXPECT_EQ(StatusFromGrpc(sent).code(), absl::StatusCode::kInvalidArgument);
}

TEST(StatusCodesTest, TextIsCutBetweenCharactersNotInsideOne) {
  const absl::Status status(absl::StatusCode::kInternal, std::string(1023, 'x') + "\u00e9");
  EXPECT_EQ(StatusToGrpc(status).error_message(), std::string(1023, 'x'));
  EXPECT_EQ(
      StatusToGrpc(absl::InternalError("caf\u00e9 \u20ac \U0001f600 \xed\xa0\x80")).error_message(),
      "caf\u00e9 \u20ac \U0001f600 ???");
}

TEST(StatusCodesTest, ForeignDetailsAreNotTakenForOurs) {
  google::rpc::ErrorInfo info;
  info.set_domain("elsewhere");
  info.set_reason("DISK_FULL");
  google::rpc::Status proto;
  proto.set_code(14);
  proto.add_details()->PackFrom(info);
  EXPECT_EQ(ReasonOf(StatusFromProto(proto)), "");
  const grpc::Status garbage(grpc::StatusCode::UNAVAILABLE, "x", "\x08\x0e garbage");
  EXPECT_EQ(StatusFromGrpc(garbage).code(), absl::StatusCode::kUnavailable);
  google::rpc::Status strange;
  strange.set_code(77);
  EXPECT_EQ(StatusFromProto(strange).code(), absl::StatusCode::kUnknown);
}

TEST(StatusCodesTest, TransportErrorsGetAReasonAndOursKeepTheirs) {
  EXPECT_EQ(ReasonOf(WithTransportReason(absl::UnavailableError("x"))), reason::kShardUnavailable);
  EXPECT_EQ(ReasonOf(WithTransportReason(absl::DeadlineExceededError("x"))), reason::kDeadline);
  EXPECT_EQ(
      ReasonOf(WithTransportReason(Error(absl::StatusCode::kUnavailable, reason::kDraining, "x"))),
      reason::kDraining);
  EXPECT_EQ(ReasonOf(WithTransportReason(absl::InternalError("x"))), "");
}

}  // namespace
}  // namespace kith::rpc
