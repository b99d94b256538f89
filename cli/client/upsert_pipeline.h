#ifndef KITH_CLI_CLIENT_UPSERT_PIPELINE_H_
#define KITH_CLI_CLIENT_UPSERT_PIPELINE_H_

#include <grpcpp/channel.h>
#include <grpcpp/completion_queue.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/console/interrupt.h"
#include "kith/v1/points.grpc.pb.h"

namespace kith::cli {

// What a source has to say when it is asked for a request.
struct UpsertStep {
  enum class Kind {
    kRequest,  // `request` is filled; `ticket` is how the answer is known again
    kAgain,    // nothing to send came of it, but more may: ask again
    kBlocked,  // not before an answer to a call in flight; there is one
    kEnd,
  };
  Kind kind = Kind::kEnd;
  uint64_t ticket = 0;
};

// Where the requests come from and the answers go.
class UpsertSource {
 public:
  virtual ~UpsertSource() = default;
  // Does a bounded piece of work, so that signals and answers are seen between two calls.
  virtual absl::StatusOr<UpsertStep> Next(v1::UpsertRequest& request) = 0;
  // The call of that ticket succeeded; answers come in any order. `response` may have statuses of
  // single points that no repeat can help.
  virtual absl::Status Done(uint64_t ticket, const v1::UpsertResponse& response,
                            std::chrono::nanoseconds latency) = 0;
  // A call failed and goes out again after the delay.
  virtual void Retrying(const absl::Status& failure, std::chrono::milliseconds delay) = 0;
  // Several times a second.
  virtual absl::Status Tick() = 0;
};

struct UpsertPipelineOptions {
  size_t in_flight = 16;
  std::chrono::milliseconds call_deadline{60'000};
  // Gives up when no call succeeded for so long.
  std::chrono::milliseconds patience{300'000};
};

// Keeps a bounded number of Upserts in flight on one connection. A call that failed for a reason
// that may pass, or one of whose points did, is sent again as it was, with the same request_id,
// after a delay.
// Threads: one at a time; its own calls run on the threads of gRPC.
class UpsertPipeline {
 public:
  UpsertPipeline(std::shared_ptr<grpc::Channel> channel, UpsertPipelineOptions options,
                 InterruptWatch& interrupt);
  ~UpsertPipeline();

  // Until the source has no more, fails, or the server refuses for good; CANCELLED after an
  // interrupt. Calls in flight are always waited for, and their answers given to the source.
  absl::Status Run(UpsertSource& source);

  uint64_t retries() const { return retries_; }

 private:
  struct Call;
  using Moment = std::chrono::steady_clock::time_point;

  absl::Status Loop(UpsertSource& source);
  // What the source said last; kBlocked too where no call is free.
  absl::StatusOr<UpsertStep::Kind> StartNew(UpsertSource& source);
  void StartDue(Moment now);
  void Send(Call& call);
  absl::Status Finish(Call& call, UpsertSource& source);
  absl::Status RetryLater(Call& call, const absl::Status& failure, UpsertSource& source);
  absl::Status TakeAnswer(Moment wait_until, UpsertSource& source);
  Moment NextWake() const;
  void Drain(UpsertSource& source);
  void CancelAll();

  const UpsertPipelineOptions options_;
  InterruptWatch& interrupt_;
  std::unique_ptr<v1::Points::Stub> stub_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::minstd_rand jitter_;
  Moment last_success_;
  uint64_t next_sequence_ = 0;
  uint64_t retries_ = 0;
};

// The failure of a point in the answer that a repeat may cure, or OK.
absl::Status PassingFailure(const v1::UpsertResponse& response);

}  // namespace kith::cli

#endif  // KITH_CLI_CLIENT_UPSERT_PIPELINE_H_
