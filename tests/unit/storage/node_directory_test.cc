#include "shard/storage/node_directory.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include <filesystem>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/support/file_bytes.h"
#include "tests/support/powercut_file_system.h"
#include "tests/support/temporary_directory.h"

namespace kith::storage {
namespace {

using test::ReadBytes;
using test::TemporaryDirectory;
using test::WriteBytes;
using testing::HasSubstr;
using testing::SizeIs;

ShardSpec ExampleSpec(ShardId shard) {
  ShardSpec spec;
  spec.shard = shard;
  spec.collection = "photos";
  spec.incarnation = Uuid::Random();
  spec.dimension = 80;
  spec.metric = Metric::kCosine;
  spec.element_type = ElementType::kF16;
  spec.slots = {{0, 10}, {20, 4096}};
  return spec;
}

class NodeDirectoryTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<NodeDirectory>> Open() {
    return NodeDirectory::Open(path_, *files_);
  }

  const TemporaryDirectory parent_;
  const std::string path_ = parent_ / "data";
  const std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
};

TEST_F(NodeDirectoryTest, ANewDirectoryKeepsItsIdentity) {
  Uuid node;
  {
    const auto directory = Open();
    ASSERT_TRUE(directory.ok()) << directory.status();
    node = (*directory)->node_id();
    for (const std::string& child :
         {(*directory)->log_path(), (*directory)->meta_path(), (*directory)->artifacts_path()}) {
      EXPECT_TRUE(std::filesystem::is_directory(child)) << child;
    }
  }
  EXPECT_EQ((*Open())->node_id(), node);
}

TEST_F(NodeDirectoryTest, ASecondOpenerIsToldWhoHoldsIt) {
  const auto first = Open();
  const absl::Status second = Open().status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(second), reason::kDirectoryInUse);
  EXPECT_THAT(std::string(second.message()), HasSubstr(fmt::format("process {}", getpid())));
}

TEST_F(NodeDirectoryTest, TheLockOfADeadProcessIsFree) {
  const pid_t child = fork();
  if (child == 0) {
    const auto directory = Open();
    _exit(directory.ok() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(Open().ok());
}

TEST_F(NodeDirectoryTest, ADirectoryOfSomethingElseIsRefusedUntouched) {
  std::filesystem::create_directories(path_);
  WriteBytes(path_ + "/letter.txt", "dear");
  const absl::Status status = Open().status();
  EXPECT_EQ(ReasonOf(status), reason::kStorage);
  EXPECT_THAT(std::string(status.message()), HasSubstr("letter.txt"));
  EXPECT_FALSE(files_->Exists(path_ + "/FORMAT"));
}

TEST_F(NodeDirectoryTest, AFreshFileSystemsRootCountsAsEmpty) {
  std::filesystem::create_directories(path_ + "/lost+found");
  EXPECT_TRUE(Open().ok());
}

TEST_F(NodeDirectoryTest, ADamagedFormatFileIsDetected) {
  ASSERT_TRUE(Open().ok());
  std::string bytes = ReadBytes(path_ + "/FORMAT");
  bytes[bytes.size() / 2] ^= 1;
  WriteBytes(path_ + "/FORMAT", bytes);
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(status), reason::kCorruption);
}

TEST_F(NodeDirectoryTest, ALostFormatFileIsToldFromADirectoryThatIsNotOurs) {
  ASSERT_TRUE(Open().ok());
  std::filesystem::remove(path_ + "/FORMAT");
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_ + "/FORMAT"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Put it back"));
  EXPECT_FALSE(files_->Exists(path_ + "/FORMAT"));
}

TEST_F(NodeDirectoryTest, AFormatForNewerProgramsNamesBothVersions) {
  ASSERT_TRUE(Open().ok());
  const std::string body = "kith-node-directory\nformat_version=3\noldest_reader=2\n";
  WriteBytes(path_ + "/FORMAT",
             fmt::format("{}checksum={:016x}\n", body, XXH3_64bits(body.data(), body.size())));
  const absl::Status status = Open().status();
  EXPECT_EQ(ReasonOf(status), reason::kFormatVersion);
  EXPECT_THAT(std::string(status.message()), HasSubstr("format version 3"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("newer program"));
}

TEST_F(NodeDirectoryTest, ADirectoryWithoutRightsIsAStorageError) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  ASSERT_EQ(chmod(parent_.path().c_str(), 0555), 0);
  ASSERT_EQ(seteuid(65534), 0);
  const absl::Status status = Open().status();
  ASSERT_EQ(seteuid(0), 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), reason::kStorage);
}

TEST_F(NodeDirectoryTest, ACreatedShardIsListedAsItWasSpecified) {
  const ShardSpec spec = ExampleSpec(7);
  Uuid copy;
  {
    const auto directory = Open();
    const auto created = (*directory)->CreateShard(spec, 16);
    ASSERT_TRUE(created.ok()) << created.status();
    copy = created->copy;
  }
  const auto directory = Open();
  const auto listing = (*directory)->ListShards();
  ASSERT_TRUE(listing.ok()) << listing.status();
  ASSERT_THAT(listing->shards, SizeIs(1));
  const NodeDirectory::ShardDirectory& shard = listing->shards.front();
  EXPECT_EQ(shard.copy, copy);
  EXPECT_EQ(shard.spec.shard, spec.shard);
  EXPECT_EQ(shard.spec.collection, spec.collection);
  EXPECT_EQ(shard.spec.incarnation, spec.incarnation);
  EXPECT_EQ(shard.spec.dimension, spec.dimension);
  EXPECT_EQ(shard.spec.metric, spec.metric);
  EXPECT_EQ(shard.spec.element_type, spec.element_type);
  EXPECT_EQ(shard.spec.slots, spec.slots);
  EXPECT_TRUE(std::filesystem::is_directory(shard.path + "/state"));
}

TEST_F(NodeDirectoryTest, ARemovedShardIsGone) {
  const auto directory = Open();
  auto shard = (*directory)->CreateShard(ExampleSpec(7), 16);
  const std::string path = shard->path;
  ASSERT_TRUE((*directory)->MarkDropped(*shard).ok());
  EXPECT_FALSE(files_->Exists(path));
  ASSERT_TRUE((*directory)->MarkDropped(*shard).ok()) << "it can be repeated";
  ASSERT_TRUE((*directory)->RemoveDropped(*shard).ok());
  EXPECT_THAT((*directory)->ListShards()->shards, SizeIs(0));
  EXPECT_FALSE(files_->Exists(shard->path));
}

TEST_F(NodeDirectoryTest, AShardThatWasMarkedAsDroppedIsListedAsSuchUntilItIsRemoved) {
  const auto directory = Open();
  auto shard = (*directory)->CreateShard(ExampleSpec(7), 16);
  ASSERT_TRUE((*directory)->MarkDropped(*shard).ok());
  const auto listing = (*directory)->ListShards();
  EXPECT_THAT(listing->shards, SizeIs(0));
  ASSERT_THAT(listing->dropped, SizeIs(1));
  EXPECT_EQ(listing->dropped[0].spec.shard, 7u);
  EXPECT_EQ(listing->dropped[0].path, shard->path);
  ASSERT_TRUE((*directory)->RemoveDropped(listing->dropped[0]).ok());
  EXPECT_THAT((*directory)->ListShards()->dropped, SizeIs(0));
}

TEST_F(NodeDirectoryTest, LeftoversOfAnUnfinishedCreateAreRemovedAndStrayFilesStay) {
  const auto directory = Open();
  ASSERT_TRUE((*directory)->CreateShard(ExampleSpec(7), 16).ok());
  std::filesystem::create_directories(path_ + "/shard/.creating-8-x/state");
  std::filesystem::create_directories(path_ + "/shard/lost+found");
  WriteBytes(path_ + "/shard/notes.txt", "mine");
  const auto listing = (*directory)->ListShards();
  EXPECT_THAT(listing->shards, SizeIs(1));
  EXPECT_THAT(listing->unreadable, SizeIs(0));
  EXPECT_FALSE(files_->Exists(path_ + "/shard/.creating-8-x"));
  EXPECT_TRUE(files_->Exists(path_ + "/shard/notes.txt"));
}

TEST_F(NodeDirectoryTest, AStagedShardIsNoneBeforeItIsPublished) {
  const auto directory = Open();
  auto staged = (*directory)->StageShard(ExampleSpec(7), 16);
  ASSERT_TRUE(staged.ok()) << staged.status();
  WriteBytes(staged->path + "/seg/1.seg", "mine");
  ASSERT_TRUE((*directory)->PublishShard(*staged).ok());
  EXPECT_THAT((*directory)->ListShards()->shards, SizeIs(1));
  EXPECT_TRUE(files_->Exists(staged->path + "/seg/1.seg"));
  const auto other = (*directory)->StageShard(ExampleSpec(8), 16);
  EXPECT_THAT((*directory)->ListShards()->shards, SizeIs(1)) << "and what was staged is removed";
  EXPECT_FALSE(files_->Exists(other->path));
}

TEST_F(NodeDirectoryTest, WhatABackupHeldIsRemovedAtTheNextStart) {
  const std::string pinned = (*Open())->pinned_path();
  std::filesystem::create_directories(pinned + "/7/state");
  ASSERT_TRUE(Open().ok());
  EXPECT_FALSE(files_->Exists(pinned));
}

// A disk that fails one kind of call below some name.
class Failing final : public test::DiskHooks {
 public:
  Failing(test::DiskCall::Kind kind, std::string below) : kind_(kind), below_(std::move(below)) {}
  int Run(const test::DiskCall& call, const RealOperation& real) override {
    const bool fails = is_on && call.kind == kind_ && call.path.ends_with(below_);
    return fails ? EIO : real();
  }
  bool is_on = true;

 private:
  const test::DiskCall::Kind kind_;
  const std::string below_;
};

TEST_F(NodeDirectoryTest, ACreateThatFailsLeavesNothingForTheNextStart) {
  for (const auto& [kind, below] : {std::pair(test::DiskCall::Kind::kSyncDirectory, "/shard"),
                                    std::pair(test::DiskCall::Kind::kSyncFile, "/SPEC.new")}) {
    const std::string path = parent_ / std::string(below + 1);
    Failing hooks(kind, below);
    test::HookedFileSystem files(hooks);
    hooks.is_on = false;
    const auto directory = NodeDirectory::Open(path, files);
    hooks.is_on = true;
    EXPECT_FALSE((*directory)->CreateShard(ExampleSpec(7), 16).ok());
    hooks.is_on = false;
    ASSERT_TRUE((*directory)->CreateShard(ExampleSpec(7), 16).ok());
    EXPECT_THAT(std::vector<std::string>(*files.List(path + "/shard")), SizeIs(1)) << below;
  }
}

// Its names may be in the page cache only, and what is built on them is acknowledged.
TEST_F(NodeDirectoryTest, OpeningMakesDurableWhatAKilledProcessLeft) {
  ASSERT_TRUE(Open().ok());
  class Recorder final : public test::DiskHooks {
   public:
    int Run(const test::DiskCall& call, const RealOperation& real) override {
      if (call.kind == test::DiskCall::Kind::kSyncDirectory) synced.push_back(call.path);
      return real();
    }
    std::vector<std::string> synced;
  } hooks;
  test::HookedFileSystem files(hooks);
  ASSERT_TRUE(NodeDirectory::Open(path_, files).ok());
  EXPECT_THAT(hooks.synced, testing::IsSupersetOf({path_, path_ + "/shard", path_ + "/artifacts"}));
}

TEST_F(NodeDirectoryTest, AReadOnlyDirectoryIsAStorageErrorThatSaysWhatToDo) {
  class ReadOnly final : public test::DiskHooks {
   public:
    int Run(const test::DiskCall&, const RealOperation&) override { return EROFS; }
  } hooks;
  test::HookedFileSystem files(hooks);
  const absl::Status status = NodeDirectory::Open(path_, files).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), reason::kStorage);
  EXPECT_THAT(std::string(status.message()), HasSubstr("read-only"));
}

TEST_F(NodeDirectoryTest, ADamagedOrCopiedSpecIsDetected) {
  const auto directory = Open();
  const auto shard = (*directory)->CreateShard(ExampleSpec(7), 16);
  const auto other = (*directory)->CreateShard(ExampleSpec(8), 16);
  const std::string good = ReadBytes(shard->path + "/SPEC");
  std::string bad = good;
  bad[bad.size() / 2] ^= 1;
  WriteBytes(shard->path + "/SPEC", bad);
  const auto expect_unreadable = [&] {
    const auto listing = (*directory)->ListShards();
    ASSERT_THAT(listing->unreadable, SizeIs(1));
    EXPECT_EQ(listing->unreadable[0].directory.spec.shard, 7u);
    EXPECT_EQ(listing->unreadable[0].why.code(), absl::StatusCode::kDataLoss);
    ASSERT_THAT(listing->shards, SizeIs(1)) << "the other is not concerned";
    EXPECT_EQ(listing->shards[0].spec.shard, 8u);
  };
  expect_unreadable();
  WriteBytes(shard->path + "/SPEC", ReadBytes(other->path + "/SPEC"));
  expect_unreadable();
  WriteBytes(shard->path + "/SPEC", good);
  EXPECT_THAT((*directory)->ListShards()->shards, SizeIs(2));
}

// Whenever the power goes, the directory opens again and a shard is there whole or not at all.
TEST_F(NodeDirectoryTest, APowerCutAtEveryOperationLeavesAShardWholeOrAbsent) {
  for (uint64_t operations = 1;; ++operations) {
    const std::string path = parent_ / fmt::format("cut{}", operations);
    bool acknowledged = false;
    uint64_t made = 0;
    {
      test::PowerCut disk({path, operations, operations});
      const auto directory = NodeDirectory::Open(path, disk.files());
      if (directory.ok()) acknowledged = (*directory)->CreateShard(ExampleSpec(7), 16).ok();
      disk.Cut();
      made = disk.operations();
    }
    const auto directory = NodeDirectory::Open(path, *files_);
    ASSERT_TRUE(directory.ok()) << "cut after " << operations << ": " << directory.status();
    const auto listing = (*directory)->ListShards();
    ASSERT_TRUE(listing.ok()) << "cut after " << operations << ": " << listing.status();
    ASSERT_THAT(listing->unreadable, SizeIs(0)) << "cut after " << operations;
    if (acknowledged) {
      ASSERT_THAT(listing->shards, SizeIs(1)) << "cut after " << operations;
    }
    if (made < operations) break;
  }
}

}  // namespace
}  // namespace kith::storage
