#include "common/rpc/deadline.h"

#include <grpcpp/server_context.h>

namespace kith::rpc {

std::optional<Deadline> DeadlineOf(const grpc::ServerContextBase& context) {
  const auto deadline = context.deadline();
  const auto now = std::chrono::system_clock::now();
  // "No deadline" arrives as the end of time; a year is beyond whatever anybody means.
  if (deadline - now > std::chrono::hours(24 * 365)) return std::nullopt;
  return DeadlineIn(deadline - now);
}

std::chrono::system_clock::time_point ToSystemClock(Deadline deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  if (left > std::chrono::hours(24 * 365)) return std::chrono::system_clock::time_point::max();
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(left);
}

}  // namespace kith::rpc
