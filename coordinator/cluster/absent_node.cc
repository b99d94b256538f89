#include "coordinator/cluster/absent_node.h"

#include <fmt/format.h>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {

absl::Status AbsentNode::Absent() const {
  return Error(absl::StatusCode::kUnavailable, reason::kShardUnavailable,
               fmt::format("node {} is not in the configuration: add it to the coordinator's list "
                           "of nodes and start again",
                           name_),
               {{"node", name_}});
}

void AbsentNode::Search(SearchCall, Deadline, Done<SearchReply> done) { done(Absent()); }
void AbsentNode::Write(WriteCall, Deadline, Done<WriteReply> done) { done(Absent()); }
void AbsentNode::Get(GetCall, Deadline, Done<GetReply> done) { done(Absent()); }
void AbsentNode::Scroll(ScrollCall, Deadline, Done<ScrollReply> done) { done(Absent()); }
void AbsentNode::Facet(FacetCall, Deadline, Done<FacetReply> done) { done(Absent()); }

absl::Status AbsentNode::CreateShard(const ShardSpec&, Deadline) { return Absent(); }
absl::Status AbsentNode::DropShard(ShardId, const Uuid&, Deadline) { return Absent(); }
absl::StatusOr<ShardStat> AbsentNode::Stat(ShardId, Deadline) { return Absent(); }
absl::StatusOr<std::vector<uint64_t>> AbsentNode::SampleHashes(const SampleHashesCall&, Deadline) {
  return Absent();
}
absl::StatusOr<SampleChunk> AbsentNode::ReadSample(const SampleChunkCall&, Deadline) {
  return Absent();
}
absl::Status AbsentNode::AddTrainingChunk(TrainingChunk, Deadline) { return Absent(); }
absl::Status AbsentNode::StartTraining(const StartTrainingCall&, Deadline) { return Absent(); }
absl::StatusOr<TrainingState> AbsentNode::GetTraining(const std::string&, Deadline) {
  return Absent();
}
absl::Status AbsentNode::CancelTraining(const std::string&, Deadline) { return Absent(); }
absl::StatusOr<ArtifactChunk> AbsentNode::ReadArtifact(const std::string&, uint64_t, Deadline) {
  return Absent();
}
absl::Status AbsentNode::WriteArtifact(const ArtifactChunk&, Deadline) { return Absent(); }
absl::Status AbsentNode::BuildIndex(ShardId, const std::string&, Deadline) { return Absent(); }
absl::Status AbsentNode::DropIndex(ShardId, const std::string&, Deadline) { return Absent(); }
absl::Status AbsentNode::SetPayloadFields(const SetFieldsCall&, Deadline) { return Absent(); }
absl::StatusOr<VerifyReply> AbsentNode::Verify(ShardId, Deadline) { return Absent(); }

}  // namespace kith::coordinator
