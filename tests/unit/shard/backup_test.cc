#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/backup/pinned_shard.h"
#include "tests/unit/shard/backup_fixture.h"

namespace kith::shard {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BackupTest : public BackupFixture {
 protected:
  void SetUp() override {
    BackupFixture::SetUp();
    ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  }
};

TEST_F(BackupTest, WhatWasRestoredIsWhatWasBackedUp) {
  Fill(0, 3000);
  for (uint64_t id = 0; id < 500; ++id) ASSERT_TRUE(Write(Remove(id)).ok());
  ASSERT_TRUE(Write(Put(7, {1, 2}, "payload")).ok());
  const auto points = PointsOf(7);
  const std::string digest = DigestOf(7);
  const auto made = Create("first");
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->collections[0].shards[0].points, 2501u);
  EXPECT_EQ(made->collections[0].shards[0].digest, digest);
  EXPECT_EQ(made->added_bytes, made->bytes);
  EXPECT_EQ(made->collections[0].record, "record");
  ASSERT_TRUE(Write(Remove(8)).ok()) << "of which the backup knows nothing";

  const absl::Status restored = Restore("first");
  ASSERT_TRUE(restored.ok()) << restored;
  EXPECT_EQ(PointsOf(8), points);
  EXPECT_EQ(DigestOf(8), digest);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(DigestOf(8), digest) << "after a start, too";
  ExpectNoGarbage();
}

TEST_F(BackupTest, ARestoredShardTakesWritesAndNumbersThemOn) {
  Fill(0, 10);
  const uint64_t lsn = node_->Stat(7, Soon())->applied_lsn;
  ASSERT_TRUE(Create("first").ok());
  ASSERT_TRUE(Restore("first").ok());
  WriteCall call = Put(3, {5, 5});
  call.shard = 8;
  call.incarnation = IncarnationOf(8);
  std::promise<absl::StatusOr<WriteReply>> promise;
  node_->Write(call, Soon(), [&](auto reply) { promise.set_value(std::move(reply)); });
  const auto reply = promise.get_future().get();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->lsn, lsn + 1);
  const auto points = PointsOf(8);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(PointsOf(8), points);
}

TEST_F(BackupTest, ARestoredShardIndexesTheFieldsThatTheStateSaysAndGoesOnWhereItWas) {
  for (uint64_t id = 0; id < 20; ++id) {
    ASSERT_TRUE(Write(Put(id, {1, static_cast<float>(id)}, R"({"year": 3})")).ok());
  }
  std::atomic<bool> held{true};
  options_.before_fields = [&] {
    while (held) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  options_.maintenance_threads = 3;  // both shards may be held
  ASSERT_TRUE(Start().ok());
  const PayloadSchema fields = {{"year", FieldType::kInteger}};
  ASSERT_TRUE(node_->SetPayloadFields({7, IncarnationOf(7), 1, fields}, Soon()).ok());
  ASSERT_TRUE(Create("half").ok());
  ASSERT_TRUE(Restore("half").ok());
  const auto restored = [&] { return node_->Stat(8, Soon())->fields[0]; };
  EXPECT_EQ(restored().state, FieldState::kBuilding) << "whatever the record said of it";
  EXPECT_EQ(node_->Stat(8, Soon())->fields_revision, 1u);
  held = false;
  ASSERT_TRUE(Within(seconds(10), [&] { return restored().state == FieldState::kReady; }));
  EXPECT_EQ(DigestOf(8), DigestOf(7));
}

TEST_F(BackupTest, AnEmptyShardCanBeBackedUpAndRestored) {
  ASSERT_TRUE(Create("empty").ok());
  ASSERT_TRUE(Restore("empty").ok());
  EXPECT_THAT(PointsOf(8), IsEmpty());
}

TEST_F(BackupTest, WhatWasAcknowledgedBeforeIsInABackupThatIsMadeWhilePointsAreWritten) {
  Fill(0, 1000);
  std::atomic<uint64_t> acknowledged{1000};  // ids below it
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) {
      // Two points a request: both or none of them may be in a backup.
      WriteCall call = Put(acknowledged, {1, 1});
      WriteCall second = Put(acknowledged + 1, {2, 2});
      call.kinds.push_back(second.kinds[0]);
      call.keys += second.keys;
      call.vectors += second.vectors;
      call.payload_sizes.push_back(0);
      if (Write(std::move(call)).ok()) acknowledged += 2;
    }
  });
  for (const ShardId to : {8, 9, 10}) {
    const std::string name = "while-" + std::to_string(to);
    const uint64_t before = acknowledged;
    const auto made = Create(name);
    ASSERT_TRUE(made.ok()) << made.status();
    const absl::Status restored = Restore(name, to);
    ASSERT_TRUE(restored.ok()) << restored;
    const auto points = PointsOf(to);
    EXPECT_EQ(points.size(), made->collections[0].shards[0].points);
    EXPECT_GE(points.size(), before);
    EXPECT_EQ(points.size() % 2, 0u) << "half of a request";
    EXPECT_EQ(points.rbegin()->first, points.size() - 1) << "a hole";
    EXPECT_EQ(DigestOf(to), made->collections[0].shards[0].digest);
  }
  stop = true;
  writer.join();
}

TEST_F(BackupTest, ABackupThatLacksAnAcknowledgedWriteIsNone) {
  BackupShard shard;
  shard.lsn = 41;
  EXPECT_TRUE(CheckHolds(41, shard).ok());
  EXPECT_EQ(CheckHolds(42, shard).code(), absl::StatusCode::kInternal);
}

TEST_F(BackupTest, OnlyFilesThatNoBackupHasAreStored) {
  Fill(0, 20'000);
  const auto first = Create("first");
  ASSERT_TRUE(first.ok()) << first.status();
  const auto stored = StoredFiles("blobs");
  Fill(20'000, 100);
  const auto second = Create("second");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_GT(second->bytes, first->bytes);
  EXPECT_LT(second->added_bytes, first->bytes / 2);
  uint64_t added = 0;
  for (const auto& [name, bytes] : StoredFiles("blobs")) added += stored.contains(name) ? 0 : bytes;
  EXPECT_EQ(added, second->added_bytes);
  ASSERT_TRUE(Restore("first").ok());
  ASSERT_TRUE(Restore("second", 9).ok());
  EXPECT_EQ(PointsOf(8).size(), 20'000u);
  EXPECT_EQ(PointsOf(9).size(), 20'100u);
}

TEST_F(BackupTest, AFileThatIsKnownIsNotReadAgain) {
  Fill(0, 20'000);
  ASSERT_TRUE(Create("first").ok());
  const auto known = StoredFiles("blobs");
  // Whoever read the largest table again, the one of the rows, would find that it is another.
  const std::vector<std::string> tables = FilesIn("state", ".sst");
  const std::string table = *std::max_element(tables.begin(), tables.end(),
                                              [](const std::string& a, const std::string& b) {
                                                return fs::file_size(a) < fs::file_size(b);
                                              });
  const uint64_t table_bytes = fs::file_size(table);
  fs::copy_file(table, table + ".copy");  // a file of its own: the store has this one's bytes
  fs::rename(table + ".copy", table);
  std::fstream(table, std::ios::in | std::ios::out | std::ios::binary).seekp(100).put('!');
  ASSERT_TRUE(Create("second").ok());
  for (const auto& [name, bytes] : StoredFiles("blobs")) {
    EXPECT_TRUE(known.contains(name) || bytes != table_bytes);
  }
  EXPECT_TRUE(Verify("second").ok()) << "it has what the first one read";
}

TEST_F(BackupTest, AnIndexIsRestoredAndNotEncodedAgain) {
  Fill(0, 5000);
  std::string version;
  TrainAndBuild(16, version);
  Fill(5000, 20);
  ASSERT_TRUE(Create("indexed").ok());
  const auto encoded = std::make_shared<std::atomic<int>>(0);
  options_.before_encoding = [encoded] { ++*encoded; };
  options_.tick_every = std::chrono::hours(1);  // upkeep has no reason of its own
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(Restore("indexed").ok());
  const auto stat = node_->Stat(8, Soon());
  ASSERT_TRUE(stat.ok()) << stat.status();
  ASSERT_EQ(stat->indexes.size(), 1u);
  EXPECT_EQ(stat->indexes[0].version, version);
  EXPECT_TRUE(stat->indexes[0].ready) << "at once";
  EXPECT_GT(stat->indexes[0].indexed_rows, 3000u);
  EXPECT_EQ(*encoded, 0);
  EXPECT_EQ(DigestOf(8), DigestOf(7));
}

TEST_F(BackupTest, ARestoreIntoAnotherNodeBringsItsIndexVersions) {
  Fill(0, 3000);
  std::string version;
  TrainAndBuild(16, version);
  const std::string digest = DigestOf(7);
  ASSERT_TRUE(Create("indexed").ok());
  node_.reset();
  fs::remove_all(directory_);
  fs::create_directories(directory_);
  ASSERT_TRUE(Start().ok());
  const absl::Status restored = Restore("indexed");
  ASSERT_TRUE(restored.ok()) << restored;
  EXPECT_EQ(DigestOf(8), digest);
  const auto stat = node_->Stat(8, Soon());
  ASSERT_TRUE(stat.ok()) << stat.status();
  ASSERT_EQ(stat->indexes.size(), 1u);
  EXPECT_TRUE(stat->indexes[0].ready);
  EXPECT_TRUE(fs::exists(directory_ + "/artifacts/" + version));
}

TEST_F(BackupTest, FilesThatCompactionAndADropDeleteStayUntilTheyAreCopied) {
  Fill(0, 20'000);
  std::string version;
  TrainAndBuild(16, version);
  const auto points = PointsOf(7);
  CreateBackupCall call = CallFor("pinned");
  call.when_pinned = [&]() -> absl::Status {
    EXPECT_TRUE(fs::exists(directory_ + "/pinned/7/state"));
    Fill(0, 20'000);  // replaces every row
    EXPECT_TRUE(Write(Remove(0)).ok());
    return node_->DropShard(7, Spec(2).incarnation, Soon());
  };
  Job job;
  const auto made = Backups().Create(call, job);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(ShardPath(), "") << "the shard is gone";
  ASSERT_TRUE(Verify("pinned").ok());
  ASSERT_TRUE(Restore("pinned").ok());
  EXPECT_EQ(PointsOf(8), points);
  const auto stat = node_->Stat(8, Soon());
  ASSERT_TRUE(stat.ok()) << stat.status();
  ASSERT_EQ(stat->indexes.size(), 1u);
  EXPECT_TRUE(stat->indexes[0].ready);
}

TEST_F(BackupTest, ANameIsGivenOnce) {
  ASSERT_TRUE(Create("same").ok());
  const auto stored = StoredFiles("blobs");
  Fill(0, 10);
  const auto again = Create("same");
  EXPECT_EQ(again.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(again.status()), reason::kBackupExists);
  EXPECT_EQ(StoredFiles("blobs"), stored);
}

TEST_F(BackupTest, ADeletedBackupFreesWhatNoOtherOneNeeds) {
  Fill(0, 5000);
  ASSERT_TRUE(Create("first").ok());
  Fill(5000, 5000);
  ASSERT_TRUE(Create("second").ok());
  EXPECT_THAT(Names(), ElementsAre("first", "second"));
  ASSERT_TRUE(Backups().Remove("first").ok());
  EXPECT_EQ(ReasonOf(Backups().Remove("first")), reason::kBackupNotFound);
  EXPECT_THAT(Names(), ElementsAre("second"));
  ExpectNoGarbage();
  EXPECT_TRUE(Verify("second").ok());
  ASSERT_TRUE(Backups().Remove("second").ok());
  EXPECT_THAT(StoredFiles("blobs"), IsEmpty());
}

TEST_F(BackupTest, ACancelledBackupLeavesNothing) {
  Fill(0, 5000);
  Job job;
  job.on_report = [&](const std::string& stage) { job.cancelled = stage == "copying"; };
  const auto made = Backups().Create(CallFor("cancelled"), job);
  EXPECT_TRUE(absl::IsCancelled(made.status())) << made.status();
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_THAT(StoredFiles("blobs"), IsEmpty());
  ExpectNoGarbage();
}

TEST_F(BackupTest, ACancelledRestoreLeavesNoShard) {
  Fill(0, 5000);
  ASSERT_TRUE(Create("first").ok());
  ShardSpec spec = Spec(2);
  spec.shard = 8;
  Job job;
  job.on_report = [&](const std::string&) { job.cancelled = job.progress > 0; };
  const absl::Status restored = Backups().Restore({"first", "c", {{7, spec}}}, job);
  EXPECT_TRUE(absl::IsCancelled(restored)) << restored;
  EXPECT_FALSE(node_->Stat(8, Soon()).ok());
  EXPECT_EQ(ShardDirectories(), 1u);
}

TEST_F(BackupTest, OneJobRunsAtATime) {
  Fill(0, 10);
  NodeBackups backups = Backups();
  CreateBackupCall call = CallFor("first");
  const auto others = [&] {
    Job job;
    EXPECT_EQ(ReasonOf(backups.Create(CallFor("second"), job).status()), reason::kBackupInProgress);
    EXPECT_EQ(ReasonOf(backups.Verify("first", job)), reason::kBackupInProgress);
    EXPECT_EQ(ReasonOf(backups.Remove("first")), reason::kBackupInProgress);
    NodeBackups elsewhere = Backups();  // as another process with the same store
    EXPECT_EQ(ReasonOf(elsewhere.Create(CallFor("third"), job).status()), reason::kDirectoryInUse);
  };
  call.when_pinned = [&] {
    std::thread(others).join();
    return absl::OkStatus();
  };
  Job job;
  EXPECT_TRUE(backups.Create(call, job).ok());
}

TEST_F(BackupTest, AShardThatDoesNotServeIsNotBackedUp) {
  CreateBackupCall call = CallFor("other", 9);
  Job job;
  const auto made = Backups().Create(call, job);
  EXPECT_EQ(ReasonOf(made.status()), reason::kShardUnavailable);
  EXPECT_THAT(made.status().message(), HasSubstr("shard 9"));
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(BackupTest, ARestoreDoesNotTakeThePlaceOfAShard) {
  Fill(0, 10);
  ASSERT_TRUE(Create("first").ok());
  const auto points = PointsOf(7);
  const absl::Status restored = Restore("first", 7);
  EXPECT_EQ(restored.code(), absl::StatusCode::kAlreadyExists) << restored;
  EXPECT_EQ(PointsOf(7), points);
}

}  // namespace
}  // namespace kith::shard
