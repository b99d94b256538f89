#ifndef KITH_COORDINATOR_RPC_UPSERT_STREAM_H_
#define KITH_COORDINATOR_RPC_UPSERT_STREAM_H_

#include <grpcpp/server_context.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/rpc/answer_stream.h"
#include "common/rpc/unary_handler.h"
#include "coordinator/search/deadline_timer.h"
#include "coordinator/write/write_service.h"
#include "kith/v1/points.pb.h"

namespace kith::coordinator::rpc {

// The server's end of one StreamUpsert. A message is held from its arrival until its answer is
// written: with limits::kStreamMessagesMax of them, or kStreamBytesMax under way, the stream is not
// read further, so that a client that does not read its answers soon cannot write either, and takes
// no more memory than that. Where an answer stays unwritten for `stall`, the stream is cancelled.
// Where the process stops, what was read is answered and the stream ends with UNAVAILABLE DRAINING:
// a message without an answer was not begun.
//
// Threads: gRPC's and the shards'; deletes itself.
class UpsertStream final
    : public kith::rpc::AnswerStream<v1::StreamUpsertRequest, v1::StreamUpsertResponse>,
      private kith::rpc::DrainedStream {
 public:
  struct Host {
    const WriteService& write;
    const kith::rpc::UnaryCalls& calls;  // lets messages in, counts them, and drains the stream
    std::chrono::milliseconds stall;
  };
  UpsertStream(const Host& host, grpc::CallbackServerContext* context);

 private:
  struct Arrived {
    uint64_t sequence = 0;
    size_t bytes = 0;
    std::chrono::steady_clock::time_point begin;
  };
  // Shared with the timer, whose task may run when the stream is gone.
  struct Stall {
    std::mutex mutex;
    grpc::CallbackServerContext* context = nullptr;  // guarded by mutex; null once the stream ends
  };

  void OnDone() override;
  void Drain() override { BeginDrain(); }
  void Handle(v1::StreamUpsertRequest& message) override;
  bool HasRoom() const override;
  bool AwaitsAnswers() const override { return under_way_ > 0 || !answers_.empty(); }
  bool TakeAnswers(v1::StreamUpsertResponse& outgoing) override;
  void OnAnswersWritten() override;
  void DropAnswers() override { answers_.clear(); }
  grpc::Status EndStatus() const override;

  // Counts the message that came; false where it is not taken: the stream ends.
  bool Admit(const Arrived& arrived);
  void Answer(const Arrived& arrived, v1::StreamUpsertResponse&& answer);
  void WatchWrite();
  const Host host_;
  const grpc::CallbackServerContext& context_;  // gRPC's; until OnDone
  const std::optional<Deadline> deadline_;
  const std::shared_ptr<Stall> stall_ = std::make_shared<Stall>();
  // Guarded by mutex_.
  std::deque<v1::StreamUpsertResponse> answers_;
  std::optional<DeadlineTimer::Ticket> watch_;  // of the write in flight
  size_t under_way_ = 0;                        // messages that are not answered yet
  size_t bytes_ = 0;                            // of those
};

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_UPSERT_STREAM_H_
