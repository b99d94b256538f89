#include "coordinator/admin/backup/backup_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/meta/record_codec.h"
#include "tests/unit/coordinator_admin/admin_cluster.h"
#include "tests/unit/coordinator_admin/fake_backups.h"

namespace kith::coordinator {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using State = CollectionRecord::State;

class BackupServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("a", 2)).ok());
    ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("b", 1)).ok());
  }
  void TearDown() override { cluster_.operations().Close(std::chrono::seconds(20)); }

  // The operation at its end, or the error with which it did not begin.
  absl::StatusOr<Operation> Ended(const absl::StatusOr<Operation>& begun) {
    if (!begun.ok()) return begun.status();
    return cluster_.Await(begun->id);
  }
  Operation MakeBackup(const std::string& name) {
    const auto made = Ended(service_.Create({name, {}}));
    EXPECT_TRUE(made.ok()) << made.status();
    EXPECT_EQ(made->state, OperationState::kSucceeded) << made->error_message;
    return *made;
  }
  static std::string ReasonOfResult(const absl::StatusOr<Operation>& ended) {
    return ended.ok() ? ended->error_reason : ReasonOf(ended.status());
  }

  AdminCluster cluster_{1};
  FakeBackups backups_{cluster_.node(0)};
  Executor jobs_{{"backups", 1, 8, 0}};
  BackupService service_{
      {cluster_.catalog(), cluster_.collections(), cluster_.operations(), &backups_}, jobs_};
};

TEST_F(BackupServiceTest, ABackupHasEveryActiveCollectionOrThoseThatAreNamed) {
  EXPECT_THAT(MakeBackup("all").result, HasSubstr("2 collections, 300 points"));
  const auto one = Ended(service_.Create({"one", {"b"}}));
  ASSERT_EQ(one->state, OperationState::kSucceeded);
  const auto backup = backups_.Read("one");
  ASSERT_EQ(backup->collections.size(), 1u);
  EXPECT_EQ(backup->collections[0].name, "b");
  EXPECT_EQ(DecodeCollectionRecord(backup->collections[0].record)->incarnation,
            cluster_.meta.Get("b")->incarnation);
}

TEST_F(BackupServiceTest, NamesThatAreNoNamesAreRefusedBeforeAnythingIsRead) {
  for (const std::string name :
       {"", "..", "../x", "a/b", "/etc/passwd", "A", "a.b", ".hidden", "a b", "-a"}) {
    EXPECT_EQ(ReasonOf(service_.Create({name, {}}).status()), reason::kBadRequest) << name;
    EXPECT_EQ(ReasonOf(service_.Verify(name).status()), reason::kBadRequest) << name;
    EXPECT_EQ(ReasonOf(service_.Delete(name)), reason::kBadRequest) << name;
    EXPECT_EQ(ReasonOf(service_.Restore({name, "a", "c"}).status()), reason::kBadRequest) << name;
  }
  EXPECT_EQ(FactOf(service_.Verify("..").status(), kFieldFact), "backup");
  EXPECT_EQ(ReasonOf(service_.Create({"x", {"../a"}}).status()), reason::kBadRequest);
  EXPECT_EQ(ReasonOf(service_.Create({"x", {"a", "a"}}).status()), reason::kBadRequest);
  EXPECT_EQ(ReasonOf(service_.Create({"x", std::vector<std::string>(65, "a")}).status()),
            reason::kBadRequest);
  EXPECT_EQ(ReasonOf(service_.Create({"x", {"absent"}}).status()), reason::kCollectionNotFound);
  MakeBackup("x");
  EXPECT_EQ(ReasonOf(service_.Restore({"x", "a", "../c"}).status()), reason::kBadRequest);
}

TEST_F(BackupServiceTest, AServerWithoutADirectoryForThemMakesNone) {
  BackupService off{{cluster_.catalog(), cluster_.collections(), cluster_.operations(), nullptr},
                    jobs_};
  EXPECT_EQ(ReasonOf(off.Create({"x", {}}).status()), reason::kBackupsOff);
  EXPECT_EQ(ReasonOf(off.List().status()), reason::kBackupsOff);
  EXPECT_EQ(ReasonOf(off.Verify("x").status()), reason::kBackupsOff);
  EXPECT_EQ(ReasonOf(off.Restore({"x", "a", "c"}).status()), reason::kBackupsOff);
  EXPECT_EQ(ReasonOf(off.Delete("x")), reason::kBackupsOff);
}

TEST_F(BackupServiceTest, ABackupOrACollectionThatIsThereIsNotReplaced) {
  MakeBackup("x");
  EXPECT_EQ(ReasonOf(service_.Create({"x", {}}).status()), reason::kBackupExists);
  const auto over = service_.Restore({"x", "a", ""});
  EXPECT_EQ(ReasonOf(over.status()), reason::kCollectionExists);
  EXPECT_EQ(ReasonOf(service_.Restore({"x", "a", "b"}).status()), reason::kCollectionExists);
  EXPECT_EQ(ReasonOf(service_.Restore({"x", "absent", "c"}).status()), reason::kCollectionNotFound);
  EXPECT_EQ(ReasonOf(service_.Restore({"absent", "a", "c"}).status()), reason::kBackupNotFound);
}

TEST_F(BackupServiceTest, ACollectionIsRestoredUnderANewIncarnationAndNewShards) {
  MakeBackup("x");
  const CollectionRecord before = *cluster_.meta.Get("a");
  const auto ended = Ended(service_.Restore({"x", "a", "again"}));
  ASSERT_TRUE(ended.ok()) << ended.status();
  ASSERT_EQ(ended->state, OperationState::kSucceeded) << ended->error_message;
  const CollectionRecord after = *cluster_.meta.Get("again");
  EXPECT_EQ(after.state, State::kActive);
  EXPECT_NE(after.incarnation, before.incarnation);
  EXPECT_EQ(after.incarnation.ToString(), ended->result);
  ASSERT_EQ(after.shards.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_NE(after.shards[i].shard, before.shards[i].shard);
    EXPECT_EQ(after.shards[i].slots, before.shards[i].slots);
    EXPECT_EQ(backups_.last_restore.shards[i].from, before.shards[i].shard);
    EXPECT_EQ(backups_.last_restore.shards[i].to.shard, after.shards[i].shard);
    EXPECT_EQ(backups_.last_restore.shards[i].to.incarnation, after.incarnation);
  }
  EXPECT_TRUE(cluster_.map().Find("again").ok()) << "it answers";
  ASSERT_TRUE(cluster_.collections().Delete("a").ok());
  EXPECT_EQ(Ended(service_.Restore({"x", "a", ""}))->state, OperationState::kSucceeded);
  EXPECT_TRUE(cluster_.map().Find("a").ok()) << "under its own name, now that it is free";
}

TEST_F(BackupServiceTest, ARestoreThatFailsLeavesNothing) {
  MakeBackup("x");
  backups_.in_restore = [](BackupJob&) {
    return Error(absl::StatusCode::kDataLoss, reason::kCorruption, "seg/1.seg is damaged");
  };
  const auto shards = cluster_.node(0).shards();
  const auto ended = Ended(service_.Restore({"x", "a", "c"}));
  EXPECT_EQ(ended->state, OperationState::kFailed);
  EXPECT_EQ(ended->error_reason, reason::kCorruption);
  EXPECT_THAT(ended->error_message, HasSubstr("seg/1.seg"));
  EXPECT_EQ(cluster_.node(0).shards(), shards);
  EXPECT_FALSE(cluster_.meta.Get("c").ok());
}

TEST_F(BackupServiceTest, NobodySeesACollectionBeforeAllOfItIsThereAndReconcilingLetsItBe) {
  MakeBackup("x");
  backups_.in_restore = [&](BackupJob&) {
    EXPECT_FALSE(cluster_.map().Find("c").ok());
    EXPECT_EQ(cluster_.meta.Get("c")->state, State::kRestoring);
    EXPECT_TRUE(cluster_.reconciler().RunOnce().ok());
    EXPECT_TRUE(cluster_.meta.Get("c").ok());
    const auto same = cluster_.collections().Create(AdminCluster::Call("c", 1));
    EXPECT_THAT(same.status().message(), HasSubstr("still being restored"));
    return absl::OkStatus();
  };
  EXPECT_EQ(Ended(service_.Restore({"x", "a", "c"}))->state, OperationState::kSucceeded);
  EXPECT_TRUE(cluster_.map().Find("c").ok());
}

TEST_F(BackupServiceTest, ARestoreThatIsCancelledAtTheLastMomentLeavesNothing) {
  MakeBackup("x");
  backups_.in_restore = [&](BackupJob&) {
    for (const Operation& one : cluster_.operations().List("c")) {
      EXPECT_TRUE(cluster_.operations().Cancel(one.id).ok());
    }
    return absl::OkStatus();  // it had just been done
  };
  EXPECT_EQ(Ended(service_.Restore({"x", "a", "c"}))->state, OperationState::kCancelled);
  EXPECT_FALSE(cluster_.meta.Get("c").ok());
}

TEST_F(BackupServiceTest, ACollectionThatIsDeletedWhileItIsRestoredDoesNotComeBack) {
  MakeBackup("x");
  const auto shards = cluster_.node(0).shards();
  backups_.in_restore = [&](BackupJob&) {
    CollectionRecord record = *cluster_.meta.Get("c");
    record.state = State::kDropping;
    EXPECT_TRUE(cluster_.meta.Update(record).ok());
    return absl::OkStatus();
  };
  EXPECT_NE(Ended(service_.Restore({"x", "a", "c"}))->state, OperationState::kSucceeded);
  EXPECT_FALSE(cluster_.meta.Get("c").ok());
  EXPECT_EQ(cluster_.node(0).shards(), shards);
}

TEST_F(BackupServiceTest, ACollectionThatChangesWhileItsFilesAreHeldIsHeldAgain) {
  backups_.in_create = [&](BackupJob&) {
    if (backups_.creates < 3) cluster_.meta.Touch("a");
    return absl::OkStatus();
  };
  MakeBackup("x");
  EXPECT_EQ(backups_.creates, 3);
  const auto backup = backups_.Read("x");
  EXPECT_EQ(DecodeCollectionRecord(backup->collections[0].record)->revision,
            cluster_.meta.Get("a")->revision);
  backups_.in_create = [&](BackupJob&) {
    cluster_.meta.Touch("a");
    return absl::OkStatus();
  };
  const auto never = Ended(service_.Create({"y", {}}));
  EXPECT_EQ(never->state, OperationState::kFailed);
  EXPECT_THAT(never->error_message, HasSubstr("collection a kept changing"));
}

TEST_F(BackupServiceTest, OneRunsAtATimeAndCanBeCancelled) {
  backups_.in_create = [](BackupJob& job) {
    while (job.Check().ok()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return job.Check();
  };
  const auto begun = service_.Create({"x", {}});
  ASSERT_TRUE(begun.ok());
  EXPECT_EQ(begun->kind, "backup");
  const auto second = service_.Create({"y", {}});
  EXPECT_EQ(ReasonOf(second.status()), reason::kBackupInProgress);
  EXPECT_EQ(FactOf(second.status(), "operation"), begun->id);
  EXPECT_EQ(ReasonOf(service_.Delete("x")), reason::kBackupInProgress);
  ASSERT_TRUE(cluster_.operations().Cancel(begun->id).ok());
  EXPECT_EQ(cluster_.Await(begun->id).state, OperationState::kCancelled);
  EXPECT_THAT(*service_.List(), IsEmpty());
}

TEST_F(BackupServiceTest, VerifyingSaysWhatIsWrong) {
  MakeBackup("whole");
  MakeBackup("damaged");
  EXPECT_EQ(Ended(service_.Verify("whole"))->state, OperationState::kSucceeded);
  const auto damaged = Ended(service_.Verify("damaged"));
  EXPECT_EQ(damaged->error_reason, reason::kCorruption);
  EXPECT_THAT(damaged->error_message, HasSubstr("state/1.sst"));
  EXPECT_EQ(ReasonOf(service_.Verify("absent").status()), reason::kBackupNotFound);
  EXPECT_TRUE(service_.Delete("damaged").ok());
  EXPECT_EQ(service_.List()->size(), 1u);
}

TEST_F(BackupServiceTest, ARecordOfANewerKithIsNotGuessedAt) {
  CreateBackupCall call;
  call.name = "newer";
  std::string record = EncodeCollectionRecord(*cluster_.meta.Get("a"));
  call.collections = {{"a", record.substr(0, record.size() - 3), {}}};
  struct NoJob final : BackupJob {
    void Report(const std::string&, double) override {}
    absl::Status Check() const override { return absl::OkStatus(); }
  } job;
  ASSERT_TRUE(backups_.Create(call, job).ok());
  EXPECT_EQ(ReasonOf(service_.Restore({"newer", "a", "c"}).status()), reason::kCorruption);
  EXPECT_FALSE(cluster_.meta.Get("c").ok());
}

}  // namespace
}  // namespace kith::coordinator
