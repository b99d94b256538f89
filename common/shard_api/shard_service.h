#ifndef KITH_COMMON_SHARD_API_SHARD_SERVICE_H_
#define KITH_COMMON_SHARD_API_SHARD_SERVICE_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/shard_api/facet_calls.h"
#include "common/shard_api/scroll_calls.h"
#include "common/shard_api/search_calls.h"
#include "common/shard_api/shard_calls.h"

namespace kith {

template <typename Reply>
using Done = absl::AnyInvocable<void(absl::StatusOr<Reply>)>;

// One shard node as a coordinator sees it: the node itself where both share a process
// (shard/node), a gRPC client where they do not (coordinator/rpc). One contract suite runs on both.
//
// Search, Write, Get, Scroll and Facet never block and call `done` exactly once, on some thread of
// the callee's; by the deadline at the latest for all but Write. A Write whose deadline passes ends
// with DEADLINE_EXCEEDED: DEADLINE where nothing was written, UNKNOWN_OUTCOME where something may
// have been: repeat it with the same request_id. The others may block up to their deadline and are
// called from admin threads only.
//
// Codes: NOT_FOUND SHARD_UNAVAILABLE (no such shard here); UNAVAILABLE NOT_READY (loading),
// DRAINING, SHARD_UNAVAILABLE (no connection); FAILED_PRECONDITION INDEX_VERSION_NOT_READY,
// WRONG_EPOCH, WRONG_SHARD, WRONG_INCARNATION (this node's shard of that number is another
// collection's); RESOURCE_EXHAUSTED QUEUE_FULL, DISK_FULL, INDEXING_BEHIND, ROW_LIMIT (with
// retry_after_ms); DEADLINE_EXCEEDED DEADLINE; INVALID_ARGUMENT REQUEST_ID_REUSED; DATA_LOSS
// CORRUPTION.
//
// Threads: any.
class ShardService {
 public:
  virtual ~ShardService() = default;

  virtual void Search(SearchCall call, Deadline deadline, Done<SearchReply> done) = 0;
  virtual void Write(WriteCall call, Deadline deadline, Done<WriteReply> done) = 0;
  virtual void Get(GetCall call, Deadline deadline, Done<GetReply> done) = 0;
  // Each reply is as of one moment, several together are not.
  virtual void Scroll(ScrollCall call, Deadline deadline, Done<ScrollReply> done) = 0;
  // RESOURCE_EXHAUSTED TOO_MANY_VALUES above limits::kFacetValuesMax.
  virtual void Facet(FacetCall call, Deadline deadline, Done<FacetReply> done) = 0;

  // Creating a shard that exists with the same spec is OK; with another incarnation it is
  // FAILED_PRECONDITION WRONG_INCARNATION. Dropping one that does not exist is OK, and one of
  // another incarnation is another collection's: it stays, which is OK too.
  virtual absl::Status CreateShard(const ShardSpec& spec, Deadline deadline) = 0;
  virtual absl::Status DropShard(ShardId shard, const Uuid& incarnation, Deadline deadline) = 0;
  virtual absl::StatusOr<ShardStat> Stat(ShardId shard, Deadline deadline) = 0;

  // The `count` smallest sample hashes of the live points, ascending.
  virtual absl::StatusOr<std::vector<uint64_t>> SampleHashes(const SampleHashesCall& call,
                                                             Deadline deadline) = 0;
  virtual absl::StatusOr<SampleChunk> ReadSample(const SampleChunkCall& call,
                                                 Deadline deadline) = 0;

  // A training job: chunks are added (in any order), then it starts, then it is polled. A node
  // keeps one job at a time (RESOURCE_EXHAUSTED TRAINING_IN_PROGRESS) and forgets it when
  // cancelled.
  virtual absl::Status AddTrainingChunk(TrainingChunk chunk, Deadline deadline) = 0;
  virtual absl::Status StartTraining(const StartTrainingCall& call, Deadline deadline) = 0;
  virtual absl::StatusOr<TrainingState> GetTraining(const std::string& job, Deadline deadline) = 0;
  virtual absl::Status CancelTraining(const std::string& job, Deadline deadline) = 0;

  virtual absl::StatusOr<ArtifactChunk> ReadArtifact(const std::string& artifact, uint64_t offset,
                                                     Deadline deadline) = 0;
  // Chunks in order; writing an artifact that is there already is OK. Verified when complete.
  virtual absl::Status WriteArtifact(const ArtifactChunk& chunk, Deadline deadline) = 0;

  // Starts to encode every row under that artifact, beside whatever serves; poll with Stat.
  virtual absl::Status BuildIndex(ShardId shard, const std::string& version, Deadline deadline) = 0;
  virtual absl::Status DropIndex(ShardId shard, const std::string& version, Deadline deadline) = 0;
  // Brings the shard to these fields. A field that is new is indexed in whatever is written from
  // now on; what is there is gone through behind it: poll with Stat. A field that is gone is known
  // to nobody when it returns. Durable; the same call again changes nothing. ABORTED
  // VERSION_MISMATCH below the revision that the shard has; UNAVAILABLE NOT_READY where the place
  // of a new field is not free yet: again.
  virtual absl::Status SetPayloadFields(const SetFieldsCall& call, Deadline deadline) = 0;
  // Recomputes the digests of truth and index from their own bytes and compares.
  virtual absl::StatusOr<VerifyReply> Verify(ShardId shard, Deadline deadline) = 0;
};

}  // namespace kith

#endif  // KITH_COMMON_SHARD_API_SHARD_SERVICE_H_
