// A node whose disk is full, fails or stands still.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cerrno>
#include <fstream>
#include <future>
#include <map>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/support/full_disk_file_system.h"
#include "tests/unit/shard/node_fixture.h"
#include "tests/unit/shard/steered_disk.h"

namespace kith::shard {
namespace {

using std::chrono::seconds;
using test::Calls;
using test::DiskCall;
using testing::HasSubstr;

class SteeredDiskTest : public NodeFixture {
 protected:
  void SetUp() override {
    options_.files = &disk_.files();
    NodeFixture::SetUp();
    ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  }
  void TearDown() override {
    disk_.Release();
    NodeFixture::TearDown();
  }

  using Answer = std::shared_ptr<std::promise<absl::StatusOr<WriteReply>>>;
  Answer StartWrite(WriteCall call) {
    auto answer = std::make_shared<std::promise<absl::StatusOr<WriteReply>>>();
    call.shard = 7;
    call.incarnation = Spec(1).incarnation;
    node_->Write(std::move(call), Soon(), [answer](auto reply) { answer->set_value(reply); });
    return answer;
  }

  test::SteeredDisk disk_;
};

class FullDiskNodeTest : public NodeFixture {
 protected:
  // A node on a disk that has `bytes` for files whose path contains `below`.
  void Open(uint64_t bytes, const std::string& below) {
    disk_ = std::make_unique<test::FullDisk>(bytes, below);
    options_.files = &disk_->files();
    ASSERT_TRUE(Start().ok());
    ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  }
  void TearDown() override {
    node_.reset();
    NodeFixture::TearDown();
  }

  std::unique_ptr<test::FullDisk> disk_;
};

TEST_F(FullDiskNodeTest, ACheckpointRepeatedAfterAFullDiskNamesEachFileOnce) {
  Open(0, ".dead");  // the segment is written, the tombstones are not
  Fill(0, 5000);
  ASSERT_TRUE(Write(Remove(17)).ok());
  std::string version;
  TrainAndBuild(16, version);  // which makes a checkpoint due
  ASSERT_TRUE(Within(seconds(10), [&] { return node_->health().checkpoint_failures > 0; }));
  EXPECT_EQ(FilesIn("seg", ".seg").size(), 1u);
  Fill(5000, 100);  // a second segment, too small to be merged into the first
  ASSERT_TRUE(
      Within(seconds(10), [&] { return node_->Stat(7, Soon())->indexes[0].indexed_rows == 5100; }));
  disk_->AddBytes(1 << 20);
  ASSERT_TRUE(node_->Close().ok());
  EXPECT_EQ(FilesIn("seg", ".seg").size(), 2u);
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(IsReady(version)) << "nothing had to be built again";
  EXPECT_EQ(node_->health().digest_repairs, 0u);
  ExpectVerified(5099);
  const auto found = Search(IndexedQuery({0, 0}, 10'000, version));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->scores.size(), 5099u);
}

TEST_F(FullDiskNodeTest, AFailedCheckpointIsMadeByItselfOnceThereIsRoom) {
  options_.checkpoint_log_bytes = 1;
  Open(0, ".dead");
  Fill(0, 100);
  ASSERT_TRUE(Write(Remove(17)).ok());
  ASSERT_TRUE(Within(seconds(10), [&] { return node_->health().checkpoint_failures > 1; }));
  EXPECT_EQ(FilesIn("seg", "").size(), 0u) << "a failed attempt leaves nothing on a full disk";
  disk_->AddBytes(1 << 20);
  const uint64_t failures = node_->health().checkpoint_failures;
  EXPECT_TRUE(Within(seconds(10), [&] { return FilesIn("seg", ".dead").size() == 1; }));
  EXPECT_LE(node_->health().checkpoint_failures, failures + 1);
}

TEST_F(FullDiskNodeTest, AFailedCheckpointIsNotTriedWithoutAPause) {
  options_.checkpoint_log_bytes = 1;
  Open(0, ".dead");
  Fill(0, 100);
  ASSERT_TRUE(Write(Remove(17)).ok());
  ASSERT_TRUE(Within(seconds(10), [&] { return node_->health().checkpoint_failures == 1; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  EXPECT_EQ(node_->health().checkpoint_failures, 1u) << "the first pause is a second";
}

TEST_F(FullDiskNodeTest, WritesWaitForAStateWithoutRoomAndGoOnByThemselves) {
  options_.write_buffer_bytes = 64 << 10;
  Open(3 << 20, "/state/");
  const std::string payload(2000, 'p');
  std::map<uint64_t, std::string> acknowledged;
  std::atomic<uint64_t> next{0};
  std::atomic<bool> stop{false};
  std::atomic<int> refused{0};
  std::thread writer([&] {
    while (!stop) {
      const uint64_t id = next++;
      const auto reply = Write(Put(id, {1, 1}, payload + std::to_string(id)));
      if (reply.ok()) {
        acknowledged[id] = payload + std::to_string(id);
      } else {
        EXPECT_EQ(ReasonOf(reply.status()), reason::kDiskFull) << reply.status();
        ++refused;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    }
  });
  EXPECT_TRUE(Within(seconds(20), [&] { return !node_->health().reason.empty(); }));
  EXPECT_THAT(node_->health().reason, HasSubstr("space"));
  EXPECT_TRUE(Search(Query({1, 1})).ok()) << "searches go on";
  EXPECT_EQ(ReasonOf(Write(Put(1 << 30, {1, 1})).status()), reason::kDiskFull);
  disk_->AddBytes(256 << 20);
  const uint64_t then = next;
  EXPECT_TRUE(Within(seconds(20), [&] { return next > then + 200; }));
  stop = true;
  writer.join();
  EXPECT_EQ(node_->health().reason, "");
  for (int round = 0; round < 2; ++round) {
    ExpectVerified(acknowledged.size());
    for (const auto& [id, expected] : acknowledged) {
      const auto got = Get(Key(id));
      ASSERT_TRUE(got.ok()) << got.status();
      ASSERT_EQ(got->payloads, expected) << id;
    }
    ASSERT_TRUE(Start().ok());
  }
}

TEST_F(FullDiskNodeTest, ANodeThatStopsWhileItsStateHasNoRoomLosesNothing) {
  options_.write_buffer_bytes = 64 << 10;
  Open(3 << 20, "/state/");
  uint64_t acknowledged = 0;
  std::promise<absl::Status> last;
  std::thread writer([&] {
    absl::StatusOr<WriteReply> reply = WriteReply();
    for (; reply.ok(); ++acknowledged) {
      reply = Write(Put(acknowledged, {1, 1}, std::string(2000, 'p')));
    }
    --acknowledged;
    last.set_value(reply.status());
  });
  EXPECT_TRUE(Within(seconds(20), [&] { return !node_->health().reason.empty(); }));
  (void)node_->Close();
  EXPECT_EQ(ReasonOf(last.get_future().get()), reason::kUnknownOutcome);
  writer.join();
  disk_->AddBytes(256 << 20);
  ASSERT_TRUE(Start().ok());
  const auto found = Search(Query({0, 0}, 10'000));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_GE(found->scores.size(), acknowledged);
  ExpectVerified(found->scores.size());
}

TEST_F(FullDiskNodeTest, ACheckpointThatWaitsForRoomHoldsUpNothingOnceTheNodeDrains) {
  options_.checkpoint_log_bytes = 1;
  Open(2 << 20, "/state/");
  std::thread writer([&] {
    for (uint64_t id = 0; Write(Put(id, {1, 1}, std::string(50'000, 'p'))).ok(); ++id) continue;
  });
  EXPECT_TRUE(Within(seconds(20), [&] { return !node_->health().reason.empty(); }));
  std::promise<void> begun;
  auto pinned = std::async(std::launch::async, [&] {
    begun.set_value();
    return node_->PinShard(7, Spec(1).incarnation, directory_ + "/pinned/7").status();
  });
  begun.get_future().wait();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until it waits, too
  node_->Drain();
  EXPECT_EQ(pinned.wait_for(seconds(20)), std::future_status::ready);
  (void)node_->Close();
  writer.join();
  EXPECT_FALSE(pinned.get().ok());
}

TEST_F(FullDiskNodeTest, DeletesNeedAnEighthOfTheReserveAndOtherWritesAllOfIt) {
  options_.admission.disk_reserve_bytes = 8 << 20;
  Open(64 << 20, "");
  ASSERT_TRUE(Write(Put(1, {1, 0})).ok());
  ASSERT_TRUE(Write(Put(2, {1, 0})).ok());
  const auto leave = [&](uint64_t bytes) {
    const std::string path = directory_ + "/filler";
    const auto file = std::move(disk_->files().Create(path)).value();
    ASSERT_TRUE(file->Append(std::string(*disk_->FreeBytes() - bytes, 'x')).ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(250));  // until it looks again
  };
  leave(4 << 20);
  const auto refused = Write(Put(3, {1, 0}));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused.status()), reason::kDiskFull);
  EXPECT_EQ(Numbers(*Search(Query({0, 0}))), (std::vector<uint64_t>{1, 2}));
  EXPECT_TRUE(Write(Remove(1)).ok());
  leave(512 << 10);
  EXPECT_EQ(ReasonOf(Write(Remove(2)).status()), reason::kDiskFull);
}

TEST_F(SteeredDiskTest, AFailedLogAppendStopsTheWritesAndShowsInTheHealth) {
  ASSERT_TRUE(Write(Put(1, {1, 1})).ok());
  EXPECT_TRUE(node_->health().ready);
  disk_.Fail(EIO, Calls(DiskCall::Kind::kAppend, "/log/"));
  EXPECT_EQ(ReasonOf(Write(Put(2, {1, 1})).status()), reason::kUnknownOutcome);
  disk_.Release();
  EXPECT_EQ(ReasonOf(Write(Put(3, {1, 1})).status()), reason::kStorage) << "and stay so";
  EXPECT_FALSE(node_->health().ready);
  EXPECT_THAT(node_->health().reason, HasSubstr("restart kithd"));
  EXPECT_THAT(node_->Stat(7, Soon())->not_ready_reason, HasSubstr("restart kithd"));
  EXPECT_TRUE(Search(Query({1, 1})).ok());
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(Write(Put(3, {1, 1})).ok());
}

TEST_F(SteeredDiskTest, AStateThatStandsStillHoldsUpNeitherSearchesNorHealth) {
  options_.write_buffer_bytes = 64 << 10;
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(Write(Put(1, {1, 1})).ok());
  disk_.Hold(Calls(DiskCall::Kind::kAppend, "/state/"));
  std::atomic<int> written{0};
  std::thread writer([&] {  // until RocksDB makes it wait for the flushes
    for (uint64_t id = 0; id < 2000; ++id) {
      EXPECT_TRUE(Write(Put(id, {1, 1}, std::string(2000, 'p'))).ok());
      ++written;
    }
  });
  int before = -1;
  EXPECT_TRUE(Within(seconds(20), [&] {
    const int now = written;
    const bool stands = now == before && disk_.waiting() > 0;
    before = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return stands;
  }));
  EXPECT_LT(written, 2000);
  // Health takes the node's lock; what it waits for then, every search waits for.
  auto health = std::async(std::launch::async, [&] { return node_->health().live_points; });
  auto search = std::async(std::launch::async, [&] { return Search(Query({1, 1})).status(); });
  EXPECT_EQ(health.wait_for(seconds(5)), std::future_status::ready);
  EXPECT_EQ(search.wait_for(seconds(5)), std::future_status::ready);
  disk_.Release();
  writer.join();
  EXPECT_GE(health.get(), 1u);
  EXPECT_TRUE(search.get().ok());
}

TEST_F(SteeredDiskTest, MoreWritesThanTheQueueHoldsAreRefusedAndTheOthersAnswered) {
  disk_.Hold(Calls(DiskCall::Kind::kAppend, "/log/"));
  std::vector<Answer> answers;
  for (uint64_t id = 0; id < limits::kWriteQueueMax + 200; ++id) {
    answers.push_back(StartWrite(Put(id, {1, 1})));
  }
  disk_.Release();
  size_t refused = 0;
  for (const Answer& answer : answers) {
    const auto reply = answer->get_future().get();
    if (reply.ok()) continue;
    EXPECT_EQ(ReasonOf(reply.status()), reason::kQueueFull);
    EXPECT_TRUE(FactOf(reply.status(), kRetryAfterMsFact).has_value());
    ++refused;
  }
  EXPECT_GE(refused, 100u);
  ExpectVerified(answers.size() - refused);
}

TEST_F(SteeredDiskTest, OfTwoCallsOfOneRequestInOneGroupTheSecondRepeatsTheFirst) {
  disk_.Hold(Calls(DiskCall::Kind::kAppend, "/log/"));
  const Answer before = StartWrite(Put(1, {1, 1}));
  ASSERT_TRUE(Within(seconds(20), [&] { return disk_.waiting() > 0; }));
  WriteCall call = Put(2, {1, 1});
  call.kinds = {WriteKind::kInsertOnly};
  call.request_id = "request-id-16byt";
  call.unix_ms = clock_.UnixMs();
  const Answer first = StartWrite(call);
  const Answer second = StartWrite(call);
  const Answer after = StartWrite(Put(3, {1, 1}));
  disk_.Release();
  ASSERT_TRUE(before->get_future().get().ok());
  const auto one = first->get_future().get();
  const auto two = second->get_future().get();
  ASSERT_TRUE(one.ok() && two.ok() && after->get_future().get().ok());
  EXPECT_EQ(one->outcomes[0], WriteOutcome::kOk);
  EXPECT_EQ(two->outcomes[0], WriteOutcome::kOk);
  EXPECT_EQ(two->lsn, one->lsn);
  ExpectVerified(3);
}

TEST_F(SteeredDiskTest, ADirectoryThatBecameReadOnlyIsRefusedWithTheRemedy) {
  disk_.Fail(EROFS, [](const DiskCall&) { return true; });
  const absl::Status status = Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_EQ(ReasonOf(status), reason::kStorage);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Remount it read-write"));
}

}  // namespace
}  // namespace kith::shard
