// What a start does about files that were damaged, lost or mixed up while the node was down.
#include <gmock/gmock.h>
#include <xxhash.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/base/ids.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/list_segment.h"
#include "index/tombstones.h"
#include "shard/maintenance/manifest.h"
#include "shard/storage/artifact_store.h"
#include "shard/storage/log_store.h"
#include "shard/storage/segment_file.h"
#include "shard/storage/state_store.h"
#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using testing::HasSubstr;

std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}

void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void Damage(const std::string& path) {
  std::string bytes = ReadBytes(path);
  bytes[bytes.size() / 2] ^= 1;
  WriteBytes(path, bytes);
}

class DamageTest : public NodeFixture {
 protected:
  static constexpr uint32_t kPoints = 3000;

  void SetUp() override {
    NodeFixture::SetUp();
    ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  }

  // Points, a delete, an index; closed in order.
  void MakeIndexedShard() {
    Fill(0, kPoints);
    TrainAndBuild(16, version_);
    ASSERT_TRUE(Write(Remove(5)).ok());
    Stop();
  }
  void Stop() {
    ASSERT_TRUE(node_->Close().ok());
    node_.reset();
  }
  void ExpectWhole() {
    ExpectVerified(kPoints - 1);
    const auto exact = Search(Query({1, 1}, kPoints));
    ASSERT_TRUE(exact.ok()) << exact.status();
    EXPECT_EQ(exact->scores.size(), kPoints - 1);
  }
  void ExpectIndexedAgain() {
    ASSERT_TRUE(Within(seconds(20), [&] { return IsReady(version_); }));
    const auto found = Search(IndexedQuery({1, 1}, kPoints, version_));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->scores.size(), kPoints - 1);
    EXPECT_EQ(Numbers(*found), Numbers(*Search(Query({1, 1}, kPoints))));
    EXPECT_TRUE(node_->health().ready) << node_->health().reason;
  }
  std::unique_ptr<storage::StateStore> OpenState() {
    const storage::StateOptions options{ShardPath() + "/state", real_files_.get()};
    return std::move(storage::StateStore::Open(options)).value();
  }
  void ChangeState(const std::function<void(storage::StateBatch&)>& change) {
    const auto state = OpenState();
    const auto batch = state->NewBatch();
    change(*batch);
    ASSERT_TRUE(state->Write(*batch).ok());
    ASSERT_TRUE(state->Flush().ok());
  }
  absl::Status StatusOfShard() { return Search(Query({1, 1})).status(); }

  std::string version_;
};

TEST_F(DamageTest, ADamagedOrMissingSegmentIsEncodedAgain) {
  MakeIndexedShard();
  for (const bool missing : {false, true}) {
    const std::vector<std::string> segments = FilesIn("seg", ".seg");
    ASSERT_EQ(segments.size(), 1u);
    missing ? static_cast<void>(fs::remove(segments[0])) : Damage(segments[0]);
    ASSERT_TRUE(Start().ok());
    ExpectWhole();
    ExpectIndexedAgain();
    Stop();
  }
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(IsReady(version_)) << "the new segments are in the checkpoint";
}

TEST_F(DamageTest, DamagedOrMissingTombstonesAreMadeAgainFromTheTruth) {
  MakeIndexedShard();
  for (const bool missing : {false, true}) {
    const std::vector<std::string> tombstones = FilesIn("seg", ".dead");
    ASSERT_EQ(tombstones.size(), 1u);
    missing ? static_cast<void>(fs::remove(tombstones[0])) : Damage(tombstones[0]);
    ASSERT_TRUE(Start().ok());
    ExpectWhole();
    ExpectIndexedAgain();
    Stop();
  }
}

TEST_F(DamageTest, AMissingOrDamagedArtifactLeavesTheShardServingWithoutThatIndex) {
  MakeIndexedShard();
  const std::string artifact = directory_ + "/artifacts/" + version_;
  const std::string good = ReadBytes(artifact);
  for (const bool missing : {false, true}) {
    missing ? static_cast<void>(fs::remove(artifact)) : Damage(artifact);
    ASSERT_TRUE(Start().ok());
    ExpectWhole();
    EXPECT_TRUE(node_->Stat(7, Soon())->indexes.empty());
    EXPECT_EQ(ReasonOf(Search(IndexedQuery({1, 1}, 3, version_)).status()),
              reason::kIndexVersionNotReady);
    WriteBytes(artifact, good);
    ASSERT_TRUE(node_->BuildIndex(7, version_, Soon()).ok());
    ExpectIndexedAgain();
    Stop();
  }
}

TEST_F(DamageTest, TwoIndexesOfWhichOneLostItsArtifactKeepTheirFilesApart) {
  Fill(0, kPoints);
  TrainAndBuild(16, version_);
  std::string other;
  TrainAndBuild(8, other);
  ASSERT_TRUE(Write(Remove(5)).ok());
  Stop();
  fs::remove(directory_ + "/artifacts/" + version_);
  version_ = other;
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(Start().ok());
    EXPECT_TRUE(IsReady(other)) << "it was not built again";
    ExpectWhole();
    ExpectIndexedAgain();
    Stop();
  }
}

TEST_F(DamageTest, RowsThatAreWholeButNotTheTruthAreWrittenAgain) {
  MakeIndexedShard();
  const std::string path = FilesIn("rows", ".rows")[0];
  std::string bytes = ReadBytes(path);
  const uint32_t stride = RowTable::StrideFor(2 * sizeof(float));
  char* record = bytes.data() + 3 * stride;
  record[8] = static_cast<char>(record[8] ^ 1);  // another version, under a checksum that fits
  const auto checksum = static_cast<uint32_t>(XXH3_64bits(record + 4, stride - 4));
  std::memcpy(record, &checksum, sizeof(checksum));
  WriteBytes(path, bytes);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(node_->health().digest_repairs, 1u);
  ExpectWhole();
  EXPECT_TRUE(IsReady(version_));
}

// A file that is whole by every checksum and misses a row all the same.
TEST_F(DamageTest, AnIndexThatIsNotTheTruthIsEncodedAgain) {
  MakeIndexedShard();
  storage::ArtifactStore artifacts(directory_ + "/artifacts", *real_files_);
  const auto version = artifacts.Load(version_);
  ASSERT_TRUE(version.ok()) << version.status();
  const std::string path = FilesIn("seg", ".seg")[0];
  const storage::SegmentIdentity identity{Spec(2).incarnation, version_};
  const auto segment = storage::ReadSegmentFile(*real_files_, path, identity, **version);
  ASSERT_TRUE(segment.ok()) << segment.status();
  const std::vector<uint32_t> gone = {7};
  const auto lesser =
      index::ListSegment::Merge(**version, {&*segment, 1}, index::Tombstones().With(gone));
  ASSERT_EQ(lesser->rows() + 1, (*segment)->rows());
  ASSERT_TRUE(storage::WriteSegmentFile(*real_files_, path, identity, **version, *lesser).ok());
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(node_->health().digest_repairs, 1u);
  ExpectIndexedAgain();
  ExpectWhole();
}

TEST_F(DamageTest, ATruthWhoseDigestIsWrongIsRefusedAndTheOtherShardsServe) {
  ShardSpec other = Spec(2);
  other.shard = 8;
  ASSERT_TRUE(node_->CreateShard(other, Soon()).ok());
  MakeIndexedShard();
  ChangeState([](storage::StateBatch& batch) {
    batch.PutDigest(SlotOf(PointKey::FromNumber(1)), {1, 2});
  });
  ASSERT_TRUE(Start().ok());
  const absl::Status status = StatusOfShard();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(status), reason::kCorruption);
  EXPECT_THAT(std::string(status.message()), HasSubstr("differ from the truth"));
  EXPECT_TRUE(node_->health().ready) << "for the other shard";
  EXPECT_EQ(node_->health().shards_ready, 1u);
  EXPECT_THAT(node_->health().reason, HasSubstr("shard 7"));
  EXPECT_TRUE(node_->Stat(8, Soon()).ok());
}

TEST_F(DamageTest, LogAndStateBelowTheHintAreRefused) {
  Fill(0, 10);
  ASSERT_TRUE(Write(Put(11, {1, 1})).ok());
  Stop();
  for (const std::string& folder : {directory_ + "/log", ShardPath() + "/state"}) {
    for (const auto& entry : fs::directory_iterator(folder)) fs::remove_all(entry);
  }
  ASSERT_TRUE(Start().ok());
  const absl::Status status = StatusOfShard();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("were acknowledged"));
}

TEST_F(DamageTest, AHintThatCannotBeReadHurtsNothing) {
  Fill(0, 10);
  Stop();
  fs::remove(directory_ + "/HINT");
  fs::create_directory(directory_ + "/HINT");  // cannot be read by root either
  ASSERT_TRUE(Start().ok());
  ExpectVerified(10);
}

TEST_F(DamageTest, ALogWithAGapIsRefused) {
  Fill(0, 10);
  Stop();
  for (const auto& entry : fs::directory_iterator(ShardPath() + "/state")) fs::remove_all(entry);
  {
    storage::LogOptions options;
    options.directory = directory_ + "/log";
    options.files = real_files_.get();
    const auto log = std::move(storage::LogStore::Open(options)).value();
    ASSERT_TRUE(log->DropShard(7).ok());
    const storage::LogRecord record{7, 5, 0, "five"};
    ASSERT_TRUE(log->Append({&record, 1}).ok());
  }
  ASSERT_TRUE(Start().ok());
  const absl::Status status = StatusOfShard();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("lsn=1"));
}

TEST_F(DamageTest, AManifestOfANewerProgramIsRefusedWithTheRemedy) {
  MakeIndexedShard();
  std::string manifest = EncodeManifest({});
  manifest[0] = 2;
  ChangeState([&](storage::StateBatch& batch) { batch.PutManifest(manifest); });
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(ReasonOf(StatusOfShard()), reason::kFormatVersion);
  EXPECT_THAT(std::string(StatusOfShard().message()), HasSubstr("newer kithd"));
}

TEST_F(DamageTest, AnIdWhoseRowIsMissingIsDataLossAndNotAnEndlessRetry) {
  Fill(0, 10);
  Stop();
  ChangeState([](storage::StateBatch& batch) { batch.DeleteRow(3); });
  ASSERT_TRUE(Start().ok());
  const auto got = Get(Key(3));
  EXPECT_EQ(got.status().code(), absl::StatusCode::kDataLoss) << got.status();
  EXPECT_THAT(std::string(got.status().message()), HasSubstr("point 3"));
  EXPECT_TRUE(Get(Key(4)).ok());
}

TEST_F(DamageTest, ARowThatIsDamagedUnderTheRunningNodeDoesNotSpoilTheDigests) {
  Fill(0, 100);
  const std::string path = FilesIn("rows", ".rows")[0];
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(3 * RowTable::StrideFor(2 * sizeof(float)) + 16);
  file.write("garbage!", 8);  // the content hash, in the mapped page
  file.close();
  ASSERT_TRUE(Write(Remove(3)).ok());
  ExpectVerified(99);
  ASSERT_TRUE(Start().ok());
  ExpectVerified(99);
}

TEST_F(DamageTest, AnUnreadableSpecAndStrayFilesConcernNobodyElse) {
  ShardSpec other = Spec(2);
  other.shard = 8;
  ASSERT_TRUE(node_->CreateShard(other, Soon()).ok());
  Fill(0, 10);
  Stop();
  const std::string good = ReadBytes(ShardPath(8) + "/SPEC");
  Damage(ShardPath(8) + "/SPEC");
  WriteBytes(directory_ + "/shard/notes.txt", "mine");
  ASSERT_TRUE(Start().ok());
  ExpectVerified(10);
  EXPECT_EQ(node_->Stat(8, Soon()).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(node_->CreateShard(other, Soon()).code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(node_->health().ready) << "for the other shard";
  EXPECT_EQ(node_->health().shards_ready, 1u);
  EXPECT_THAT(node_->health().reason, HasSubstr("shard 8"));
  WriteBytes(ShardPath(8) + "/SPEC", good);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(node_->health().shards_ready, 2u) << node_->health().reason;
}

TEST_F(DamageTest, TwoDirectoriesOfOneShardAreReportedAndNeitherIsServed) {
  Fill(0, 10);
  Stop();
  std::string second;
  {
    const auto directory = storage::NodeDirectory::Open(directory_, *real_files_);
    second = (*directory)->CreateShard(Spec(2), 16)->path;
  }
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(ReasonOf(StatusOfShard()), reason::kStorage);
  EXPECT_THAT(std::string(StatusOfShard().message()), HasSubstr(second));
  EXPECT_FALSE(node_->CreateShard(Spec(2), Soon()).ok());
  EXPECT_FALSE(node_->DropShard(7, Spec(1).incarnation, Soon()).ok()) << "which of the two?";
  node_.reset();
  fs::remove_all(second);
  ASSERT_TRUE(Start().ok());
  ExpectVerified(10);
}

}  // namespace
}  // namespace kith::shard
