// The calls of shard::Node: find the copy, pass the call on. Node's own life is in node.cc, that of
// its shards in node_shards.cc.
#include <fmt/format.h>

#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/node.h"

namespace kith::shard {
namespace {

// The copy lives at least until the answer is out.
template <typename Reply>
Done<Reply> Keeping(std::shared_ptr<Copy> copy, Done<Reply> done) {
  return [copy = std::move(copy), done = std::move(done)](absl::StatusOr<Reply> reply) mutable {
    done(std::move(reply));
  };
}

}  // namespace

void Node::Search(SearchCall call, Deadline deadline, Done<SearchReply> done) {
  absl::StatusOr<std::shared_ptr<Copy>> copy = Find(call.shard, call.incarnation);
  if (!copy.ok()) return done(copy.status());
  Copy& found = **copy;
  found.Search(std::move(call), deadline, Keeping(*std::move(copy), std::move(done)));
}

void Node::Write(WriteCall call, Deadline deadline, Done<WriteReply> done) {
  // Not kept by its answer: the copy waits for its writer, and must not be left to it to destroy.
  absl::StatusOr<std::shared_ptr<Copy>> copy = Find(call.shard, call.incarnation);
  if (!copy.ok()) return done(copy.status());
  (*copy)->Write(std::move(call), deadline, std::move(done));
}

void Node::Get(GetCall call, Deadline deadline, Done<GetReply> done) {
  absl::StatusOr<std::shared_ptr<Copy>> copy = Find(call.shard, call.incarnation);
  if (!copy.ok()) return done(copy.status());
  Copy& found = **copy;
  found.Get(std::move(call), deadline, Keeping(*std::move(copy), std::move(done)));
}

void Node::Scroll(ScrollCall call, Deadline deadline, Done<ScrollReply> done) {
  absl::StatusOr<std::shared_ptr<Copy>> copy = Find(call.shard, call.incarnation);
  if (!copy.ok()) return done(copy.status());
  Copy& found = **copy;
  found.Scroll(std::move(call), deadline, Keeping(*std::move(copy), std::move(done)));
}

void Node::Facet(FacetCall call, Deadline deadline, Done<FacetReply> done) {
  absl::StatusOr<std::shared_ptr<Copy>> copy = Find(call.shard, call.incarnation);
  if (!copy.ok()) return done(copy.status());
  Copy& found = **copy;
  found.Facet(std::move(call), deadline, Keeping(*std::move(copy), std::move(done)));
}

absl::StatusOr<ShardStat> Node::Stat(ShardId shard, Deadline) {
  absl::StatusOr<std::shared_ptr<Copy>> copy = Find(shard);
  if (!copy.ok()) return copy.status();
  return (*copy)->Stat();
}

absl::StatusOr<std::vector<uint64_t>> Node::SampleHashes(const SampleHashesCall& call, Deadline) {
  KITH_ASSIGN_OR_RETURN(const auto copy, Find(call.shard));
  return copy->sampler().SmallestHashes(call);
}

absl::StatusOr<SampleChunk> Node::ReadSample(const SampleChunkCall& call, Deadline) {
  KITH_ASSIGN_OR_RETURN(const auto copy, Find(call.shard));
  return copy->sampler().Read(call);
}

absl::Status Node::AddTrainingChunk(TrainingChunk chunk, Deadline) {
  return training_.Add(std::move(chunk));
}

absl::Status Node::StartTraining(const StartTrainingCall& call, Deadline) {
  return training_.Start(call);
}

absl::StatusOr<TrainingState> Node::GetTraining(const std::string& job, Deadline) {
  return training_.State(job);
}

absl::Status Node::CancelTraining(const std::string& job, Deadline) {
  return training_.Cancel(job);
}

absl::StatusOr<ArtifactChunk> Node::ReadArtifact(const std::string& artifact, uint64_t offset,
                                                 Deadline) {
  return artifacts_.ReadChunk(artifact, offset);
}

absl::Status Node::WriteArtifact(const ArtifactChunk& chunk, Deadline) {
  return artifacts_.WriteChunk(chunk);
}

absl::Status Node::BuildIndex(ShardId shard, const std::string& version, Deadline) {
  KITH_ASSIGN_OR_RETURN(const auto copy, Find(shard));
  return copy->upkeep().BuildIndex(version);
}

absl::Status Node::DropIndex(ShardId shard, const std::string& version, Deadline) {
  KITH_ASSIGN_OR_RETURN(const auto copy, Find(shard));
  copy->upkeep().DropIndex(version);
  return absl::OkStatus();
}

absl::Status Node::SetPayloadFields(const SetFieldsCall& call, Deadline) {
  KITH_RETURN_IF_ERROR(CheckSchema(call.fields));
  KITH_ASSIGN_OR_RETURN(const auto copy, Find(call.shard, call.incarnation));
  return copy->fields().Set(call);
}

absl::StatusOr<VerifyReply> Node::Verify(ShardId shard, Deadline deadline) {
  KITH_ASSIGN_OR_RETURN(const auto copy, Find(shard));
  return copy->Verify(deadline);
}

}  // namespace kith::shard
