// Creating and dropping shards where steps of it fail.
#include <gmock/gmock.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <future>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/unit/shard/node_fixture.h"
#include "tests/unit/shard/steered_disk.h"

namespace kith::shard {
namespace {

namespace fs = std::filesystem;
using test::Calls;
using test::DiskCall;

class LifeTest : public NodeFixture {
 protected:
  void SetUp() override {
    options_.files = &disk_.files();
    NodeFixture::SetUp();
  }
  void TearDown() override {
    disk_.Release();
    NodeFixture::TearDown();
  }
  std::vector<std::string> ShardDirectories() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_ + "/shard")) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  test::SteeredDisk disk_;
};

TEST_F(LifeTest, AShardThatCouldNotBeOpenedIsOpenedByARetryInTheSameDirectory) {
  disk_.Fail(EIO, Calls(DiskCall::Kind::kCreateFile, "/state/"));
  EXPECT_FALSE(node_->CreateShard(Spec(2), Soon()).ok());
  ASSERT_EQ(ShardDirectories().size(), 1u);
  EXPECT_FALSE(node_->CreateShard(Spec(2), Soon()).ok());
  EXPECT_EQ(ShardDirectories().size(), 1u);
  EXPECT_FALSE(Search(Query({1, 1})).ok());
  EXPECT_FALSE(node_->health().ready);
  disk_.Release();
  ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  EXPECT_EQ(ShardDirectories().size(), 1u);
  ASSERT_TRUE(Write(Put(1, {1, 1})).ok());
  EXPECT_TRUE(node_->health().ready);
  ASSERT_TRUE(Start().ok());
  ExpectVerified(1);
}

TEST_F(LifeTest, ADropThatFailsIsFinishedByARetry) {
  ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  Fill(0, 10);
  for (const DiskCall::Kind kind : {DiskCall::Kind::kRename, DiskCall::Kind::kRemoveFile}) {
    disk_.Fail(EIO, Calls(kind, "/shard/"));
    EXPECT_FALSE(node_->DropShard(7, Spec(1).incarnation, Soon()).ok());
    EXPECT_EQ(Search(Query({1, 1})).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(ShardDirectories().size(), 1u);
    disk_.Release();
  }
  ASSERT_TRUE(node_->DropShard(7, Spec(1).incarnation, Soon()).ok());
  EXPECT_EQ(ShardDirectories().size(), 0u);
  ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  ExpectVerified(0);
  ASSERT_TRUE(Start().ok());
  ExpectVerified(0);
}

TEST_F(LifeTest, AShardWhoseDropWasCutShortDoesNotComeBack) {
  ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  Fill(0, 10);
  disk_.Fail(EIO, Calls(DiskCall::Kind::kRemoveFile, "/shard/"));
  EXPECT_FALSE(node_->DropShard(7, Spec(1).incarnation, Soon()).ok());
  disk_.Release();
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Search(Query({1, 1})).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ShardDirectories().size(), 0u);
  EXPECT_TRUE(node_->health().ready);
  ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  ExpectVerified(0);  // nor does its log
  ASSERT_TRUE(Start().ok());
  ExpectVerified(0);
}

TEST_F(LifeTest, CreatingAShardWhoseDropIsUnfinishedFinishesItFirst) {
  ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  Fill(0, 10);
  disk_.Fail(EIO, Calls(DiskCall::Kind::kRemoveFile, "/shard/"));
  EXPECT_FALSE(node_->DropShard(7, Spec(1).incarnation, Soon()).ok());
  EXPECT_FALSE(node_->CreateShard(Spec(2), Soon()).ok());
  disk_.Release();
  ASSERT_TRUE(node_->CreateShard(Spec(3), Soon()).ok());
  EXPECT_EQ(ShardDirectories().size(), 1u);
  ASSERT_TRUE(Write(Put(1, {1, 1, 1})).ok());
  ASSERT_TRUE(Start().ok());
  ExpectVerified(1);
}

TEST_F(LifeTest, ADropWaitsForTheCallsOnTheShardAndSaysSoWhenItGivesUp) {
  ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  disk_.Hold(Calls(DiskCall::Kind::kAppend, "/log/"));
  WriteCall call = Put(1, {1, 1});
  call.shard = 7;
  call.incarnation = Spec(1).incarnation;
  std::promise<absl::StatusOr<WriteReply>> written;
  node_->Write(call, Soon(), [&](auto reply) { written.set_value(reply); });
  ASSERT_TRUE(Within(std::chrono::seconds(10), [&] { return disk_.waiting() > 0; }));
  auto dropped = std::async(std::launch::async,
                            [&] { return node_->DropShard(7, Spec(1).incarnation, Soon()); });
  disk_.Release();
  EXPECT_TRUE(written.get_future().get().ok());
  EXPECT_TRUE(dropped.get().ok());
}

TEST_F(LifeTest, AShardSpecThatCannotBeIsRefusedBeforeAnythingIsWritten) {
  const auto refused = [&](const std::function<void(ShardSpec&)>& change) {
    ShardSpec spec = Spec(2);
    change(spec);
    const absl::Status status = node_->CreateShard(spec, Soon());
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return status.code() == absl::StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](ShardSpec& spec) { spec.dimension = 0; }));
  EXPECT_TRUE(refused([](ShardSpec& spec) { spec.dimension = limits::kDimensionMax + 1; }));
  EXPECT_TRUE(refused([](ShardSpec& spec) { spec.slots = {}; }));
  EXPECT_TRUE(refused([](ShardSpec& spec) { spec.slots = {{0, limits::kSlots + 1}}; }));
  EXPECT_TRUE(refused([](ShardSpec& spec) { spec.slots = {{5, 5}}; }));
  EXPECT_TRUE(refused([](ShardSpec& spec) { spec.slots = {{10, 20}, {15, 30}}; }));
  EXPECT_TRUE(refused([](ShardSpec& spec) { spec.collection = ""; }));
  EXPECT_TRUE(refused([](ShardSpec& spec) { spec.collection = std::string(64, 'c'); }));
  EXPECT_TRUE(refused([](ShardSpec& spec) { spec.metric = static_cast<Metric>(0); }));
  EXPECT_TRUE(refused([](ShardSpec& spec) { spec.element_type = static_cast<ElementType>(4); }));
  EXPECT_EQ(ShardDirectories().size(), 0u);
}

}  // namespace
}  // namespace kith::shard
