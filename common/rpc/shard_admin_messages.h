#ifndef KITH_COMMON_RPC_SHARD_ADMIN_MESSAGES_H_
#define KITH_COMMON_RPC_SHARD_ADMIN_MESSAGES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/shard_api/shard_calls.h"
#include "kith/v1/shard.pb.h"

// The administrative calls of a shard node, as shard_messages.h does the fast ones.
namespace kith::rpc {

v1::ShardSpec ToProto(const ShardSpec& spec);
v1::ShardSetFieldsCall ToProto(const SetFieldsCall& call);
v1::ShardStat ToProto(ShardStat&& stat);
v1::ShardSampleHashesCall ToProto(const SampleHashesCall& call);
v1::ShardSampleHashesReply ToProto(const std::vector<uint64_t>& hashes);
v1::ShardSampleChunkCall ToProto(const SampleChunkCall& call);
v1::ShardSampleChunkReply ToProto(SampleChunk&& chunk);
v1::ShardTrainingChunk ToProto(TrainingChunk&& chunk);
v1::ShardStartTrainingCall ToProto(const StartTrainingCall& call);
v1::ShardTrainingState ToProto(const TrainingState& state);
v1::ShardArtifactChunk ToProto(ArtifactChunk&& chunk);
v1::ShardVerifyReply ToProto(const VerifyReply& reply);

absl::StatusOr<ShardSpec> FromProto(const v1::ShardSpec& in);
absl::StatusOr<SetFieldsCall> FromProto(const v1::ShardSetFieldsCall& in);
absl::StatusOr<ShardStat> FromProto(v1::ShardStat&& in);
SampleHashesCall FromProto(const v1::ShardSampleHashesCall& in);
std::vector<uint64_t> FromProto(const v1::ShardSampleHashesReply& in);
SampleChunkCall FromProto(const v1::ShardSampleChunkCall& in);
absl::StatusOr<SampleChunk> FromProto(v1::ShardSampleChunkReply&& in);
// Copies its buffers: a server's request is not its handler's to move from.
absl::StatusOr<TrainingChunk> FromProto(const v1::ShardTrainingChunk& in);
absl::StatusOr<StartTrainingCall> FromProto(const v1::ShardStartTrainingCall& in);
TrainingState FromProto(const v1::ShardTrainingState& in);
ArtifactChunk FromProto(const v1::ShardArtifactChunk& in);
VerifyReply FromProto(const v1::ShardVerifyReply& in);

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_SHARD_ADMIN_MESSAGES_H_
