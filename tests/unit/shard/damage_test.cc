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
#include "shard/storage/log_hint.h"
#include "shard/storage/log_store.h"
#include "shard/storage/segment_file.h"
#include "shard/storage/state_store.h"
#include "tests/unit/shard/damage_fixture.h"

namespace kith::shard {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using testing::HasSubstr;

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
    EXPECT_FALSE(IsReady(version_));
    const absl::Status refused = Search(IndexedQuery({1, 1}, 3, version_)).status();
    EXPECT_EQ(ReasonOf(refused), reason::kIndexVersionNotReady);
    EXPECT_THAT(std::string(refused.message()), HasSubstr(artifact));
    EXPECT_THAT(std::string(refused.message()), HasSubstr("Put the file back"));
    EXPECT_THAT(node_->health().reason, HasSubstr(artifact));
    EXPECT_EQ(node_->health().shards_ready, 0u);
    // Checkpoints meanwhile keep what needs only the artifact again.
    ASSERT_TRUE(Write(Put(kPoints, {0, 0})).ok());
    ASSERT_TRUE(Write(Remove(kPoints)).ok());
    Stop();
    WriteBytes(artifact, good);
    ASSERT_TRUE(Start().ok());
    EXPECT_TRUE(IsReady(version_)) << "its segments were kept";
    EXPECT_EQ(node_->health().digest_repairs, 0u);
    ExpectIndexedAgain();
    Stop();
  }
}

TEST_F(DamageTest, AnIndexThatIsLostCanBeBuiltAgainOrDropped) {
  MakeIndexedShard();
  const std::string artifact = directory_ + "/artifacts/" + version_;
  const std::string good = ReadBytes(artifact);
  Damage(artifact);
  ASSERT_TRUE(Start().ok());
  WriteBytes(artifact, good);
  ASSERT_TRUE(node_->BuildIndex(7, version_, Soon()).ok());
  ExpectIndexedAgain();
  Stop();
  Damage(artifact);
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(node_->DropIndex(7, version_, Soon()).ok());
  EXPECT_TRUE(node_->Stat(7, Soon())->indexes.empty());
  EXPECT_TRUE(node_->health().ready) << node_->health().reason;
  Stop();
  EXPECT_TRUE(FilesIn("seg", ".seg").empty()) << "nothing is kept for it";
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
    ExpectIndexed();
    EXPECT_EQ(node_->health().shards_ready, 0u) << "for the other index";
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
  for (const auto& entry : fs::directory_iterator(ShardPath() + "/state")) fs::remove_all(entry);
  ASSERT_TRUE(Start().ok());
  const absl::Status status = StatusOfShard();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("were acknowledged"));
}

TEST_F(DamageTest, ALogThatLostItsEndIsRefusedAndKeepsItsFiles) {
  const std::string state = ShardPath() + "/state";
  Stop();
  fs::copy(state, directory_ + "/before");
  options_.log_write_buffer_bytes = 64 << 10;  // so that there are files to lose
  ASSERT_TRUE(Start().ok());
  for (uint64_t begin = 0; begin < 8; ++begin) {
    ASSERT_TRUE(Write(Put(begin, {1, 1}, std::string(30'000, 'x'))).ok());
  }
  const auto is_noted = [&] {
    const auto hint = storage::LogHint::Open(directory_ + "/HINT", *real_files_, clock_);
    return hint->Expected(7) == 8;
  };
  ASSERT_TRUE(Within(seconds(20), is_noted));
  node_.reset();
  // As of a kill, which flushes nothing.
  fs::remove_all(state);
  fs::rename(directory_ + "/before", state);
  std::string manifest;
  std::vector<fs::path> before;
  for (const auto& entry : fs::directory_iterator(directory_ + "/log")) {
    if (entry.path().filename().string().starts_with("MANIFEST")) manifest = entry.path();
    if (entry.path().extension() == ".sst") before.push_back(entry.path());
  }
  ASSERT_FALSE(before.empty());
  const std::string good = ReadBytes(manifest);
  WriteBytes(manifest, good.substr(0, 100));
  const absl::Status refused = Start();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr(directory_ + "/log"));
  for (const fs::path& table : before) EXPECT_TRUE(fs::exists(table)) << table;
  WriteBytes(manifest, good);
  ASSERT_TRUE(Start().ok());
  ExpectVerified(8);
}

TEST_F(DamageTest, AShardPutBackFromAnOlderCopyIsBroughtUpByTheLogWhereThatStillHasAll) {
  Fill(0, 10);
  Stop();
  const std::string shard = ShardPath();
  const std::string older = directory_ + "/older";
  fs::copy(shard, older, fs::copy_options::recursive);
  const auto put_back = [&] {
    fs::remove_all(shard);
    fs::copy(older, shard, fs::copy_options::recursive);
  };
  ASSERT_TRUE(Start().ok());
  Fill(10, 20);
  node_.reset();  // as a kill: the log has what came since
  put_back();
  ASSERT_TRUE(Start().ok());
  ExpectVerified(30);
  Stop();  // in order: the log lets go of it
  put_back();
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(StatusOfShard().code(), absl::StatusCode::kDataLoss) << StatusOfShard();
  EXPECT_THAT(std::string(StatusOfShard().message()), HasSubstr("were acknowledged"));
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

// RocksDB takes a cut MANIFEST for one whose last change a crash undid, and removes the files that
// it does not name.
TEST_F(DamageTest, AStateWhoseManifestWasCutIsRefusedAndKeepsItsFiles) {
  MakeIndexedShard();
  std::string manifest;
  for (const auto& entry : fs::directory_iterator(ShardPath() + "/state")) {
    if (entry.path().filename().string().starts_with("MANIFEST")) manifest = entry.path();
  }
  const std::string good = ReadBytes(manifest);
  const std::vector<std::string> tables = FilesIn("state", ".sst");
  ASSERT_FALSE(tables.empty());
  // Down to the part that was written when the state was made.
  const size_t empty_size = good.size() / 3;
  WriteBytes(manifest, good.substr(0, empty_size));
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(StatusOfShard().code(), absl::StatusCode::kDataLoss) << StatusOfShard();
  node_.reset();
  EXPECT_EQ(FilesIn("state", ".sst"), tables);
  WriteBytes(manifest, good);
  ASSERT_TRUE(Start().ok());
  ExpectWhole();
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
