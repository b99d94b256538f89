#ifndef KITH_SHARD_RPC_SHARD_NODE_SERVICE_H_
#define KITH_SHARD_RPC_SHARD_NODE_SERVICE_H_

#include "common/rpc/unary_handler.h"
#include "common/shard_api/shard_service.h"
#include "kith/v1/shard.grpc.pb.h"
#include "shard/rpc/call_stream.h"

namespace kith::shard {

// kith.v1.ShardNode over any ShardService: convert in, call, convert out. Administrative calls run
// on the executor of `calls` and need a deadline (INVALID_ARGUMENT DEADLINE_REQUIRED).
// Threads: any.
class ShardNodeService final : public v1::ShardNode::CallbackService {
 public:
  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  ShardNodeService(ShardService& service, rpc::UnaryCalls calls, const CallStreamOptions& streams)
      : service_(service), calls_(calls), streams_(streams) {}

  grpc::ServerBidiReactor<v1::ShardCallFrame, v1::ShardReplyFrame>* Calls(Context*) override;
  // Before the server's shutdown, which would wait for the streams and cancel what comes late.
  void Drain(Deadline deadline) {
    open_.Drain();
    calls_.Drain(deadline);
  }
  Unary* CreateShard(Context*, const v1::ShardSpec*, v1::ShardEmpty*) override;
  Unary* DropShard(Context*, const v1::ShardDropCall*, v1::ShardEmpty*) override;
  Unary* Stat(Context*, const v1::ShardTarget*, v1::ShardStat*) override;
  Unary* SampleHashes(Context*, const v1::ShardSampleHashesCall*,
                      v1::ShardSampleHashesReply*) override;
  Unary* SampleChunk(Context*, const v1::ShardSampleChunkCall*,
                     v1::ShardSampleChunkReply*) override;
  Unary* AddTrainingChunk(Context*, const v1::ShardTrainingChunk*, v1::ShardEmpty*) override;
  Unary* StartTraining(Context*, const v1::ShardStartTrainingCall*, v1::ShardEmpty*) override;
  Unary* GetTraining(Context*, const v1::ShardTrainingTarget*, v1::ShardTrainingState*) override;
  Unary* CancelTraining(Context*, const v1::ShardTrainingTarget*, v1::ShardEmpty*) override;
  Unary* ReadArtifact(Context*, const v1::ShardReadArtifactCall*, v1::ShardArtifactChunk*) override;
  Unary* WriteArtifact(Context*, const v1::ShardArtifactChunk*, v1::ShardEmpty*) override;
  Unary* BuildIndex(Context*, const v1::ShardIndexTarget*, v1::ShardEmpty*) override;
  Unary* DropIndex(Context*, const v1::ShardIndexTarget*, v1::ShardEmpty*) override;
  Unary* SetPayloadFields(Context*, const v1::ShardSetFieldsCall*, v1::ShardEmpty*) override;
  Unary* Verify(Context*, const v1::ShardTarget*, v1::ShardVerifyReply*) override;

 private:
  using Body = absl::AnyInvocable<absl::Status(Deadline)>;
  Unary* Admin(const char* method, Context* context, const google::protobuf::Message* in,
               Body body);

  ShardService& service_;
  const rpc::UnaryCalls calls_;
  const CallStreamOptions streams_;
  OpenStreams open_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_RPC_SHARD_NODE_SERVICE_H_
