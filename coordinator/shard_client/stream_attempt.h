#ifndef KITH_COORDINATOR_SHARD_CLIENT_STREAM_ATTEMPT_H_
#define KITH_COORDINATOR_SHARD_CLIENT_STREAM_ATTEMPT_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include "coordinator/shard_client/shard_stream.h"

namespace kith::coordinator {

// One gRPC stream, from opening to its end: only forwards what gRPC says to its ShardStream, whose
// lock guards everything here but `incoming_` and which deletes it at its end.
//
// It must not own the stream. The stream's channel would then at times be destroyed on a thread of
// gRPC's, and where that channel is the process's last, gRPC 1.51 destroys the completion queue
// that this very thread is polling (it aborts at ref_counted.h "prior > 0").
class ShardStream::Attempt final
    : public grpc::ClientBidiReactor<v1::ShardCallFrame, v1::ShardReplyFrame> {
 public:
  // Only bound to the call yet, so that it can be made under the stream's lock.
  Attempt(ShardStream& stream, v1::ShardNode::Stub& stub);

  void Open();
  void Write() { StartWrite(&outgoing); }
  // Ends the stream soon, from whatever state.
  void Cancel() { context_.TryCancel(); }
  // Once, when no write is under way and none will follow.
  void LetGo() { RemoveHold(); }

  v1::ShardCallFrame outgoing;  // the write in flight
  bool is_established = false;  // the node answered: before that nothing is written
  bool is_dead = false;         // its reads have ended, or a write has failed
  bool is_let_go = false;

 private:
  void OnReadInitialMetadataDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  ShardStream& stream_;
  grpc::ClientContext context_;
  v1::ShardReplyFrame incoming_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SHARD_CLIENT_STREAM_ATTEMPT_H_
