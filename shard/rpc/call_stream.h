#ifndef KITH_SHARD_RPC_CALL_STREAM_H_
#define KITH_SHARD_RPC_CALL_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <mutex>
#include <set>

#include "common/rpc/answer_stream.h"
#include "common/rpc/frame_queue.h"
#include "common/shard_api/shard_service.h"
#include "common/telemetry/request_metrics.h"
#include "kith/v1/shard.pb.h"

namespace kith::shard {

class CallStream;

// The open streams, so that a drain can end them: a coordinator never does by itself.
// Threads: any.
class OpenStreams {
 public:
  // Whether the stream may start: not after Drain.
  bool Add(CallStream* stream);
  void Remove(CallStream* stream);
  // Lets the calls that arrived end, then ends each stream with UNAVAILABLE DRAINING.
  void Drain();

 private:
  std::mutex mutex_;
  std::set<CallStream*> streams_;
  bool draining_ = false;
};

struct CallStreamOptions {
  size_t held_calls_max = limits::kSearchQueueMax + limits::kWriteQueueMax;
  size_t held_bytes_max = limits::kWriteQueueBytesMax;  // of calls and of replies
  telemetry::RequestMetrics* metrics = nullptr;
};

// The server's end of one stream of calls. A call is held from its arrival until its reply is
// written; with held_calls_max of them, or held_bytes_max of calls and replies, the stream is not
// read further, so neither a flood of calls nor a client that does not read can fill the memory: it
// holds one frame more at most, and a frame of more than rpc::kFrameMessagesMax calls ends the
// stream. The stream ends when its reads have ended and no call is left with the service: after the
// server's shutdown nothing refers to it any more.
//
// Threads: gRPC's and the service's; deletes itself.
class CallStream final : public rpc::AnswerStream<v1::ShardCallFrame, v1::ShardReplyFrame> {
 public:
  CallStream(ShardService& service, OpenStreams& open, const CallStreamOptions& options);
  void Drain() { BeginDrain(); }

 private:
  struct Arrived;
  void OnDone() override;
  void Handle(v1::ShardCallFrame& frame) override;
  bool HasRoom() const override;
  bool AwaitsAnswers() const override { return with_service_ > 0; }
  bool TakeAnswers(v1::ShardReplyFrame& outgoing) override;
  void OnAnswersWritten() override;
  void DropAnswers() override { replies_.Clear(); }
  grpc::Status EndStatus() const override;

  // Counts the calls that came; false where they are not taken: the stream has ended already, or
  // they are too many.
  bool Admit(const v1::ShardCallFrame& frame);
  void Dispatch(v1::ShardCall&& call);
  void Search(const Arrived& arrived, v1::ShardSearchCall&& message);
  void Write(const Arrived& arrived, v1::ShardWriteCall&& message);
  void Get(const Arrived& arrived, v1::ShardGetCall&& message);
  void Scroll(const Arrived& arrived, v1::ShardScrollCall&& message);
  void Facet(const Arrived& arrived, v1::ShardFacetCall&& message);
  template <typename Reply>
  Done<Reply> ReplyTo(const Arrived& arrived);
  void Reply(const Arrived& arrived, v1::ShardReply&& reply);

  ShardService& service_;
  OpenStreams& open_;
  const CallStreamOptions options_;
  // Guarded by mutex_.
  rpc::FrameQueue<v1::ShardReply> replies_;
  size_t with_service_ = 0;   // calls handed to the service and not answered yet
  size_t service_bytes_ = 0;  // of those calls, as they came
  size_t in_frame_ = 0;       // replies that are being written
  size_t frame_bytes_ = 0;    // of those
  bool abused_ = false;       // too many calls came at once
};

}  // namespace kith::shard

#endif  // KITH_SHARD_RPC_CALL_STREAM_H_
