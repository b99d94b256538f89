#ifndef KITH_COORDINATOR_RPC_UPSERT_STREAM_H_
#define KITH_COORDINATOR_RPC_UPSERT_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/status.h"
#include "common/base/clock.h"
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
    : public grpc::ServerBidiReactor<v1::StreamUpsertRequest, v1::StreamUpsertResponse>,
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

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void Drain() override;

  // Counts the message that came; false where it is not taken: the stream ends.
  bool Admit(const Arrived& arrived);
  void Handle();
  void Answer(const Arrived& arrived, v1::StreamUpsertResponse&& answer);
  void WatchWrite();
  // Starts whatever the state allows; releases the lock. The stream may be gone afterwards.
  void Advance(std::unique_lock<std::mutex> lock);
  bool MayRead() const;
  bool MayFinish() const;

  const Host host_;
  const grpc::CallbackServerContext& context_;  // gRPC's; until OnDone
  const std::optional<Deadline> deadline_;
  const std::shared_ptr<Stall> stall_ = std::make_shared<Stall>();
  v1::StreamUpsertRequest incoming_;   // belongs to the read in flight and to OnReadDone
  v1::StreamUpsertResponse outgoing_;  // belongs to the write in flight

  std::mutex mutex_;
  std::deque<v1::StreamUpsertResponse> answers_;
  std::optional<DeadlineTimer::Ticket> watch_;  // of the write in flight
  size_t under_way_ = 0;                        // messages that are not answered yet
  size_t bytes_ = 0;                            // of those
  size_t starting_ = 0;  // operations that are marked as running but may not have begun yet
  bool reading_ = false;
  bool writing_ = false;
  bool reads_ended_ = false;
  bool broken_ = false;  // nobody reads answers any more
  bool draining_ = false;
  bool finished_ = false;
};

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_UPSERT_STREAM_H_
