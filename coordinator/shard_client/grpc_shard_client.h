#ifndef KITH_COORDINATOR_SHARD_CLIENT_GRPC_SHARD_CLIENT_H_
#define KITH_COORDINATOR_SHARD_CLIENT_GRPC_SHARD_CLIENT_H_

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>

#include "common/shard_api/shard_service.h"
#include "coordinator/search/deadline_timer.h"

namespace grpc {
class ChannelCredentials;
}

namespace kith::coordinator {

class ShardStream;

// A shard node in another process. One stream on one connection a shard for Search, Write and Get,
// opened by the first call; one more connection for administration. Nothing is tried again here.
//
// Codes: the node's own, and UNAVAILABLE SHARD_UNAVAILABLE (no connection; try again), UNAVAILABLE
// UNKNOWN_OUTCOME (the connection broke under a write: repeat it with the same request_id),
// RESOURCE_EXHAUSTED QUEUE_FULL, INVALID_ARGUMENT BATCH_TOO_LARGE, INTERNAL (a malformed reply).
//
// Destroying it ends the calls in flight with UNAVAILABLE and waits for their `done`s; no
// administrative call may be running then, and it must not be done from a `done`.
// Threads: any.
class GrpcShardClient final : public ShardService {
 public:
  explicit GrpcShardClient(std::string address);  // host:port, in plain text
  GrpcShardClient(std::string address, std::shared_ptr<grpc::ChannelCredentials> credentials);
  ~GrpcShardClient() override;

  void Search(SearchCall call, Deadline deadline, Done<SearchReply> done) override;
  void Write(WriteCall call, Deadline deadline, Done<WriteReply> done) override;
  void Get(GetCall call, Deadline deadline, Done<GetReply> done) override;
  void Scroll(ScrollCall call, Deadline deadline, Done<ScrollReply> done) override;
  void Facet(FacetCall call, Deadline deadline, Done<FacetReply> done) override;
  absl::Status CreateShard(const ShardSpec& spec, Deadline deadline) override;
  absl::Status DropShard(ShardId shard, const Uuid& incarnation, Deadline deadline) override;
  absl::StatusOr<ShardStat> Stat(ShardId shard, Deadline deadline) override;
  absl::StatusOr<std::vector<uint64_t>> SampleHashes(const SampleHashesCall& call,
                                                     Deadline deadline) override;
  absl::StatusOr<SampleChunk> ReadSample(const SampleChunkCall& call, Deadline deadline) override;
  absl::Status AddTrainingChunk(TrainingChunk chunk, Deadline deadline) override;
  absl::Status StartTraining(const StartTrainingCall& call, Deadline deadline) override;
  absl::StatusOr<TrainingState> GetTraining(const std::string& job, Deadline deadline) override;
  absl::Status CancelTraining(const std::string& job, Deadline deadline) override;
  absl::StatusOr<ArtifactChunk> ReadArtifact(const std::string& artifact, uint64_t offset,
                                             Deadline deadline) override;
  absl::Status WriteArtifact(const ArtifactChunk& chunk, Deadline deadline) override;
  absl::Status BuildIndex(ShardId shard, const std::string& version, Deadline deadline) override;
  absl::Status DropIndex(ShardId shard, const std::string& version, Deadline deadline) override;
  absl::Status SetPayloadFields(const SetFieldsCall& call, Deadline deadline) override;
  absl::StatusOr<VerifyReply> Verify(ShardId shard, Deadline deadline) override;

 private:
  struct AdminStub;
  template <typename Method, typename Request, typename Response>
  absl::Status Admin(Method method, Deadline deadline, const Request& request, Response* response);
  std::shared_ptr<ShardStream> StreamOf(ShardId shard);

  const std::string address_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  DeadlineTimer timer_;
  const std::unique_ptr<AdminStub> admin_;
  std::shared_mutex mutex_;
  std::map<ShardId, std::shared_ptr<ShardStream>> streams_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SHARD_CLIENT_GRPC_SHARD_CLIENT_H_
