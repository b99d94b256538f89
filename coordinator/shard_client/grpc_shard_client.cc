#include "coordinator/shard_client/grpc_shard_client.h"

#include <fmt/format.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/security/credentials.h>

#include <mutex>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/deadline.h"
#include "common/rpc/shard_admin_messages.h"
#include "common/rpc/shard_messages.h"
#include "common/rpc/status_codes.h"
#include "coordinator/shard_client/node_channel.h"
#include "coordinator/shard_client/shard_stream.h"

namespace kith::coordinator {
namespace {

using rpc::FromProto;
using rpc::ToProto;
using Stub = v1::ShardNode::Stub;

absl::Status Malformed(const absl::Status& why) {
  return absl::InternalError(
      fmt::format("the shard node sent a malformed reply: {}", std::string(why.message())));
}

template <typename Reply, typename Message>
absl::StatusOr<Reply> Decode(Message&& message) {
  absl::StatusOr<Reply> reply = FromProto(std::move(message));
  if (!reply.ok()) return Malformed(reply.status());
  return reply;
}

template <typename Reply>
absl::StatusOr<Reply> BodyOf(v1::ShardReply& reply) {
  if constexpr (std::is_same_v<Reply, SearchReply>) {
    if (reply.has_search()) return Decode<Reply>(std::move(*reply.mutable_search()));
  } else if constexpr (std::is_same_v<Reply, WriteReply>) {
    if (reply.has_write()) return Decode<Reply>(std::move(*reply.mutable_write()));
  } else if constexpr (std::is_same_v<Reply, ScrollReply>) {
    if (reply.has_scroll()) return Decode<Reply>(std::move(*reply.mutable_scroll()));
  } else if constexpr (std::is_same_v<Reply, FacetReply>) {
    if (reply.has_facet()) return Decode<Reply>(std::move(*reply.mutable_facet()));
  } else {
    if (reply.has_get()) return Decode<Reply>(std::move(*reply.mutable_get()));
  }
  return Malformed(absl::InternalError("its body is of another kind than the call's"));
}

template <typename Reply>
ShardStream::ReplyDone Decoding(Done<Reply> done) {
  return [done = std::move(done)](absl::StatusOr<v1::ShardReply> reply) mutable {
    if (!reply.ok()) return done(std::move(reply).status());
    done(BodyOf<Reply>(*reply));
  };
}

}  // namespace

struct GrpcShardClient::AdminStub {
  AdminStub(const std::string& address,
            const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : stub(v1::ShardNode::NewStub(NewNodeChannel(address, credentials))) {}
  const std::unique_ptr<Stub> stub;
};

GrpcShardClient::GrpcShardClient(std::string address)
    : GrpcShardClient(std::move(address), grpc::InsecureChannelCredentials()) {}

GrpcShardClient::GrpcShardClient(std::string address,
                                 std::shared_ptr<grpc::ChannelCredentials> credentials)
    : address_(std::move(address)),
      credentials_(std::move(credentials)),
      admin_(std::make_unique<AdminStub>(address_, credentials_)) {}

GrpcShardClient::~GrpcShardClient() {
  for (auto& [shard, stream] : streams_) stream->Close();
}

std::shared_ptr<ShardStream> GrpcShardClient::StreamOf(ShardId shard) {
  {
    std::shared_lock lock(mutex_);
    const auto found = streams_.find(shard);
    if (found != streams_.end()) return found->second;
  }
  std::unique_lock lock(mutex_);
  std::shared_ptr<ShardStream>& stream = streams_[shard];
  if (stream == nullptr)
    stream =
        std::make_shared<ShardStream>(address_, NewNodeChannel(address_, credentials_), timer_);
  return stream;
}

void GrpcShardClient::Search(SearchCall call, Deadline deadline, Done<SearchReply> done) {
  const ShardId shard = call.shard;
  v1::ShardCall message;
  ToProto(std::move(call), message.mutable_search());
  StreamOf(shard)->Send(std::move(message), deadline, Decoding(std::move(done)));
}

void GrpcShardClient::Write(WriteCall call, Deadline deadline, Done<WriteReply> done) {
  const ShardId shard = call.shard;
  v1::ShardCall message;
  ToProto(std::move(call), message.mutable_write());
  StreamOf(shard)->Send(std::move(message), deadline, Decoding(std::move(done)));
}

void GrpcShardClient::Get(GetCall call, Deadline deadline, Done<GetReply> done) {
  const ShardId shard = call.shard;
  v1::ShardCall message;
  ToProto(std::move(call), message.mutable_get());
  StreamOf(shard)->Send(std::move(message), deadline, Decoding(std::move(done)));
}

void GrpcShardClient::Scroll(ScrollCall call, Deadline deadline, Done<ScrollReply> done) {
  const ShardId shard = call.shard;
  v1::ShardCall message;
  ToProto(std::move(call), message.mutable_scroll());
  StreamOf(shard)->Send(std::move(message), deadline, Decoding(std::move(done)));
}

void GrpcShardClient::Facet(FacetCall call, Deadline deadline, Done<FacetReply> done) {
  const ShardId shard = call.shard;
  v1::ShardCall message;
  ToProto(std::move(call), message.mutable_facet());
  StreamOf(shard)->Send(std::move(message), deadline, Decoding(std::move(done)));
}

template <typename Method, typename Request, typename Response>
absl::Status GrpcShardClient::Admin(Method method, Deadline deadline, const Request& request,
                                    Response* response) {
  grpc::ClientContext context;
  context.set_deadline(rpc::ToSystemClock(deadline));
  const absl::Status status =
      rpc::StatusFromGrpc((admin_->stub.get()->*method)(&context, request, response));
  if (status.code() == absl::StatusCode::kUnavailable && ReasonOf(status).empty()) {
    return Error(
        absl::StatusCode::kUnavailable, reason::kShardUnavailable,
        fmt::format("no connection to shard node {}: {}", address_, std::string(status.message())));
  }
  return rpc::WithTransportReason(status);
}

absl::Status GrpcShardClient::CreateShard(const ShardSpec& spec, Deadline deadline) {
  v1::ShardEmpty empty;
  return Admin(&Stub::CreateShard, deadline, ToProto(spec), &empty);
}

absl::Status GrpcShardClient::DropShard(ShardId shard, const Uuid& incarnation, Deadline deadline) {
  v1::ShardDropCall target;
  target.set_shard(shard);
  target.set_incarnation(std::string(incarnation.view()));
  v1::ShardEmpty empty;
  KITH_RETURN_IF_ERROR(Admin(&Stub::DropShard, deadline, target, &empty));
  std::shared_ptr<ShardStream> stream;
  {
    std::unique_lock lock(mutex_);
    const auto found = streams_.find(shard);
    if (found == streams_.end()) return absl::OkStatus();
    stream = std::move(found->second);
    streams_.erase(found);
  }
  stream->Close();
  return absl::OkStatus();
}

absl::StatusOr<ShardStat> GrpcShardClient::Stat(ShardId shard, Deadline deadline) {
  v1::ShardTarget target;
  target.set_shard(shard);
  v1::ShardStat stat;
  KITH_RETURN_IF_ERROR(Admin(&Stub::Stat, deadline, target, &stat));
  return Decode<ShardStat>(std::move(stat));
}

absl::StatusOr<std::vector<uint64_t>> GrpcShardClient::SampleHashes(const SampleHashesCall& call,
                                                                    Deadline deadline) {
  v1::ShardSampleHashesReply reply;
  KITH_RETURN_IF_ERROR(Admin(&Stub::SampleHashes, deadline, ToProto(call), &reply));
  return FromProto(reply);
}

absl::StatusOr<SampleChunk> GrpcShardClient::ReadSample(const SampleChunkCall& call,
                                                        Deadline deadline) {
  v1::ShardSampleChunkReply reply;
  KITH_RETURN_IF_ERROR(Admin(&Stub::SampleChunk, deadline, ToProto(call), &reply));
  return Decode<SampleChunk>(std::move(reply));
}

absl::Status GrpcShardClient::AddTrainingChunk(TrainingChunk chunk, Deadline deadline) {
  v1::ShardEmpty empty;
  return Admin(&Stub::AddTrainingChunk, deadline, ToProto(std::move(chunk)), &empty);
}

absl::Status GrpcShardClient::StartTraining(const StartTrainingCall& call, Deadline deadline) {
  v1::ShardEmpty empty;
  return Admin(&Stub::StartTraining, deadline, ToProto(call), &empty);
}

absl::StatusOr<TrainingState> GrpcShardClient::GetTraining(const std::string& job,
                                                           Deadline deadline) {
  v1::ShardTrainingTarget target;
  target.set_job(job);
  v1::ShardTrainingState state;
  KITH_RETURN_IF_ERROR(Admin(&Stub::GetTraining, deadline, target, &state));
  return FromProto(state);
}

absl::Status GrpcShardClient::CancelTraining(const std::string& job, Deadline deadline) {
  v1::ShardTrainingTarget target;
  target.set_job(job);
  v1::ShardEmpty empty;
  return Admin(&Stub::CancelTraining, deadline, target, &empty);
}

absl::StatusOr<ArtifactChunk> GrpcShardClient::ReadArtifact(const std::string& artifact,
                                                            uint64_t offset, Deadline deadline) {
  v1::ShardReadArtifactCall call;
  call.set_artifact(artifact);
  call.set_offset(offset);
  v1::ShardArtifactChunk chunk;
  KITH_RETURN_IF_ERROR(Admin(&Stub::ReadArtifact, deadline, call, &chunk));
  return FromProto(chunk);
}

absl::Status GrpcShardClient::WriteArtifact(const ArtifactChunk& chunk, Deadline deadline) {
  v1::ShardEmpty empty;
  return Admin(&Stub::WriteArtifact, deadline, ToProto(ArtifactChunk(chunk)), &empty);
}

absl::Status GrpcShardClient::BuildIndex(ShardId shard, const std::string& version,
                                         Deadline deadline) {
  v1::ShardIndexTarget target;
  target.set_shard(shard);
  target.set_version(version);
  v1::ShardEmpty empty;
  return Admin(&Stub::BuildIndex, deadline, target, &empty);
}

absl::Status GrpcShardClient::SetPayloadFields(const SetFieldsCall& call, Deadline deadline) {
  v1::ShardEmpty empty;
  return Admin(&Stub::SetPayloadFields, deadline, ToProto(call), &empty);
}

absl::Status GrpcShardClient::DropIndex(ShardId shard, const std::string& version,
                                        Deadline deadline) {
  v1::ShardIndexTarget target;
  target.set_shard(shard);
  target.set_version(version);
  v1::ShardEmpty empty;
  return Admin(&Stub::DropIndex, deadline, target, &empty);
}

absl::StatusOr<VerifyReply> GrpcShardClient::Verify(ShardId shard, Deadline deadline) {
  v1::ShardTarget target;
  target.set_shard(shard);
  v1::ShardVerifyReply reply;
  KITH_RETURN_IF_ERROR(Admin(&Stub::Verify, deadline, target, &reply));
  return FromProto(reply);
}

}  // namespace kith::coordinator
