#include "cli/client/follow_operation.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "cli/client/connection.h"
#include "common/base/status.h"
#include "kith/v1/operations.grpc.pb.h"

namespace kith::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPoll{200};
// How long the server may be out of reach before following it is given up.
constexpr std::chrono::seconds kOutOfReachMax{60};

// "training 12ab-3".
std::string NameOf(const v1::Operation& operation) {
  std::string_view what = operation.kind();
  if (what == "train") what = "training";
  if (what == "find_duplicates") what = "search for duplicates";
  if (what == "verify_backup") what = "verification";
  return fmt::format("{} {}", what, operation.id());
}

// Nothing for what failed before its first stage.
std::string WhileOf(const v1::Operation& operation) {
  return operation.stage().empty() ? "" : " while " + operation.stage();
}

Progress::State StateOf(const v1::Operation& operation) {
  return {operation.progress(), operation.stage()};
}

absl::Status Await(const std::shared_ptr<grpc::Channel>& channel, InterruptWatch& interrupt,
                   Progress& progress, v1::Operation& operation) {
  const auto stub = v1::Operations::NewStub(channel);
  v1::GetOperationRequest request;
  request.set_id(operation.id());
  auto last_answer = steady_clock::now();
  while (operation.state() == v1::Operation::STATE_RUNNING) {
    progress.Update(StateOf(operation));
    std::this_thread::sleep_for(kPoll);
    if (interrupt.interrupted()) {
      return absl::CancelledError(
          fmt::format("no longer watching; {} goes on at the server: `kith status` shows it",
                      NameOf(operation)));
    }
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

absl::Status ResultOf(const v1::Operation& operation) {
  switch (operation.state()) {
    case v1::Operation::STATE_SUCCEEDED:
      return absl::OkStatus();
    case v1::Operation::STATE_CANCELLED:
      return absl::CancelledError(fmt::format("{} was cancelled", NameOf(operation)));
    default:
      return Error(absl::StatusCode::kFailedPrecondition, operation.error_reason(),
                   fmt::format("{} failed{}: {}", NameOf(operation), WhileOf(operation),
                               operation.error_message()));
  }
}

}  // namespace

absl::Status FollowOperation(const std::shared_ptr<grpc::Channel>& channel,
                             InterruptWatch& interrupt, Progress& progress,
                             v1::Operation& operation) {
  KITH_RETURN_IF_ERROR(Await(channel, interrupt, progress, operation));
  progress.Finish(StateOf(operation));
  return ResultOf(operation);
}

}  // namespace kith::cli
