#ifndef KITH_COORDINATOR_CLUSTER_ABSENT_NODE_H_
#define KITH_COORDINATOR_CLUSTER_ABSENT_NODE_H_

#include <string>

#include "common/shard_api/shard_service.h"

namespace kith::coordinator {

// Stands for a node that a record names and the configuration does not: every call answers
// UNAVAILABLE SHARD_UNAVAILABLE saying so, and its points count as not searched.
// Threads: any; Search, Write, Get, Scroll and Facet call `done` before they return.
class AbsentNode final : public ShardService {
 public:
  explicit AbsentNode(std::string name) : name_(std::move(name)) {}

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
  absl::Status Absent() const;

  const std::string name_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_CLUSTER_ABSENT_NODE_H_
