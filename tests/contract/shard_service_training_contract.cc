#include <algorithm>
#include <thread>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/vector/point_key.h"
#include "tests/contract/shard_service_contract.h"

// The part of the contract that trains: from points to a search under the trained version.
namespace kith::testing {
namespace {

// A sample is drawn before it is read.
void Draw(ShardService& service, ShardId shard) {
  const auto hashes = service.SampleHashes({shard, 1, 10'000}, Soon());
  EXPECT_TRUE(hashes.ok()) << hashes.status();
}

// The artifact's name; empty after a failure.
std::string Train(ShardService& service, ShardId shard) {
  Draw(service, shard);
  uint64_t begin = 0;
  while (true) {
    auto chunk = service.ReadSample({shard, 1, begin, 0, 8 << 20}, Soon());
    EXPECT_TRUE(chunk.ok()) << chunk.status();
    if (!chunk.ok() || chunk->hashes.empty()) break;
    begin = chunk->hashes.back() + 1;
    const absl::Status added =
        service.AddTrainingChunk({"job", 4, ElementType::kF32, *std::move(chunk)}, Soon());
    EXPECT_TRUE(added.ok()) << added;
  }
  const absl::Status started = service.StartTraining(
      {"job", 4, Metric::kL2, ElementType::kF32, /*lists=*/8, /*subspaces=*/2, /*seed=*/1}, Soon());
  EXPECT_TRUE(started.ok()) << started;
  const Deadline give_up = Soon();
  while (started.ok() && std::chrono::steady_clock::now() < give_up) {
    const auto state = service.GetTraining("job", Soon());
    EXPECT_TRUE(state.ok()) << state.status();
    if (!state.ok()) return "";
    EXPECT_TRUE(state->error.ok()) << state->error;
    if (state->done) return state->artifact;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ADD_FAILURE() << "training does not end";
  return "";
}

void Build(ShardService& service, ShardId shard, const std::string& version) {
  const absl::Status built = service.BuildIndex(shard, version, Soon());
  ASSERT_TRUE(built.ok()) << built;
  const Deadline give_up = Soon();
  while (std::chrono::steady_clock::now() < give_up) {
    const auto stat = service.Stat(shard, Soon());
    ASSERT_TRUE(stat.ok()) << stat.status();
    for (const IndexState& index : stat->indexes) {
      if (index.version == version && index.ready) return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  FAIL() << "the index does not become ready";
}

}  // namespace

TEST_P(ShardServiceContract, ATrainedVersionServesOnceItIsBuilt) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 2000);
  const std::string version = Train(service(), spec.shard);
  ASSERT_FALSE(version.empty());
  EXPECT_TRUE(service().CancelTraining("job", Soon()).ok());
  Build(service(), spec.shard, version);

  SearchCall call = Nearest(spec.shard, 1234, 3);
  call.index_version = version;
  call.nprobe = 8;
  call.refine = ~uint32_t{0};
  call.rerank = 100;
  const auto found = SearchNow(service(), call);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->counts, std::vector<uint32_t>{3});
  EXPECT_EQ(found->scores[0], 0.0f);
  EXPECT_EQ(PointKey::FromBytes(found->keys.data()).number(), 1234u);

  EXPECT_TRUE(service().DropIndex(spec.shard, version, Soon()).ok());
  EXPECT_EQ(ReasonOf(SearchNow(service(), call).status()), reason::kIndexVersionNotReady);
}

TEST_P(ShardServiceContract, AnArtifactIsReadInChunksAndWritingItAgainIsFine) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 2000);
  const std::string artifact = Train(service(), spec.shard);
  ASSERT_FALSE(artifact.empty());
  uint64_t offset = 0;
  uint64_t total = 1;
  while (offset < total) {
    const auto chunk = service().ReadArtifact(artifact, offset, Soon());
    ASSERT_TRUE(chunk.ok()) << chunk.status();
    ASSERT_FALSE(chunk->data.empty());
    EXPECT_EQ(chunk->offset, offset);
    total = chunk->total_bytes;
    offset += chunk->data.size();
    const absl::Status written = service().WriteArtifact(*chunk, Soon());
    EXPECT_TRUE(written.ok()) << written;
  }
  EXPECT_EQ(offset, total);
}

TEST_P(ShardServiceContract, ANodeTrainsOneJobAtATime) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 100);
  Draw(service(), spec.shard);
  const auto sample = service().ReadSample({spec.shard, 1, 0, 0, 8 << 20}, Soon());
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_TRUE(service().AddTrainingChunk({"one", 4, ElementType::kF32, *sample}, Soon()).ok());
  const absl::Status other =
      service().AddTrainingChunk({"two", 4, ElementType::kF32, *sample}, Soon());
  EXPECT_EQ(other.code(), absl::StatusCode::kResourceExhausted) << other;
  EXPECT_EQ(ReasonOf(other), reason::kTrainingInProgress);
  EXPECT_TRUE(service().CancelTraining("one", Soon()).ok());
  EXPECT_TRUE(service().AddTrainingChunk({"two", 4, ElementType::kF32, *sample}, Soon()).ok());
}

}  // namespace kith::testing
