#include "cli/client/rpc_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "google/rpc/error_details.pb.h"
#include "tests/unit/cli/fake_server.h"

namespace kith::cli {
namespace {

using std::chrono::milliseconds;

TEST(FromRpcStatus, KeepsReasonMetadataFieldsAndDelay) {
  google::rpc::Status told;
  told.set_code(8);
  told.set_message("slow down");
  google::rpc::ErrorInfo info;
  info.set_reason("QUEUE_FULL");
  (*info.mutable_metadata())["shard"] = "3";
  told.add_details()->PackFrom(info);
  google::rpc::BadRequest bad;
  bad.add_field_violations()->set_field("points[2].vector");
  bad.mutable_field_violations(0)->set_description("has 3 elements");
  told.add_details()->PackFrom(bad);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(1);
  retry.mutable_retry_delay()->set_nanos(500'000'000);
  told.add_details()->PackFrom(retry);
  const absl::Status status = FromRpcStatus(RpcErrorOf(told));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "QUEUE_FULL");
  EXPECT_EQ(FactOf(status, "shard"), "3");
  EXPECT_EQ(FactOf(status, kFieldFact), "points[2].vector: has 3 elements");
  EXPECT_EQ(RetryDelay(status, 1, 0), milliseconds(1500));
  EXPECT_EQ(RetryDelay(status, 9, 0.8), milliseconds(1800));
}

TEST(FromRpcStatus, TakesAnErrorWithoutDetails) {
  const absl::Status status =
      FromRpcStatus(grpc::Status(grpc::StatusCode::INTERNAL, "broken", "not a status \xff"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(status.message(), "broken");
}

TEST(RetryDelay, DoublesUpToFiveSecondsForWhatMayPass) {
  const absl::Status away = absl::UnavailableError("away");
  EXPECT_EQ(RetryDelay(away, 1, 0), milliseconds(50));
  EXPECT_EQ(RetryDelay(away, 2, 0), milliseconds(100));
  EXPECT_EQ(RetryDelay(away, 50, 0), milliseconds(2500));
  EXPECT_LE(*RetryDelay(away, 50, 0.999), milliseconds(5000));
  EXPECT_TRUE(RetryDelay(absl::DeadlineExceededError(""), 1, 0).has_value());
}

TEST(RetryDelay, TakesACancellationWithoutAReasonForAServerThatStops) {
  EXPECT_TRUE(RetryDelay(absl::CancelledError(""), 1, 0).has_value());
  const absl::Status named = Error(absl::StatusCode::kCancelled, "SOME_REASON", "");
  EXPECT_EQ(RetryDelay(named, 1, 0), std::nullopt);
}

TEST(RetryDelay, GivesUpWhereARepeatCannotHelp) {
  EXPECT_EQ(RetryDelay(absl::InvalidArgumentError(""), 1, 0), std::nullopt);
  EXPECT_EQ(RetryDelay(absl::NotFoundError(""), 1, 0), std::nullopt);
  const absl::Status full = FromItemStatus(ItemError(8, "DISK_FULL", "full"));
  EXPECT_EQ(RetryDelay(full, 1, 0), std::nullopt);
}

}  // namespace
}  // namespace kith::cli
