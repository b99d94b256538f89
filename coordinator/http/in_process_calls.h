#ifndef KITH_COORDINATOR_HTTP_IN_PROCESS_CALLS_H_
#define KITH_COORDINATOR_HTTP_IN_PROCESS_CALLS_H_

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "coordinator/http/rest_calls.h"

namespace grpc {
class Channel;
}

namespace kith::http {

// Calls over a channel to the gRPC server of this process: REST meets the same handlers,
// interceptors, limits, metrics and drain as any other caller, and no socket.
//
// Threads: any.
class InProcessCalls final : public RestCalls {
 public:
  explicit InProcessCalls(std::shared_ptr<grpc::Channel> channel) : channel_(std::move(channel)) {}
  RestReply Make(const RestCall& call) override;
  // Before the server shuts down: gRPC 1.51 then ends calls of its own process at once, whatever
  // time the others are given, and crashes in one that begins afterwards.
  void Close(Deadline deadline) override;

 private:
  class UnderWay;

  const std::shared_ptr<grpc::Channel> channel_;
  std::shared_mutex beginning_;  // shared by calls while they begin
  bool is_closed_ = false;
  std::mutex counting_;
  std::condition_variable has_ended_;
  size_t under_way_ = 0;
};

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_IN_PROCESS_CALLS_H_
