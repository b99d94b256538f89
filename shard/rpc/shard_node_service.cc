#include "shard/rpc/shard_node_service.h"

#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/shard_admin_messages.h"
#include "common/rpc/wire_shape.h"

namespace kith::shard {

using grpc::ServerBidiReactor;
using rpc::FromProto;
using rpc::ToProto;

ShardNodeService::Unary* ShardNodeService::Admin(const char* method, Context* context,
                                                 const google::protobuf::Message* in, Body body) {
  return calls_.Blocking(
      method, context, in, [body = std::move(body)](const rpc::CallContext& call) mutable {
        if (!call.deadline.has_value()) {
          return Error(absl::StatusCode::kInvalidArgument, reason::kDeadlineRequired,
                       "every call to a shard node needs a deadline");
        }
        return body(*call.deadline);
      });
}

ServerBidiReactor<v1::ShardCallFrame, v1::ShardReplyFrame>* ShardNodeService::Calls(Context*) {
  return new CallStream(service_, open_, streams_);
}

ShardNodeService::Unary* ShardNodeService::CreateShard(Context* context, const v1::ShardSpec* in,
                                                       v1::ShardEmpty*) {
  return Admin("ShardNode/CreateShard", context, in, [=, this](Deadline deadline) -> absl::Status {
    KITH_ASSIGN_OR_RETURN(const ShardSpec spec, FromProto(*in));
    return service_.CreateShard(spec, deadline);
  });
}

ShardNodeService::Unary* ShardNodeService::DropShard(Context* context, const v1::ShardDropCall* in,
                                                     v1::ShardEmpty*) {
  return Admin("ShardNode/DropShard", context, in, [=, this](Deadline deadline) -> absl::Status {
    KITH_ASSIGN_OR_RETURN(const Uuid incarnation,
                          rpc::UuidFromWire("incarnation", in->incarnation()));
    return service_.DropShard(in->shard(), incarnation, deadline);
  });
}

ShardNodeService::Unary* ShardNodeService::Stat(Context* context, const v1::ShardTarget* in,
                                                v1::ShardStat* out) {
  return Admin("ShardNode/Stat", context, in, [=, this](Deadline deadline) -> absl::Status {
    KITH_ASSIGN_OR_RETURN(ShardStat stat, service_.Stat(in->shard(), deadline));
    *out = ToProto(std::move(stat));
    return absl::OkStatus();
  });
}

ShardNodeService::Unary* ShardNodeService::SampleHashes(Context* context,
                                                        const v1::ShardSampleHashesCall* in,
                                                        v1::ShardSampleHashesReply* out) {
  return Admin("ShardNode/SampleHashes", context, in, [=, this](Deadline deadline) -> absl::Status {
    KITH_ASSIGN_OR_RETURN(const auto hashes, service_.SampleHashes(FromProto(*in), deadline));
    *out = ToProto(hashes);
    return absl::OkStatus();
  });
}

ShardNodeService::Unary* ShardNodeService::SampleChunk(Context* context,
                                                       const v1::ShardSampleChunkCall* in,
                                                       v1::ShardSampleChunkReply* out) {
  return Admin("ShardNode/SampleChunk", context, in, [=, this](Deadline deadline) -> absl::Status {
    KITH_ASSIGN_OR_RETURN(auto chunk, service_.ReadSample(FromProto(*in), deadline));
    *out = ToProto(std::move(chunk));
    return absl::OkStatus();
  });
}

ShardNodeService::Unary* ShardNodeService::AddTrainingChunk(Context* context,
                                                            const v1::ShardTrainingChunk* in,
                                                            v1::ShardEmpty*) {
  return Admin("ShardNode/AddTrainingChunk", context, in,
               [=, this](Deadline deadline) -> absl::Status {
                 KITH_ASSIGN_OR_RETURN(TrainingChunk chunk, FromProto(*in));
                 return service_.AddTrainingChunk(std::move(chunk), deadline);
               });
}

ShardNodeService::Unary* ShardNodeService::StartTraining(Context* context,
                                                         const v1::ShardStartTrainingCall* in,
                                                         v1::ShardEmpty*) {
  return Admin("ShardNode/StartTraining", context, in,
               [=, this](Deadline deadline) -> absl::Status {
                 KITH_ASSIGN_OR_RETURN(const StartTrainingCall call, FromProto(*in));
                 return service_.StartTraining(call, deadline);
               });
}

ShardNodeService::Unary* ShardNodeService::GetTraining(Context* context,
                                                       const v1::ShardTrainingTarget* in,
                                                       v1::ShardTrainingState* out) {
  return Admin("ShardNode/GetTraining", context, in, [=, this](Deadline deadline) -> absl::Status {
    KITH_ASSIGN_OR_RETURN(const TrainingState state, service_.GetTraining(in->job(), deadline));
    *out = ToProto(state);
    return absl::OkStatus();
  });
}

ShardNodeService::Unary* ShardNodeService::CancelTraining(Context* context,
                                                          const v1::ShardTrainingTarget* in,
                                                          v1::ShardEmpty*) {
  return Admin("ShardNode/CancelTraining", context, in, [=, this](Deadline deadline) {
    return service_.CancelTraining(in->job(), deadline);
  });
}

ShardNodeService::Unary* ShardNodeService::ReadArtifact(Context* context,
                                                        const v1::ShardReadArtifactCall* in,
                                                        v1::ShardArtifactChunk* out) {
  return Admin("ShardNode/ReadArtifact", context, in, [=, this](Deadline deadline) -> absl::Status {
    KITH_ASSIGN_OR_RETURN(auto chunk,
                          service_.ReadArtifact(in->artifact(), in->offset(), deadline));
    *out = ToProto(std::move(chunk));
    return absl::OkStatus();
  });
}

ShardNodeService::Unary* ShardNodeService::WriteArtifact(Context* context,
                                                         const v1::ShardArtifactChunk* in,
                                                         v1::ShardEmpty*) {
  return Admin("ShardNode/WriteArtifact", context, in, [=, this](Deadline deadline) {
    return service_.WriteArtifact(FromProto(*in), deadline);
  });
}

ShardNodeService::Unary* ShardNodeService::BuildIndex(Context* context,
                                                      const v1::ShardIndexTarget* in,
                                                      v1::ShardEmpty*) {
  return Admin("ShardNode/BuildIndex", context, in, [=, this](Deadline deadline) {
    return service_.BuildIndex(in->shard(), in->version(), deadline);
  });
}

ShardNodeService::Unary* ShardNodeService::DropIndex(Context* context,
                                                     const v1::ShardIndexTarget* in,
                                                     v1::ShardEmpty*) {
  return Admin("ShardNode/DropIndex", context, in, [=, this](Deadline deadline) {
    return service_.DropIndex(in->shard(), in->version(), deadline);
  });
}

ShardNodeService::Unary* ShardNodeService::SetPayloadFields(Context* context,
                                                            const v1::ShardSetFieldsCall* in,
                                                            v1::ShardEmpty*) {
  return Admin("ShardNode/SetPayloadFields", context, in,
               [=, this](Deadline deadline) -> absl::Status {
                 KITH_ASSIGN_OR_RETURN(const SetFieldsCall call, FromProto(*in));
                 return service_.SetPayloadFields(call, deadline);
               });
}

ShardNodeService::Unary* ShardNodeService::Verify(Context* context, const v1::ShardTarget* in,
                                                  v1::ShardVerifyReply* out) {
  return Admin("ShardNode/Verify", context, in, [=, this](Deadline deadline) -> absl::Status {
    KITH_ASSIGN_OR_RETURN(const VerifyReply reply, service_.Verify(in->shard(), deadline));
    *out = ToProto(reply);
    return absl::OkStatus();
  });
}

}  // namespace kith::shard
