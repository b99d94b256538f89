#include "coordinator/shard_client/stream_attempt.h"

#include "common/rpc/status_codes.h"

namespace kith::coordinator {

ShardStream::Attempt::Attempt(ShardStream& stream, v1::ShardNode::Stub& stub) : stream_(stream) {
  stub.async()->Calls(&context_, this);
  AddHold();  // writes are started from threads that are not gRPC's
}

void ShardStream::Attempt::Open() {
  StartRead(&incoming_);
  StartCall();
}

void ShardStream::Attempt::OnReadInitialMetadataDone(bool ok) {
  if (ok) stream_.Established();
}

void ShardStream::Attempt::OnReadDone(bool ok) {
  if (!ok) return stream_.ReadsEnded();
  stream_.Deliver(incoming_);
  StartRead(&incoming_);
}

void ShardStream::Attempt::OnWriteDone(bool ok) { stream_.WriteDone(ok); }

void ShardStream::Attempt::OnDone(const grpc::Status& status) {
  stream_.AttemptEnded(this, rpc::StatusFromGrpc(status));  // deletes this
}

}  // namespace kith::coordinator
