#ifndef KITH_CLI_LOAD_LOAD_CALL_H_
#define KITH_CLI_LOAD_LOAD_CALL_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>

#include <chrono>
#include <cstdint>
#include <memory>

#include "cli/load/load_options.h"
#include "cli/load/load_tally.h"
#include "cli/load/load_traffic.h"
#include "kith/v1/points.grpc.pb.h"
#include "kith/v1/search.grpc.pb.h"

namespace kith::cli {

// The stubs of one connection.
struct LoadConnection {
  explicit LoadConnection(const std::shared_ptr<grpc::Channel>& channel)
      : search(v1::Search::NewStub(channel)), points(v1::Points::NewStub(channel)) {}
  std::unique_ptr<v1::Search::Stub> search;
  std::unique_ptr<v1::Points::Stub> points;
};

// One call that may be sent again when it is done; the tag of its own completion.
// Threads: one at a time, the sender's or the receiver's.
class LoadCall {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  virtual ~LoadCall() = default;

  // Fills the request with the `sequence`-th piece of the traffic; outside the measured time.
  virtual void Prepare(uint64_t sequence) = 0;
  // From here on it can be cancelled.
  void Arm(std::chrono::milliseconds deadline);
  void Send(LoadConnection& connection, grpc::CompletionQueue& queue);
  // After the completion queue gave this back.
  CallOutcome Outcome();
  void Cancel() { context_->TryCancel(); }

  Moment due;        // when the schedule wanted it
  size_t part = 0;   // of the mix
  size_t place = 0;  // among the calls in flight; of the worker

 protected:
  virtual void Start(LoadConnection& connection, grpc::ClientContext* context,
                     grpc::CompletionQueue* queue) = 0;
  virtual void ReadAnswer(CallOutcome& outcome) = 0;
  grpc::Status status_;

 private:
  std::unique_ptr<grpc::ClientContext> context_;
};

// A call of that part of the mix. Options and traffic must outlive it.
std::unique_ptr<LoadCall> MakeLoadCall(const LoadOptions& options, const LoadTraffic& traffic,
                                       size_t part);

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_LOAD_CALL_H_
