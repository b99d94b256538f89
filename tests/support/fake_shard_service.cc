#include "tests/support/fake_shard_service.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <thread>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::testing {
namespace {

constexpr size_t kArtifactChunk = 100;  // several chunks even for a small artifact

absl::Status Unavailable(const char* message) {
  return Error(absl::StatusCode::kUnavailable, reason::kShardUnavailable, message);
}

// The same sample and parameters give the same bytes, as a real trainer's do.
std::string ArtifactOf(const StartTrainingCall& call,
                       const std::vector<std::pair<uint64_t, std::string>>& sample) {
  std::string bytes = fmt::format("{};{};{};", call.lists, call.subspaces, call.seed);
  for (const auto& [hash, key] : sample) bytes += key;
  return bytes;
}

std::string NameOf(const std::string& bytes) {
  const uint64_t hash = XXH3_64bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", hash, ~hash);
}

}  // namespace

void FakeShardService::SetDown(bool down) {
  std::lock_guard lock(mutex_);
  down_ = down;
}

void FakeShardService::Fail(const std::string& method, absl::Status status, int times) {
  std::lock_guard lock(mutex_);
  faults_[method] = {std::move(status), times};
}

void FakeShardService::Corrupt(const std::string& method) {
  std::lock_guard lock(mutex_);
  corrupt_.insert(method);
}

void FakeShardService::SetDelay(std::chrono::milliseconds delay) {
  std::lock_guard lock(mutex_);
  delay_ = delay;
}

void FakeShardService::LoseBelowRefine(uint32_t refine) {
  std::lock_guard lock(mutex_);
  lose_below_refine_ = refine;
}

void FakeShardService::LoseInLists(uint32_t lists) {
  std::lock_guard lock(mutex_);
  lose_in_lists_ = lists;
}

void FakeShardService::HoldEncoding(bool hold) {
  std::lock_guard lock(mutex_);
  hold_encoding_ = hold;
}

void FakeShardService::HoldTraining(bool hold) {
  std::lock_guard lock(mutex_);
  hold_training_ = hold;
}

void FakeShardService::Restart() {
  std::lock_guard lock(mutex_);
  job_ = {};
  incoming_.clear();
  for (auto& [id, shard] : shards_) shard.drawn.clear();
}

void FakeShardService::LoseShard(ShardId shard) {
  std::lock_guard lock(mutex_);
  shards_.erase(shard);
}

int FakeShardService::calls(const std::string& method) const {
  std::lock_guard lock(mutex_);
  const auto found = calls_.find(method);
  return found == calls_.end() ? 0 : found->second;
}

bool FakeShardService::HasShard(ShardId shard) const {
  std::lock_guard lock(mutex_);
  return shards_.contains(shard);
}

std::vector<ShardId> FakeShardService::shards() const {
  std::lock_guard lock(mutex_);
  std::vector<ShardId> ids;
  for (const auto& [id, shard] : shards_) ids.push_back(id);
  return ids;
}

std::vector<std::string> FakeShardService::IndexesOf(ShardId shard) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> versions;
  const auto found = shards_.find(shard);
  if (found == shards_.end()) return versions;
  for (const auto& [version, lists] : found->second.indexes) versions.push_back(version);
  return versions;
}

bool FakeShardService::HasArtifact(const std::string& artifact) const {
  std::lock_guard lock(mutex_);
  return artifacts_.contains(artifact);
}

bool FakeShardService::HasTraining() const {
  std::lock_guard lock(mutex_);
  return !job_.name.empty();
}

std::vector<std::pair<uint64_t, std::string>> FakeShardService::last_sample() const {
  std::lock_guard lock(mutex_);
  return last_sample_;
}

absl::Status FakeShardService::Enter(const std::string& method) {
  std::chrono::milliseconds delay{0};
  {
    std::lock_guard lock(mutex_);
    ++calls_[method];
    delay = delay_;
    if (down_) return Unavailable("connection refused");
    const auto fault = faults_.find(method);
    if (fault != faults_.end() && fault->second.times > 0) {
      --fault->second.times;
      return fault->second.status;
    }
  }
  std::this_thread::sleep_for(delay);
  return absl::OkStatus();
}

absl::Status FakeShardService::Enter(const std::string& method, Deadline deadline) {
  if (on_deadline) on_deadline(deadline);
  return Enter(method);
}

absl::StatusOr<FakeShardService::Shard*> FakeShardService::Find(ShardId id,
                                                                const Uuid& incarnation) {
  KITH_ASSIGN_OR_RETURN(Shard * shard, Find(id));
  if (shard->spec.incarnation == incarnation) return shard;
  return Error(absl::StatusCode::kFailedPrecondition, reason::kWrongIncarnation,
               fmt::format("shard {} here is another incarnation's", id));
}

absl::StatusOr<FakeShardService::Shard*> FakeShardService::Find(ShardId shard) {
  const auto found = shards_.find(shard);
  if (found != shards_.end()) return &found->second;
  return Error(absl::StatusCode::kNotFound, reason::kShardUnavailable,
               fmt::format("no shard {} here", shard));
}

absl::Status FakeShardService::CreateShard(const ShardSpec& spec, Deadline deadline) {
  KITH_RETURN_IF_ERROR(Enter("CreateShard", deadline));
  std::lock_guard lock(mutex_);
  const auto found = shards_.find(spec.shard);
  if (found == shards_.end()) {
    shards_[spec.shard].spec = spec;
  } else if (found->second.spec.incarnation != spec.incarnation) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kWrongIncarnation,
                 "another incarnation");
  }
  return absl::OkStatus();
}

absl::Status FakeShardService::DropShard(ShardId shard, const Uuid& incarnation,
                                         Deadline deadline) {
  KITH_RETURN_IF_ERROR(Enter("DropShard", deadline));
  std::lock_guard lock(mutex_);
  const auto found = shards_.find(shard);
  if (found != shards_.end() && found->second.spec.incarnation == incarnation) shards_.erase(found);
  return absl::OkStatus();
}

void FakeShardService::SetCodeBytes(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  code_bytes_ = bytes;
}

absl::StatusOr<ShardStat> FakeShardService::Stat(ShardId id, Deadline deadline) {
  KITH_RETURN_IF_ERROR(Enter("Stat", deadline));
  std::lock_guard lock(mutex_);
  KITH_ASSIGN_OR_RETURN(Shard * shard, Find(id));
  ShardStat stat;
  stat.ready = true;
  stat.applied_lsn = shard->lsn;
  stat.live_points = shard->points.size();
  stat.rows = shard->points.size();
  stat.memory.rows = stat.rows * 100;
  stat.memory.codes = code_bytes_;
  stat.disk_bytes = stat.rows * 200;
  stat.incarnation = Corrupted("Stat") ? Uuid() : shard->spec.incarnation;
  for (const auto& [version, lists] : shard->indexes) {
    IndexState index;
    index.version = version;
    index.total_rows = stat.rows;
    index.indexed_rows = hold_encoding_ ? stat.rows / 2 : stat.rows;
    index.ready = !hold_encoding_;
    index.lists = lists;
    index.list_rows = stat.rows;
    if (Corrupted("BuildIndex")) {
      index.ready = false;
      index.indexed_rows = stat.rows / 3;
      stat.not_ready_reason = "no space left on device";
    }
    stat.indexes.push_back(index);
  }
  stat.fields_revision = shard->fields_revision;
  for (const PayloadField& field : shard->spec.payload_fields) {
    stat.fields.push_back(FieldLocked(field, stat.rows));
  }
  return stat;
}

FieldStat FakeShardService::FieldLocked(const PayloadField& field, uint64_t rows) const {
  FieldStat stat{field.name, field.type, field.state, rows, rows, 0, ""};
  if (field.state != FieldState::kBuilding) return stat;
  if (hold_fields_) {
    stat.built_rows = rows / 2;
  } else if (misfits_ == 0) {
    stat.state = FieldState::kReady;
  } else {
    stat.misfits = misfits_;
    stat.first_misfit = std::string(PointKey::FromNumber(7).view());
  }
  return stat;
}

// What is there stays as it is, what is new is built.
absl::Status FakeShardService::SetPayloadFields(const SetFieldsCall& call, Deadline) {
  KITH_RETURN_IF_ERROR(Enter("SetPayloadFields"));
  std::lock_guard lock(mutex_);
  KITH_ASSIGN_OR_RETURN(Shard * shard, Find(call.shard, call.incarnation));
  const PayloadSchema before = shard->spec.payload_fields;
  shard->spec.payload_fields = call.fields;
  for (PayloadField& field : shard->spec.payload_fields) {
    const auto known = FindField(before, field.name);
    if (field.is_indexed()) field.state = known ? before[*known].state : FieldState::kBuilding;
  }
  shard->fields_revision = call.revision;
  return absl::OkStatus();
}

void FakeShardService::HoldFields() {
  std::lock_guard lock(mutex_);
  hold_fields_ = true;
}

void FakeShardService::LetFieldsGo() {
  std::lock_guard lock(mutex_);
  hold_fields_ = false;
}

void FakeShardService::MakeMisfits(uint64_t misfits) {
  std::lock_guard lock(mutex_);
  misfits_ = misfits;
}

absl::StatusOr<std::vector<uint64_t>> FakeShardService::SampleHashes(const SampleHashesCall& call,
                                                                     Deadline) {
  KITH_RETURN_IF_ERROR(Enter("SampleHashes"));
  std::lock_guard lock(mutex_);
  KITH_ASSIGN_OR_RETURN(Shard * shard, Find(call.shard));
  shard->drawn[call.seed] = call.count;
  std::vector<uint64_t> hashes;
  for (const auto& [key, point] : shard->points) hashes.push_back(SampleHash(call.seed, key));
  std::sort(hashes.begin(), hashes.end());
  if (hashes.size() > call.count) hashes.resize(call.count);
  if (Corrupted("SampleHashes")) std::reverse(hashes.begin(), hashes.end());
  return hashes;
}

absl::StatusOr<SampleChunk> FakeShardService::ReadSample(const SampleChunkCall& call, Deadline) {
  KITH_RETURN_IF_ERROR(Enter("ReadSample"));
  std::lock_guard lock(mutex_);
  KITH_ASSIGN_OR_RETURN(const Shard* shard, Find(call.shard));
  if (!shard->drawn.contains(call.seed)) {
    return Error(absl::StatusCode::kUnavailable, reason::kNotReady, "ask for the hashes first");
  }
  std::vector<std::pair<uint64_t, PointKey>> found;
  for (const auto& [key, point] : shard->points) {
    const uint64_t hash = SampleHash(call.seed, key);
    const bool below = call.hash_end == 0 || hash < call.hash_end;
    if (hash >= call.hash_begin && below) found.emplace_back(hash, key);
  }
  std::sort(found.begin(), found.end());
  if (found.size() > 100) found.resize(100);  // small chunks, so that there are several
  SampleChunk chunk;
  for (const auto& [hash, key] : found) {
    chunk.hashes.push_back(hash);
    chunk.keys.append(key.view());
    chunk.vectors.append(shard->points.at(key).vector);
  }
  if (Corrupted("ReadSample") && !chunk.keys.empty()) chunk.keys.pop_back();
  return chunk;
}

absl::Status FakeShardService::AddTrainingChunk(TrainingChunk chunk, Deadline) {
  KITH_RETURN_IF_ERROR(Enter("AddTrainingChunk"));
  std::lock_guard lock(mutex_);
  if (!job_.name.empty() && job_.name != chunk.job) {
    return Error(absl::StatusCode::kResourceExhausted, reason::kTrainingInProgress,
                 "another training");
  }
  job_.name = chunk.job;
  for (size_t i = 0; i < chunk.sample.hashes.size(); ++i) {
    job_.sample.emplace_back(chunk.sample.hashes[i],
                             chunk.sample.keys.substr(i * PointKey::kSize, PointKey::kSize));
  }
  return absl::OkStatus();
}

absl::Status FakeShardService::StartTraining(const StartTrainingCall& call, Deadline) {
  KITH_RETURN_IF_ERROR(Enter("StartTraining"));
  std::lock_guard lock(mutex_);
  if (job_.name != call.job) return absl::NotFoundError("no such job");
  std::sort(job_.sample.begin(), job_.sample.end());
  last_sample_ = job_.sample;
  const std::string bytes = ArtifactOf(call, job_.sample);
  job_.artifact = NameOf(bytes);
  job_.started = true;
  artifacts_[job_.artifact] = bytes;
  return absl::OkStatus();
}

absl::StatusOr<TrainingState> FakeShardService::GetTraining(const std::string& job, Deadline) {
  KITH_RETURN_IF_ERROR(Enter("GetTraining"));
  std::lock_guard lock(mutex_);
  if (job_.name != job || !job_.started) return absl::NotFoundError("no such job");
  TrainingState state;
  state.done = !hold_training_;
  state.progress = hold_training_ ? 0.5 : 1.0;
  if (!state.done) return state;
  state.artifact = job_.artifact;
  state.artifact_bytes = artifacts_[job_.artifact].size();
  if (Corrupted("GetTraining")) {
    state.error = Error(absl::StatusCode::kFailedPrecondition, reason::kDegeneratePoints,
                        "all points are equal");
  }
  return state;
}

absl::Status FakeShardService::CancelTraining(const std::string& job, Deadline) {
  KITH_RETURN_IF_ERROR(Enter("CancelTraining"));
  std::lock_guard lock(mutex_);
  if (job_.name == job) job_ = {};
  return absl::OkStatus();
}

absl::StatusOr<ArtifactChunk> FakeShardService::ReadArtifact(const std::string& artifact,
                                                             uint64_t offset, Deadline) {
  KITH_RETURN_IF_ERROR(Enter("ReadArtifact"));
  std::lock_guard lock(mutex_);
  const auto found = artifacts_.find(artifact);
  if (found == artifacts_.end()) {
    return Error(absl::StatusCode::kNotFound, reason::kIndexVersionNotReady, "no such artifact");
  }
  ArtifactChunk chunk;
  chunk.artifact = artifact;
  chunk.offset = offset;
  chunk.total_bytes = found->second.size();
  chunk.data = found->second.substr(offset, kArtifactChunk);
  chunk.checksum = XXH3_64bits(chunk.data.data(), chunk.data.size());
  if (Corrupted("ReadArtifact")) chunk.data[0] ^= 1;
  if (Corrupted("ArtifactTotal") && offset > 0) chunk.total_bytes = offset / 2;
  return chunk;
}

absl::Status FakeShardService::WriteArtifact(const ArtifactChunk& chunk, Deadline) {
  KITH_RETURN_IF_ERROR(Enter("WriteArtifact"));
  std::lock_guard lock(mutex_);
  if (artifacts_.contains(chunk.artifact)) return absl::OkStatus();
  std::string& bytes = incoming_[chunk.artifact];
  if (chunk.offset == 0) bytes.clear();
  if (chunk.offset != bytes.size()) return absl::InvalidArgumentError("chunk out of order");
  bytes += chunk.data;
  if (bytes.size() < chunk.total_bytes) return absl::OkStatus();
  if (NameOf(bytes) != chunk.artifact) {
    return Error(absl::StatusCode::kDataLoss, reason::kCorruption, "content and name differ");
  }
  artifacts_[chunk.artifact] = bytes;
  incoming_.erase(chunk.artifact);
  return absl::OkStatus();
}

absl::Status FakeShardService::BuildIndex(ShardId id, const std::string& version, Deadline) {
  KITH_RETURN_IF_ERROR(Enter("BuildIndex"));
  std::lock_guard lock(mutex_);
  KITH_ASSIGN_OR_RETURN(Shard * shard, Find(id));
  const auto found = artifacts_.find(version);
  if (found == artifacts_.end()) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kIndexVersionNotReady,
                 "no such artifact here");
  }
  shard->indexes[version] = static_cast<uint32_t>(std::stoul(found->second));
  return absl::OkStatus();
}

absl::Status FakeShardService::DropIndex(ShardId id, const std::string& version, Deadline) {
  KITH_RETURN_IF_ERROR(Enter("DropIndex"));
  std::lock_guard lock(mutex_);
  KITH_ASSIGN_OR_RETURN(Shard * shard, Find(id));
  shard->indexes.erase(version);
  return absl::OkStatus();
}

absl::StatusOr<VerifyReply> FakeShardService::Verify(ShardId id, Deadline deadline) {
  KITH_RETURN_IF_ERROR(Enter("Verify", deadline));
  std::lock_guard lock(mutex_);
  KITH_ASSIGN_OR_RETURN(const Shard* shard, Find(id));
  VerifyReply reply;
  reply.applied_lsn = shard->lsn;
  reply.live_points = shard->points.size();
  reply.slots_checked = limits::kSlots;
  reply.index_mismatches = Corrupted("Verify") ? 1 : 0;
  return reply;
}

}  // namespace kith::testing
