#include "cli/client/follow_operation.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "common/base/status.h"
#include "kith/v1/operations.grpc.pb.h"

namespace kith::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPoll{200};
// How long the server may be out of reach before following it is given up.
constexpr std::chrono::seconds kOutOfReachMax{60};

absl::Status Detached(const Following& following, const v1::Operation& operation) {
  return absl::CancelledError(
      fmt::format("no longer watching; {} {} goes on at the server: `kith status` shows it",
                  following.what, operation.id()));
}

Progress::State StateOf(const v1::Operation& operation) {
  return {operation.progress(), operation.stage()};
}

absl::Status Watch(const Following& following, v1::Operation& operation) {
  const auto stub = v1::Operations::NewStub(following.channel);
  v1::GetOperationRequest request;
  request.set_id(operation.id());
  auto last_answer = steady_clock::now();
  while (operation.state() == v1::Operation::STATE_RUNNING) {
    following.progress.Update(StateOf(operation));
    std::this_thread::sleep_for(kPoll);
    if (following.interrupt.interrupted()) return Detached(following, operation);
    const absl::Status asked = CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
      return stub->GetOperation(context, request, &operation);
    });
    const auto now = steady_clock::now();
    if (asked.ok()) {
      last_answer = now;
    } else if (!RetryDelay(asked, 1, 0).has_value() || now - last_answer > kOutOfReachMax) {
      return asked;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status FollowOperation(const Following& following, v1::Operation& operation) {
  KITH_RETURN_IF_ERROR(Watch(following, operation));
  following.progress.Finish(StateOf(operation));
  switch (operation.state()) {
    case v1::Operation::STATE_SUCCEEDED:
      return absl::OkStatus();
    case v1::Operation::STATE_CANCELLED:
      return absl::CancelledError(
          fmt::format("{} {} was cancelled", following.what, operation.id()));
    default:
      return Error(absl::StatusCode::kFailedPrecondition, operation.error_reason(),
                   fmt::format("{} {} failed while {}: {}", following.what, operation.id(),
                               operation.stage(), operation.error_message()));
  }
}

}  // namespace kith::cli
