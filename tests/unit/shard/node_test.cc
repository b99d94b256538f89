#include "shard/node.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <random>
#include <thread>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/plan.h"
#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {
namespace {

class NodeTest : public NodeFixture {
 protected:
  void SetUp() override {
    NodeFixture::SetUp();
    ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  }
};

// Of the threads of this process with that name.
std::vector<int> NicenessOf(const std::string& name) {
  std::vector<int> niceness;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string found;
    std::getline(std::ifstream(task.path() / "comm"), found);
    const auto id = static_cast<id_t>(std::stoul(task.path().filename().string()));
    if (found == name) niceness.push_back(getpriority(PRIO_PROCESS, id));
  }
  return niceness;
}

TEST_F(NodeTest, SearchesGoBeforeWritesAndWritesBeforeUpkeep) {
  ASSERT_TRUE(Write(Put(1, {1, 1})).ok());
  const int own = getpriority(PRIO_PROCESS, 0);
  if (own != 0) GTEST_SKIP() << "the test itself is niced";
  // A thread that has just been started has neither its name nor its place yet.
  EXPECT_TRUE(Within(std::chrono::seconds(10), [&] {
    const std::vector<int> searches = NicenessOf("kith-search");
    const std::vector<int> writers = NicenessOf("kith-writer");
    const std::vector<int> upkeep = NicenessOf("kith-upkeep");
    return !searches.empty() && !writers.empty() && !upkeep.empty() && searches[0] == own &&
           writers[0] > own && upkeep[0] > writers[0];
  }));
}

TEST_F(NodeTest, AWrittenPointIsFoundAtOnceAndAfterARestart) {
  ASSERT_TRUE(Write(Put(1, {1, 1}, "one")).ok());
  ASSERT_TRUE(Write(Put(2, {5, 5}, "two")).ok());
  for (int round = 0; round < 2; ++round) {
    const auto found = Search(Query({0, 0}));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(Numbers(*found), (std::vector<uint64_t>{1, 2}));
    EXPECT_EQ(found->scores[0], 2.0f);
    EXPECT_EQ(found->live_points, 2u);
    const auto got = Get(Key(2) + Key(3));
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(got->found, (std::vector<uint8_t>{1, 0}));
    EXPECT_EQ(got->payloads, "two");
    ExpectVerified(2);
    ASSERT_TRUE(Start().ok());  // without a checkpoint: from the log
  }
}

TEST_F(NodeTest, ADeletedPointStaysAwayAndAnUpdatedOneMoves) {
  Fill(0, 100);
  ASSERT_TRUE(Write(Remove(3)).ok());
  ASSERT_TRUE(Write(Put(4, {1000, 1000})).ok());
  for (int round = 0; round < 3; ++round) {
    const auto found = Search(Query({1000, 1000}, 200));
    ASSERT_TRUE(found.ok());
    const auto numbers = Numbers(*found);
    EXPECT_EQ(numbers.size(), 99u);
    EXPECT_EQ(numbers[0], 4u);
    EXPECT_EQ(std::count(numbers.begin(), numbers.end(), 3), 0);
    ExpectVerified(99);
    if (round == 1) {
      ASSERT_TRUE(node_->Close().ok());
    }
    ASSERT_TRUE(Start().ok());
  }
}

TEST_F(NodeTest, ModesAndVersionsAreDecidedInOrder) {
  WriteCall call;
  call.kinds = {WriteKind::kInsertOnly, WriteKind::kInsertOnly, WriteKind::kUpdateOnly,
                WriteKind::kDelete, WriteKind::kUpdateOnly};
  call.keys = Key(1) + Key(1) + Key(1) + Key(1) + Key(1);
  call.vectors = Bytes({1, 0, 2, 0, 3, 0, 4, 0});
  const auto reply = Write(call);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->outcomes, (std::vector<WriteOutcome>{
                                 WriteOutcome::kOk, WriteOutcome::kAlreadyExists, WriteOutcome::kOk,
                                 WriteOutcome::kOk, WriteOutcome::kNotFound}));
  ExpectVerified(0);
  ASSERT_TRUE(Start().ok());
  ExpectVerified(0);
}

TEST_F(NodeTest, AVersionConditionHoldsOnlyForThatVersion) {
  const auto first = Write(Put(1, {1, 0}));
  ASSERT_TRUE(first.ok());
  WriteCall stale = Put(1, {2, 0});
  stale.if_versions = {first->versions[0] + 1};
  EXPECT_EQ(Write(stale)->outcomes[0], WriteOutcome::kVersionMismatch);
  WriteCall current = Put(1, {2, 0});
  current.if_versions = {first->versions[0]};
  EXPECT_EQ(Write(current)->outcomes[0], WriteOutcome::kOk);
  WriteCall absent = Put(1, {3, 0});
  absent.if_versions = {0};
  EXPECT_EQ(Write(absent)->outcomes[0], WriteOutcome::kVersionMismatch);
}

TEST_F(NodeTest, ARepeatedRequestAnswersAsBeforeAndAnotherBodyIsRefused) {
  const auto stored = Write(Put(2, {1, 1}));
  WriteCall call = Put(1, {1, 0});
  call.kinds = {WriteKind::kInsertOnly, WriteKind::kInsertOnly};
  call.keys += Key(2);  // is there already: refused, and answered with the version it has
  call.vectors += call.vectors;
  call.payload_sizes = {0, 0};
  call.request_id = "request-id-16byt";
  call.body_hash = "hash-of-16-bytes";
  call.unix_ms = clock_.UnixMs();
  const auto first = Write(call);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->versions[1], stored->versions[0]);
  for (int round = 0; round < 2; ++round) {
    const auto again = Write(call);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->lsn, first->lsn);
    EXPECT_EQ(again->outcomes, first->outcomes);
    EXPECT_EQ(again->versions, first->versions);
    WriteCall other = call;
    other.body_hash = "other-hash-16-by";
    EXPECT_EQ(ReasonOf(Write(other).status()), reason::kRequestIdReused);
    WriteCall shorter = Put(1, {1, 0});
    shorter.request_id = call.request_id;
    shorter.body_hash = call.body_hash;
    EXPECT_EQ(ReasonOf(Write(shorter).status()), reason::kRequestIdReused);
    ASSERT_TRUE(Start().ok());
  }
  ExpectVerified(2);
}

TEST_F(NodeTest, ARequestIsRememberedForADay) {
  constexpr uint64_t kHour = 3'600'000;
  for (const uint64_t hours : {23, 25}) {
    WriteCall call = Put(hours, {1, 0});
    call.kinds = {WriteKind::kInsertOnly};
    call.request_id = "request-of-" + std::to_string(hours) + "-ha";
    call.unix_ms = clock_.UnixMs() - hours * kHour;
    const auto first = Write(call);
    ASSERT_TRUE(first.ok()) << first.status();
    const auto again = Write(call);
    ASSERT_TRUE(again.ok()) << again.status();
    // Afterwards it is a request like any other, and comes too late.
    const bool is_remembered = hours < 24;
    EXPECT_EQ(again->lsn == first->lsn, is_remembered) << hours;
    EXPECT_EQ(again->outcomes[0], is_remembered ? WriteOutcome::kOk : WriteOutcome::kAlreadyExists);
  }
}

TEST_F(NodeTest, AWriteWhosePartsDoNotAgreeIsRefusedAndChangesNothing) {
  WriteCall call = Put(1, {1, 0});
  call.vectors.pop_back();
  EXPECT_EQ(Write(call).status().code(), absl::StatusCode::kInvalidArgument);
  call = Put(1, {1, 0});
  call.keys.pop_back();
  EXPECT_EQ(Write(call).status().code(), absl::StatusCode::kInvalidArgument);
  call = Put(1, {1, 0});
  call.epoch = 99;
  EXPECT_EQ(ReasonOf(Write(call).status()), reason::kWrongEpoch);
  call = Put(1, {1, 0});
  call.body_hash = "longer than sixteen bytes";
  EXPECT_EQ(Write(call).status().code(), absl::StatusCode::kInvalidArgument);
  call = Put(1, {1, 0});
  call.kinds = {static_cast<WriteKind>(9)};
  EXPECT_EQ(Write(call).status().code(), absl::StatusCode::kInvalidArgument);
  call = Put(1, {1, 0});
  call.keys[0] = 3;
  EXPECT_EQ(Write(call).status().code(), absl::StatusCode::kInvalidArgument);
  call = Put(1, {1, 0}, std::string(limits::kPayloadBytesMax + 1, 'x'));
  EXPECT_EQ(Write(call).status().code(), absl::StatusCode::kInvalidArgument);
  ExpectVerified(0);
}

TEST_F(NodeTest, ALogThatIsTooLongRefusesWritesButNotSearches) {
  ASSERT_TRUE(Write(Put(1, {1, 0})).ok());
  options_.admission.log_bytes_max = 0;
  node_.reset();  // without a checkpoint: the log keeps the write
  ASSERT_TRUE(Start().ok());
  const auto refused = Write(Put(2, {1, 0}));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused.status()), reason::kLogFull);
  EXPECT_EQ(Numbers(*Search(Query({0, 0}))), (std::vector<uint64_t>{1}));
}

// Long before a checkpoint is due.
TEST_F(NodeTest, WhatTheStateHasFlushedLeavesTheLog) {
  options_.log_write_buffer_bytes = 256 << 10;
  ASSERT_TRUE(Start().ok());
  const std::string payload(60 << 10, 'x');
  uint64_t written = 0;
  for (uint64_t id = 0; id < 512; ++id) {  // 30 MB through buffers of 1 MB
    ASSERT_TRUE(Write(Put(id, {1, 0}, payload)).ok());
    written += payload.size();
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  do {
    ASSERT_TRUE(Write(Put(1000, {1, 0}, payload)).ok());  // so that memtables of the log fill up
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  } while (node_->health().log_bytes > written / 4 && std::chrono::steady_clock::now() < end);
  EXPECT_LE(node_->health().log_bytes, written / 4);
  node_.reset();  // without a checkpoint
  ASSERT_TRUE(Start().ok());
  ExpectVerified(513);
}

TEST_F(NodeTest, ACleanStopLeavesNothingOfTheLogToRead) {
  const std::string payload(60 << 10, 'x');
  for (uint64_t id = 0; id < 64; ++id) ASSERT_TRUE(Write(Put(id, {1, 0}, payload)).ok());
  ASSERT_TRUE(node_->Close().ok());
  ASSERT_TRUE(Start().ok());
  EXPECT_LT(node_->health().log_bytes, 64u << 10) << "of 4 MB written";
  ExpectVerified(64);
}

TEST_F(NodeTest, ATrainedIndexServesNewAndOldPointsAcrossRestarts) {
  Fill(0, 5000);
  std::string version;
  TrainAndBuild(16, version);
  ASSERT_TRUE(Write(Put(90'000, {0.25f, 0.25f})).ok());
  ASSERT_TRUE(Write(Remove(0)).ok());
  for (int round = 0; round < 3; ++round) {
    const auto found = Search(IndexedQuery({0, 0}, 3, version));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(Numbers(*found), (std::vector<uint64_t>{90'000, 1, 2}));
    EXPECT_GT(found->work.rows_scanned, 0u);
    ExpectVerified(5000);
    if (round == 1) {
      ASSERT_TRUE(node_->Close().ok());
    }
    ASSERT_TRUE(Start().ok());
  }
}

TEST_F(NodeTest, ASearchForAVersionThatIsNotBuiltSaysSo) {
  Fill(0, 10);
  SearchCall query = Query({0, 0});
  query.index_version = "00000000000000000000000000000000";
  EXPECT_EQ(ReasonOf(Search(query).status()), reason::kIndexVersionNotReady);
}

TEST_F(NodeTest, TrainingOnEqualPointsIsRefusedWithTheReason) {
  WriteCall call;
  for (uint64_t id = 0; id < 500; ++id) {
    call.kinds.push_back(WriteKind::kUpsert);
    call.keys += Key(id);
    call.vectors += Bytes({1, 1});
  }
  ASSERT_TRUE(Write(call).ok());
  (void)node_->SampleHashes({7, 1, 500}, Soon());
  TrainingChunk chunk{"equal", 2, ElementType::kF32,
                      *node_->ReadSample({7, 1, 0, 0, 1 << 20}, Soon())};
  ASSERT_TRUE(node_->AddTrainingChunk(chunk, Soon()).ok());
  StartTrainingCall start{"equal", 2, Metric::kL2, ElementType::kF32, 16, 1, 1};
  ASSERT_TRUE(node_->StartTraining(start, Soon()).ok());
  absl::StatusOr<TrainingState> state = node_->GetTraining("equal", Soon());
  while (state.ok() && !state->done) state = node_->GetTraining("equal", Soon());
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(ReasonOf(state->error), reason::kDegeneratePoints);
}

TEST_F(NodeTest, DamagedRowRecordsAreWrittenAgainFromTheTruth) {
  Fill(0, 300);
  ASSERT_TRUE(node_->Close().ok());
  node_.reset();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
    if (entry.path().parent_path().filename() != "rows" || !entry.is_regular_file()) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);
    file.write("garbage", 7);
  }
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Search(Query({0, 0}, 1000))->keys.size() / PointKey::kSize, 300u);
  ExpectVerified(300);
}

TEST_F(NodeTest, AnotherIncarnationOfAShardIsRefused) {
  EXPECT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  ShardSpec other = Spec(2);
  other.incarnation.bytes[0] = 10;
  EXPECT_EQ(ReasonOf(node_->CreateShard(other, Soon())), reason::kWrongIncarnation);
}

TEST_F(NodeTest, ADroppedShardIsGoneAndItsNameIsFreeAgain) {
  Fill(0, 100);
  ASSERT_TRUE(node_->DropShard(7, Spec(1).incarnation, Soon()).ok());
  EXPECT_EQ(Search(Query({0, 0})).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Search(Query({0, 0})).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  ExpectVerified(0);
}

TEST_F(NodeTest, ASecondNodeOnTheDirectoryIsRefused) {
  NodeOptions options;
  options.directory = directory_;
  options.files = real_files_.get();
  options.clock = &clock_;
  EXPECT_EQ(ReasonOf(Node::Open(options).status()), reason::kDirectoryInUse);
}

TEST_F(NodeTest, SearchesAndWritesSideBySideAlwaysSeeWholeBatches) {
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (uint32_t round = 0; round < 200; ++round) {
      WriteCall call;
      for (uint64_t id = 0; id < 20; ++id) {
        call.kinds.push_back(WriteKind::kUpsert);
        call.keys += Key(id);
        call.vectors += Bytes({static_cast<float>(round), 0});
      }
      EXPECT_TRUE(Write(call).ok());
    }
    done = true;
  });
  while (!done) {
    const auto found = Search(Query({0, 0}, 100));
    EXPECT_TRUE(found.ok()) << found.status();
    if (!found.ok()) continue;
    // Every point of one answer carries the same round: a search sees all of a batch or nothing.
    for (const float score : found->scores) EXPECT_EQ(score, found->scores[0]);
    EXPECT_TRUE(found->scores.empty() || found->scores.size() == 20);
  }
  writer.join();
  ExpectVerified(20);
}

TEST_F(NodeTest, ASearchThatNobodyWaitsForAnyMoreIsNotRun) {
  Fill(0, 100);
  auto gone = std::make_shared<std::atomic<bool>>(false);
  SearchCall call = Query({0, 0});
  call.cancelled = gone;
  EXPECT_TRUE(Search(call).ok());
  gone->store(true);
  EXPECT_EQ(Search(call).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(NodeTest, ASearchThatComesAfterItsDeadlineIsNotRun) {
  Fill(0, 100);
  SearchCall call = Query({0, 0});
  call.shard = 7;
  call.incarnation = Spec(1).incarnation;
  std::promise<absl::Status> answered;
  node_->Search(std::move(call), DeadlineIn(std::chrono::seconds(-1)),
                [&](auto reply) { answered.set_value(reply.status()); });
  EXPECT_EQ(ReasonOf(answered.get_future().get()), reason::kDeadline);
  EXPECT_EQ(node_->search_queue().refusals[static_cast<size_t>(QueueRefusal::kExpired)], 1u);
}

TEST_F(NodeTest, PointsThatAreLargerThanAMessageTogetherAreRefused) {
  const std::string payload(limits::kPayloadBytesMax, 'p');
  const auto most = static_cast<uint64_t>(limits::kMessageBytesMax / payload.size());
  std::string keys;
  for (uint64_t begin = 0; begin <= most; begin += 100) {
    WriteCall call;
    for (uint64_t id = begin; id < begin + 100; ++id) {
      call.kinds.push_back(WriteKind::kUpsert);
      call.keys += Key(id);
      call.vectors += Bytes({1, 1});
      call.payload_sizes.push_back(static_cast<uint32_t>(payload.size()));
      call.payloads += payload;
    }
    keys += call.keys;
    ASSERT_TRUE(Write(std::move(call)).ok());
  }
  const absl::Status status = Get(keys).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(ReasonOf(status), reason::kBatchTooLarge);
  EXPECT_TRUE(Get(keys.substr(0, 500 * PointKey::kSize)).ok());
}

TEST_F(NodeTest, ADrainingNodeRefusesCalls) {
  node_->Drain();
  EXPECT_EQ(ReasonOf(Write(Put(1, {1, 1})).status()), reason::kDraining);
  EXPECT_EQ(ReasonOf(Search(Query({1, 1})).status()), reason::kDraining);
  EXPECT_FALSE(node_->health().ready);
}

}  // namespace
}  // namespace kith::shard
