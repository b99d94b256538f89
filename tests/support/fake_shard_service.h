#ifndef KITH_TESTS_SUPPORT_FAKE_SHARD_SERVICE_H_
#define KITH_TESTS_SUPPORT_FAKE_SHARD_SERVICE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/shard_api/shard_service.h"
#include "common/vector/point_key.h"

namespace kith::testing {

// A shard node in memory: stored points, brute force in double precision, and an "index" whose
// recall depends on nprobe in a way a test can foretell: with `lists` lists, a point belongs to
// list SampleHash(3, key) mod lists, and a search probes lists 0 to nprobe-1. Of filters it knows
// those that name ids; others let every point pass. Search, Write, Get
// and Scroll call `done` before they return.
//
// Faults by the method's name ("BuildIndex"): what Fail gives comes `times` times, then the call
// works again; SetDown makes every call UNAVAILABLE; SetDelay makes each call take that long;
// Corrupt makes the method's answer wrong (Search: a score is missing, SearchWork: one code less
// than planned, ReadArtifact: a flipped bit, ArtifactTotal: a later chunk tells
// of a smaller artifact, SampleHashes: out of order, ReadSample: a byte is
// missing, Stat: another incarnation, BuildIndex: stops at a third of the rows, Verify: a mismatch,
// GetTraining: ends with an error).
//
// Threads: any.
class FakeShardService : public ShardService {
 public:
  // Told of the deadlines of CreateShard, DropShard, Stat and Verify. Set before the calls.
  std::function<void(Deadline)> on_deadline;

  void SetDown(bool down);
  void Fail(const std::string& method, absl::Status status, int times = 1 << 30);
  void Corrupt(const std::string& method);
  void SetDelay(std::chrono::milliseconds delay);
  // A search through an index that refines less than this misses every tenth point, however many
  // lists it probes.
  void LoseBelowRefine(uint32_t refine);
  // A search through an index of so many lists misses every tenth point: a version that is worse.
  void LoseInLists(uint32_t lists);
  // Encoding stays at half of the rows, training at half of its progress, until it is let go.
  void HoldEncoding(bool hold);
  void HoldTraining(bool hold);
  // Fields that are added stay at half of their rows until they are let go; `misfits` of the points
  // are said not to fit.
  void HoldFields();
  void LetFieldsGo();
  void MakeMisfits(uint64_t misfits);
  // What each shard says that its codes take.
  void SetCodeBytes(uint64_t bytes);
  // A restart: trainings and drawn samples are forgotten, shards and indexes stay.
  void Restart();
  void LoseShard(ShardId shard);

  // Stores or replaces a point without a call. `vector` is in stored form.
  void Put(ShardId shard, const PointKey& key, std::string vector);

  int calls(const std::string& method) const;
  bool HasShard(ShardId shard) const;
  std::vector<ShardId> shards() const;
  std::vector<std::string> IndexesOf(ShardId shard) const;
  bool HasArtifact(const std::string& artifact) const;
  bool HasTraining() const;
  // (hash, key) of what the last started training was given, sorted as a trainer does.
  std::vector<std::pair<uint64_t, std::string>> last_sample() const;

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
  struct Point {
    std::string vector;
    std::string payload;
    uint64_t version = 1;
  };
  struct Shard {
    ShardSpec spec;
    std::map<PointKey, Point> points;
    std::map<std::string, uint32_t> indexes;  // version and its number of lists
    std::map<std::string, std::pair<std::string, WriteReply>> requests;  // by request_id
    uint64_t lsn = 0;
    uint64_t fields_revision = 0;
    std::map<uint64_t, uint64_t> drawn;  // how many hashes were asked for, by seed
  };
  struct Job {
    std::string name;
    std::vector<std::pair<uint64_t, std::string>> sample;
    std::string artifact;
    bool started = false;
  };
  struct Fault {
    absl::Status status;
    int times = 0;
  };

  absl::Status Enter(const std::string& method);  // takes and gives back the lock
  absl::Status Enter(const std::string& method, Deadline deadline);
  bool Corrupted(const std::string& method) const { return corrupt_.contains(method); }
  absl::StatusOr<Shard*> Find(ShardId shard);
  absl::StatusOr<Shard*> Find(ShardId id, const Uuid& incarnation);
  FieldStat FieldLocked(const PayloadField& field, uint64_t rows) const;
  absl::StatusOr<SearchReply> SearchLocked(const SearchCall& call);
  absl::StatusOr<WriteReply> WriteLocked(const WriteCall& call);
  absl::StatusOr<GetReply> GetLocked(const GetCall& call);
  absl::StatusOr<ScrollReply> ScrollLocked(const ScrollCall& call);
  WriteOutcome Apply(Shard& shard, const WriteCall& call, size_t i, Point* stored);

  mutable std::mutex mutex_;
  bool down_ = false;
  bool hold_encoding_ = false;
  uint64_t code_bytes_ = 0;  // guarded by mutex_
  uint32_t lose_below_refine_ = 0;
  uint32_t lose_in_lists_ = 0;
  bool hold_training_ = false;
  bool hold_fields_ = false;
  uint64_t misfits_ = 0;
  std::chrono::milliseconds delay_{0};
  std::map<std::string, Fault> faults_;
  std::set<std::string> corrupt_;
  std::map<std::string, int> calls_;
  std::map<ShardId, Shard> shards_;
  std::map<std::string, std::string> artifacts_;  // complete, by name
  std::map<std::string, std::string> incoming_;
  Job job_;
  std::vector<std::pair<uint64_t, std::string>> last_sample_;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_SUPPORT_FAKE_SHARD_SERVICE_H_
