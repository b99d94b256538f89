// What goes on behind the writes: checkpoints, indexing, expiry, samples, artifacts.
#include <gmock/gmock.h>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <mutex>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/state_store.h"
#include "shard/write/admission.h"
#include "tests/unit/shard/node_fixture.h"
#include "tests/unit/shard/steered_disk.h"

namespace kith::shard {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using test::Calls;
using test::DiskCall;

// Lets so many steps of encoding pass and holds those that follow.
class EncodingGate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    opened_.wait(lock, [&] { return passed_ < allowed_; });
    ++passed_;
  }
  void Allow(uint64_t steps) {
    std::lock_guard lock(mutex_);
    allowed_ = steps;
    opened_.notify_all();
  }
  uint64_t arrived() const {
    std::lock_guard lock(mutex_);
    return arrived_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable opened_;
  uint64_t allowed_ = ~uint64_t{0};
  uint64_t arrived_ = 0;
  uint64_t passed_ = 0;
};

class UpkeepTest : public NodeFixture {
 protected:
  void SetUp() override {
    options_.before_encoding = [this] { encoding_.Pass(); };
    disk_.watch = [this](const DiskCall& call) {
      if (call.kind == DiskCall::Kind::kRename && call.target.ends_with(".dead")) ++checkpoints_;
    };
    options_.files = &disk_.files();
    NodeFixture::SetUp();
    ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  }
  void TearDown() override {
    encoding_.Allow(~uint64_t{0});
    disk_.Release();
    NodeFixture::TearDown();
  }

  test::SteeredDisk disk_;
  EncodingGate encoding_;
  std::atomic<int> checkpoints_{0};  // those of a shard with deletes
};

TEST_F(UpkeepTest, ACheckpointThatIsDueDoesNotWaitForTheIndexToBeDone) {
  Fill(0, 140'000);  // more than one step of encoding
  ASSERT_TRUE(Write(Remove(1)).ok());
  const std::string version = Train(16);
  ASSERT_TRUE(node_->Close().ok());
  options_.checkpoint_seconds = 0;
  ASSERT_TRUE(Start().ok());
  encoding_.Allow(1);
  ASSERT_TRUE(node_->BuildIndex(7, version, Soon()).ok());
  EXPECT_TRUE(Within(seconds(60), [&] { return FilesIn("seg", ".seg").size() == 1; }));
  EXPECT_LT(node_->Stat(7, Soon())->indexes[0].indexed_rows, 140'000u);
  encoding_.Allow(~uint64_t{0});
  // A checkpoint under way may not have seen the second segment: the next one does.
  EXPECT_TRUE(Within(seconds(60), [&] { return FilesIn("seg", ".seg").size() == 2; }));
}

// What waits costs every search, and a checkpoint can take long.
TEST_F(UpkeepTest, RowsAreEncodedWhileACheckpointWaitsForItsDisk) {
  options_.checkpoint_seconds = 0;
  ASSERT_TRUE(Start().ok());
  Fill(0, 1000);
  std::string version;
  TrainAndBuild(16, version);
  ASSERT_TRUE(Within(seconds(20), [&] { return FilesIn("seg", ".seg").size() == 1; }));
  disk_.Hold(Calls(DiskCall::Kind::kCreateFile, "/seg/"));
  Fill(1000, 2000);
  ASSERT_TRUE(Within(seconds(20), [&] { return disk_.waiting() > 0; }));
  Fill(3000, 7000);
  EXPECT_TRUE(Within(seconds(20),
                     [&] { return node_->Stat(7, Soon())->indexes[0].indexed_rows == 10'000; }));
  EXPECT_GT(disk_.waiting(), 0);
}

TEST_F(UpkeepTest, AShardThatNobodyWritesToMakesACheckpointOfWhatItReplayed) {
  Fill(0, 100);
  ASSERT_TRUE(Write(Remove(1)).ok());
  node_.reset();
  // As after a kill: RocksDB writes down on closing what a killed process would not have.
  for (const auto& entry : fs::directory_iterator(ShardPath() + "/state")) fs::remove_all(entry);
  options_.checkpoint_seconds = 0;
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(Within(seconds(10), [&] { return checkpoints_ == 1; }));
  ExpectVerified(99);
}

TEST_F(UpkeepTest, AnIndexBecomesReadyThoughMoreRowsWaitThanAShortTail) {
  Fill(0, 145'000);  // one step leaves 14,000
  const std::string version = Train(16);
  const uint64_t before = encoding_.arrived();
  encoding_.Allow(before + 1);
  ASSERT_TRUE(node_->BuildIndex(7, version, Soon()).ok());
  ASSERT_TRUE(Within(seconds(60), [&] { return encoding_.arrived() == before + 2; }));
  EXPECT_TRUE(IsReady(version));
  EXPECT_LT(node_->Stat(7, Soon())->indexes[0].indexed_rows, 145'000u);
  const auto found = Search(IndexedQuery({1, 1}, 100, version));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(Numbers(*found), Numbers(*Search(Query({1, 1}, 100))));
}

TEST_F(UpkeepTest, WritesAreToldToWaitWhenTooManyRowsAreNotIndexed) {
  Fill(0, 1000);
  const std::string version = Train(16);
  encoding_.Allow(1);
  ASSERT_TRUE(node_->BuildIndex(7, version, Soon()).ok());
  ASSERT_TRUE(Within(seconds(20), [&] { return IsReady(version); }));
  Fill(1000, static_cast<uint32_t>(limits::kTailRowsMin) + 1);
  const absl::Status status = Write(Put(1, {1, 1})).status();
  EXPECT_EQ(ReasonOf(status), reason::kIndexingBehind) << status;
  EXPECT_TRUE(FactOf(status, kRetryAfterMsFact).has_value());
  EXPECT_TRUE(Write(Remove(1)).ok());
  encoding_.Allow(~uint64_t{0});
  EXPECT_TRUE(Within(seconds(60), [&] { return Write(Put(1, {1, 1})).ok(); }));
}

TEST_F(UpkeepTest, AnIndexThatIsBeingBuiltIsNotReadyRatherThanUnknown) {
  ShardSpec first = Spec(2);
  first.shard = 3;  // its upkeep comes before that of shard 7
  ASSERT_TRUE(node_->CreateShard(first, Soon()).ok());
  Fill(0, 1000);
  std::string version;
  TrainAndBuild(16, version);
  for (WriteCall call : {Put(1, {1, 1}), Remove(1)}) {
    call.shard = 3;
    call.incarnation = Spec(1).incarnation;
    std::promise<bool> promise;
    node_->Write(call, Soon(), [&](auto reply) { promise.set_value(reply.ok()); });
    ASSERT_TRUE(promise.get_future().get());
  }
  ASSERT_TRUE(Within(seconds(20), [&] { return FilesIn("seg", ".seg").size() == 1; }));
  node_.reset();
  fs::remove(FilesIn("seg", ".seg")[0]);
  disk_.Hold([](const DiskCall& call) {
    return call.path.find("/shard/3-") != std::string::npos &&
           call.path.find("/seg/") != std::string::npos;
  });
  options_.checkpoint_log_bytes = 1;
  ASSERT_TRUE(Start().ok());
  const absl::Status status = Search(IndexedQuery({1, 1}, 3, version)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(ReasonOf(status), reason::kNotReady);
  EXPECT_TRUE(FactOf(status, kRetryAfterMsFact).has_value());
  EXPECT_EQ(node_->health().shards_ready, 1u) << "the other one";
  EXPECT_THAT(node_->health().reason, testing::HasSubstr("encoded again"));
  EXPECT_THAT(node_->Stat(7, Soon())->not_ready_reason, testing::HasSubstr("encoded again"));
  EXPECT_TRUE(Search(Query({1, 1})).ok());
  disk_.Release();
  ASSERT_TRUE(Within(seconds(20), [&] { return IsReady(version); }));
  EXPECT_TRUE(node_->health().ready) << node_->health().reason;
}

TEST_F(UpkeepTest, OneCheckpointForgetsEveryRequestThatExpired) {
  constexpr int kRequests = 25'000;  // more than one call of the store removes
  const auto name = [](int i) { return "request-" + std::to_string(10'000'000 + i); };
  ASSERT_TRUE(Write(Put(1, {1, 1})).ok());
  ASSERT_TRUE(node_->Close().ok());
  node_.reset();
  const auto open = [&] {
    const storage::StateOptions options{ShardPath() + "/state", real_files_.get()};
    return std::move(storage::StateStore::Open(options)).value();
  };
  {
    const auto state = open();
    const auto batch = state->NewBatch();
    for (int i = 0; i < kRequests; ++i) batch->PutDedupe(name(i), {"", 1000, ""});
    ASSERT_TRUE(state->Write(*batch).ok());
    ASSERT_TRUE(state->Flush().ok());
  }
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(node_->Close().ok());
  node_.reset();
  const auto state = open();
  EXPECT_FALSE(state->FindDedupe(name(0))->has_value());
  EXPECT_FALSE(state->FindDedupe(name(kRequests - 1))->has_value());
}

TEST_F(UpkeepTest, ASampleThatNobodyReadsIsForgotten) {
  Fill(0, 100);
  const auto read = [&] { return node_->ReadSample({7, 1, 0, 0, 1 << 20}, Soon()).status(); };
  ASSERT_TRUE(node_->SampleHashes({7, 1, 50}, Soon()).ok());
  clock_.Advance(std::chrono::seconds(100));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // a tick or two
  EXPECT_TRUE(read().ok());
  clock_.Advance(std::chrono::seconds(121));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(ReasonOf(read()), reason::kNotReady);
}

TEST_F(UpkeepTest, ARepeatedStartOfATrainingIsOkWhateverItSays) {
  Fill(0, 5000);
  ASSERT_TRUE(node_->SampleHashes({7, 1, 5000}, Soon()).ok());
  ASSERT_TRUE(node_
                  ->AddTrainingChunk({"job", 2, ElementType::kF32,
                                      *node_->ReadSample({7, 1, 0, 0, 1 << 20}, Soon())},
                                     Soon())
                  .ok());
  StartTrainingCall start{"job", 2, Metric::kL2, ElementType::kF32, 16, 1, 1};
  ASSERT_TRUE(node_->StartTraining(start, Soon()).ok());
  start.dimension = 3;  // the trainer has the chunks: they are not looked at again
  EXPECT_TRUE(node_->StartTraining(start, Soon()).ok());
  ASSERT_TRUE(node_->CancelTraining("job", Soon()).ok());
}

TEST_F(UpkeepTest, AnArtifactThatNoIndexUsesIsRemovedAfterAWhile) {
  Fill(0, 1000);
  std::string used;
  TrainAndBuild(16, used);
  std::string dropped;
  TrainAndBuild(8, dropped);
  ASSERT_TRUE(node_->DropIndex(7, dropped, Soon()).ok());
  ASSERT_TRUE(node_->Close().ok());  // its manifest does not name it any more
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(fs::exists(directory_ + "/artifacts/" + dropped));
  for (int minute = 0; minute < 30 && fs::exists(directory_ + "/artifacts/" + dropped); ++minute) {
    clock_.Advance(std::chrono::seconds(61));
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    if (minute == 5) EXPECT_TRUE(fs::exists(directory_ + "/artifacts/" + dropped)) << "too early";
  }
  EXPECT_FALSE(fs::exists(directory_ + "/artifacts/" + dropped));
  EXPECT_TRUE(fs::exists(directory_ + "/artifacts/" + used));
}

TEST_F(UpkeepTest, TheFirstPointOfAShardOfLargeVectorsTakesLittleDisk) {
  ShardSpec large = Spec(limits::kDimensionMax);
  large.shard = 8;
  ASSERT_TRUE(node_->CreateShard(large, Soon()).ok());
  WriteCall call = Put(1, std::vector<float>(limits::kDimensionMax, 1.0f));
  call.shard = 8;
  call.incarnation = Spec(1).incarnation;
  std::promise<bool> promise;
  node_->Write(call, Soon(), [&](auto reply) { promise.set_value(reply.ok()); });
  ASSERT_TRUE(promise.get_future().get());
  uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(ShardPath(8) + "/rows")) {
    bytes += entry.file_size();
  }
  EXPECT_GT(bytes, 0u);
  EXPECT_LE(bytes, uint64_t{16} << 20);
}

// The limit itself is four billion rows away.
TEST(AdmissionTest, AShardThatHasGivenOutItsRowNumbersRefusesMore) {
  CopyParts parts;
  parts.spec.slots = {{0, limits::kSlots}};
  Admission admission(parts, {.disk_reserve_bytes = 0});
  const auto last = static_cast<uint32_t>(limits::kRowsMax - 1);
  const absl::Status status = admission.CheckRoom(last, 2);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), reason::kRowLimit);
}

}  // namespace
}  // namespace kith::shard
