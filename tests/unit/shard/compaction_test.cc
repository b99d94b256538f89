// What a copy that is written to for long must not lose: its memory, its disk, its answers.
#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "tests/unit/shard/node_fixture.h"
#include "tests/unit/shard/steered_disk.h"

namespace kith::shard {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using test::Calls;
using test::DiskCall;

constexpr uint32_t kExtentBits = 9;  // 512 rows, 32 KiB
constexpr ShardId kFresh = 8;

class CompactionTest : public NodeFixture {
 protected:
  void SetUp() override {
    options_.files = &disk_.files();
    options_.row_extent_bits = kExtentBits;
    options_.tick_every = std::chrono::milliseconds(5);
    options_.write_buffer_bytes = 1 << 20;
    options_.checkpoint_log_bytes = 1 << 20;
    NodeFixture::SetUp();
    ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  }
  void TearDown() override {
    disk_.Release();
    NodeFixture::TearDown();
  }

  // Where a point lies after so many rounds of updates.
  static std::vector<float> Place(uint64_t id, uint32_t round) {
    std::mt19937_64 random(id * 1'000 + round);
    const auto value = [&] { return static_cast<float>(random() % 20'000'000) / 1000.0f; };
    const float x = value();
    return {x, value()};
  }
  static std::string Payload(uint64_t id, uint32_t round) {
    return "payload of " + std::to_string(id) + " in " + std::to_string(round);
  }
  // Upserts of some ids, in calls of 500.
  void PutAll(const std::vector<uint64_t>& ids, uint32_t round) {
    for (size_t begin = 0; begin < ids.size(); begin += 500) {
      WriteCall call;
      for (size_t i = begin; i < std::min(ids.size(), begin + 500); ++i) {
        const std::string payload = Payload(ids[i], round);
        call.kinds.push_back(WriteKind::kUpsert);
        call.keys += Key(ids[i]);
        call.vectors += Bytes(Place(ids[i], round));
        call.payload_sizes.push_back(static_cast<uint32_t>(payload.size()));
        call.payloads += payload;
      }
      const auto reply = Write(std::move(call));
      ASSERT_TRUE(reply.ok()) << reply.status();
    }
  }
  void DeleteAll(const std::vector<uint64_t>& ids) {
    WriteCall call;
    for (const uint64_t id : ids) {
      call.kinds.push_back(WriteKind::kDelete);
      call.keys += Key(id);
    }
    ASSERT_TRUE(Write(std::move(call)).ok());
  }
  static std::vector<uint64_t> Ids(uint64_t count) {
    std::vector<uint64_t> ids(count);
    for (uint64_t id = 0; id < count; ++id) ids[id] = id;
    return ids;
  }
  UpkeepFigures Upkeep() const { return node_->health().upkeep; }
  // Writes `count` points and names those of them that stay when Thin has taken nine of ten away.
  std::map<uint64_t, uint32_t> Fill10(uint64_t count) {
    PutAll(Ids(count), 0);
    std::map<uint64_t, uint32_t> left;
    for (uint64_t id = 3; id < count; id += 10) left[id] = 0;
    return left;
  }
  void Thin(uint64_t count) {
    std::vector<uint64_t> gone = Ids(count);
    std::erase_if(gone, [](uint64_t id) { return id % 10 == 3; });
    DeleteAll(gone);
  }
  // Until the row file holds few dead rows.
  bool AwaitReclaimed(uint64_t dead_rows) {
    clock_.Advance(seconds(2));  // it is quiet now
    return Within(seconds(60), [&] { return Upkeep().dead_rows <= dead_rows; });
  }
  // Until nothing changes any more.
  void AwaitQuiet() {
    clock_.Advance(seconds(2));
    UpkeepFigures last;
    int same = 0;
    ASSERT_TRUE(Within(seconds(60), [&] {
      const UpkeepFigures now = Upkeep();
      const bool is_same = now.moved_rows == last.moved_rows && now.merges == last.merges &&
                           now.dead_rows == last.dead_rows;
      same = is_same ? same + 1 : 0;
      last = now;
      return same >= 60;
    }));
  }
  uint64_t RowFileBytes() const {
    return FilesIn("rows", ".rows").size() * (uint64_t{64} << kExtentBits);
  }
  void ExpectPoints(const std::map<uint64_t, uint32_t>& rounds) {
    std::string keys;
    for (const auto& [id, round] : rounds) keys += Key(id);
    const auto reply = Get(keys);
    ASSERT_TRUE(reply.ok()) << reply.status();
    size_t payload_at = 0;
    size_t i = 0;
    for (const auto& [id, round] : rounds) {
      ASSERT_EQ(reply->found[i], 1) << id;
      ASSERT_EQ(reply->vectors.substr(i * 8, 8), Bytes(Place(id, round))) << id;
      ASSERT_EQ(reply->payloads.substr(payload_at, reply->payload_sizes[i]), Payload(id, round));
      payload_at += reply->payload_sizes[i++];
    }
    ExpectVerified(rounds.size());
    EXPECT_EQ(node_->health().digest_repairs, 0u);
  }

  test::SteeredDisk disk_;
};

TEST_F(CompactionTest, PointsOfAnExtentThatIsMostlyDeadMoveAndItsSpaceComesBack) {
  std::map<uint64_t, uint32_t> left = Fill10(10'000);
  const uint64_t before = RowFileBytes();
  Thin(10'000);
  ASSERT_TRUE(AwaitReclaimed(600)) << Upkeep().dead_rows;
  EXPECT_TRUE(Within(seconds(10), [&] { return RowFileBytes() <= before / 6; })) << RowFileBytes();
  EXPECT_GE(Upkeep().moved_rows, 900u);
  // It is counted once the files are gone.
  EXPECT_TRUE(Within(seconds(10), [&] { return Upkeep().reclaimed_bytes >= before * 3 / 4; }));
  EXPECT_LT(node_->Stat(7, Soon())->memory.rows, before / 4);
  ExpectPoints(left);
  const auto versions_before = Get(Key(3))->versions;
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Get(Key(3))->versions, versions_before);
  ExpectPoints(left);
  EXPECT_LE(RowFileBytes(), before / 6) << "a start makes no extent that nobody needs";
  left[3] = 1;  // and what moved can be written, deleted and found as before
  PutAll({3}, 1);
  DeleteAll({13});
  left.erase(13);
  ExpectPoints(left);
}

// No entry of the log stands for a move: what a crash leaves of it is all in one batch of the
// state.
TEST_F(CompactionTest, AMoveThatNoCheckpointHasSeenOutlivesAKill) {
  std::map<uint64_t, uint32_t> left = Fill10(5'000);
  ASSERT_TRUE(node_->Close().ok());  // a checkpoint ...
  ASSERT_TRUE(Start().ok());
  Thin(5'000);
  disk_.Fail(EIO, Calls(DiskCall::Kind::kCreateFile, "/seg/"));  // ... and never another
  clock_.Advance(seconds(2));
  ASSERT_TRUE(Within(seconds(20), [&] { return Upkeep().moved_rows >= 400; }));
  const uint64_t failures = node_->health().checkpoint_failures;
  ASSERT_TRUE(Within(seconds(20), [&] {
    clock_.Advance(seconds(5));  // a failed one is tried again after a while
    return node_->health().checkpoint_failures >= failures + 2;
  }));
  EXPECT_EQ(Upkeep().reclaimed_bytes, 0u) << "before a checkpoint nothing is given back";
  node_.reset();
  disk_.Release();
  ASSERT_TRUE(Start().ok());
  ExpectPoints(left);
  EXPECT_EQ(Search(Query({1, 1}, 1000))->scores.size(), left.size());
}

// The lsn of a checkpoint says nothing of the moves that come after it.
TEST_F(CompactionTest, AMoveAtTheLsnOfTheLastCheckpointIsNotForgotten) {
  std::map<uint64_t, uint32_t> left = Fill10(5'000);
  Thin(5'000);
  ASSERT_TRUE(node_->Close().ok());
  disk_.Fail(EIO, Calls(DiskCall::Kind::kCreateFile, "/seg/"));
  clock_.Advance(seconds(2));
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(Within(seconds(20), [&] { return Upkeep().moved_rows >= 400; }));
  node_.reset();
  disk_.Release();
  ASSERT_TRUE(Start().ok());
  ExpectPoints(left);
}

TEST_F(CompactionTest, RowFilesThatAreGoneAreMadeAgainWhereRowsLive) {
  std::map<uint64_t, uint32_t> left = Fill10(5'000);
  Thin(5'000);
  ASSERT_TRUE(AwaitReclaimed(600));
  ASSERT_TRUE(node_->Close().ok());
  node_.reset();
  const size_t files = FilesIn("rows", ".rows").size();
  for (const std::string& file : FilesIn("rows", ".rows")) fs::remove(file);
  ASSERT_TRUE(Start().ok());
  ExpectPoints(left);
  EXPECT_LE(FilesIn("rows", ".rows").size(), files);
}

// A crash may have left them there: rows that moved, and whose batch was lost. This life gives
// their numbers to other points.
TEST_F(CompactionTest, WhatAnEarlierLifeWroteBeyondTheLastRowIsForgottenAtAStart) {
  PutAll(Ids(700), 0);
  ASSERT_TRUE(node_->Close().ok());
  node_.reset();
  const std::string path = FilesIn("rows", ".rows")[1];
  constexpr std::streamoff kPlace = (700 - 512) * 64;
  const auto read = [&] {
    std::ifstream file(path, std::ios::binary);
    std::string record(64, '\0');
    file.seekg(kPlace).read(record.data(), 64);
    return record;
  };
  EXPECT_EQ(read(), std::string(64, '\0'));
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out).seekp(kPlace)
      << std::string(64, 'x');
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(read().substr(0, sizeof(RowHeader)), std::string(sizeof(RowHeader), '\0'));
  EXPECT_EQ(Search(Query({1, 1}, 1000))->scores.size(), 700u);
}

// A search pins what it began with, whatever is moved and dropped meanwhile.
TEST_F(CompactionTest, ADrawnSampleIsReadAfterItsRowsHaveMoved) {
  PutAll(Ids(5'000), 0);
  const auto hashes = node_->SampleHashes({7, 1, 5'000}, Soon());
  ASSERT_EQ(hashes->size(), 5'000u);
  for (uint32_t round = 1; round <= 3; ++round) PutAll(Ids(5'000), round);
  ASSERT_TRUE(AwaitReclaimed(2'000));
  EXPECT_FALSE(fs::exists(ShardPath() + "/rows/000000.rows"));
  const auto sample = node_->ReadSample({7, 1, 0, 0, 1 << 20}, Soon());
  ASSERT_TRUE(sample.ok()) << sample.status();
  ASSERT_EQ(sample->keys.size(), 5'000 * PointKey::kSize);
  for (size_t i = 0; i < 5'000; ++i) {
    const uint64_t id = PointKey::FromBytes(sample->keys.data() + i * PointKey::kSize).number();
    ASSERT_EQ(sample->vectors.substr(i * 8, 8), Bytes(Place(id, 0)));
  }
}

class TurnoverTest : public CompactionTest {
 protected:
  static constexpr uint64_t kPoints = 20'000;
  static constexpr uint32_t kRounds = 10;

  // Asks both ways until told to stop; anything but a full and well-formed answer counts.
  void SearchThroughout() {
    std::mt19937 random(1);
    while (!stop_) {
      const std::vector<float> query = Place(random() % kPoints, random() % (kRounds + 1));
      for (const std::string& version : {std::string(), version_}) {
        const auto reply =
            Search(version.empty() ? Query(query, 10) : IndexedQuery(query, 10, version));
        if (!reply.ok()) {
          ++failures_;
          continue;
        }
        std::vector<uint64_t> ids = Numbers(*reply);
        std::sort(ids.begin(), ids.end());
        const bool twice = std::adjacent_find(ids.begin(), ids.end()) != ids.end();
        if (ids.size() != 10 || twice) ++failures_;
        ++searches_;
      }
    }
  }
  void ExpectAnswersOfTheFreshOne() {
    std::mt19937 random(2);
    for (int i = 0; i < 100; ++i) {
      const std::vector<float> query = Place(random(), 77);
      shard_ = 7;
      const auto exact = Search(Query(query, 50));
      const auto indexed = Search(IndexedQuery(query, 50, version_));
      shard_ = kFresh;
      const auto fresh = Search(Query(query, 50));
      shard_ = 7;
      ASSERT_TRUE(exact.ok() && indexed.ok() && fresh.ok());
      ASSERT_EQ(Numbers(*exact), Numbers(*fresh));
      ASSERT_EQ(exact->scores, fresh->scores);
      ASSERT_EQ(Numbers(*indexed), Numbers(*fresh));
    }
  }
  void MakeFresh() {
    ShardSpec spec = Spec(2);
    spec.shard = shard_ = kFresh;
    ASSERT_TRUE(node_->CreateShard(spec, Soon()).ok());
    PutAll(Ids(kPoints), kRounds);
    ASSERT_TRUE(node_->BuildIndex(kFresh, version_, Soon()).ok());
    ASSERT_TRUE(Within(seconds(60), [&] { return IsReady(version_); }));
    shard_ = 7;
  }

  std::string version_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> searches_{0};
  std::atomic<uint64_t> failures_{0};
};

TEST_F(TurnoverTest, TenTimesTurnedOverAShardIsMuchAsAFreshOne) {
  PutAll(Ids(kPoints), 0);
  TrainAndBuild(64, version_);
  std::thread searcher([&] { SearchThroughout(); });
  std::vector<uint64_t> ids = Ids(kPoints);
  std::mt19937 random(3);
  for (uint32_t round = 1; round <= kRounds; ++round) {
    std::shuffle(ids.begin(), ids.end(), random);
    PutAll(ids, round);
  }
  // On busy cores upkeep may stand still for longer than AwaitQuiet takes for quiet.
  EXPECT_TRUE(Within(seconds(60), [&] { return Upkeep().segments <= 4; })) << Upkeep().segments;
  AwaitQuiet();
  stop_ = true;
  searcher.join();
  EXPECT_EQ(failures_, 0u);
  EXPECT_GT(searches_, 100u);
  EXPECT_LE(Upkeep().segments, 4u);
  ASSERT_TRUE(node_->Close().ok());
  ASSERT_TRUE(Start().ok());
  MakeFresh();
  AwaitQuiet();
  ASSERT_TRUE(node_->Close().ok());
  ASSERT_TRUE(Start().ok());
  const ShardStat old = *node_->Stat(7, Soon());
  const ShardStat fresh = *node_->Stat(kFresh, Soon());
  const auto within = [](uint64_t value, uint64_t of) {
    EXPECT_LE(static_cast<double>(value), 1.5 * static_cast<double>(of));
  };
  within(old.memory.codes, fresh.memory.codes);
  within(old.memory.refine, fresh.memory.refine);
  within(old.memory.rows, fresh.memory.rows);
  within(old.memory.tombstones, 16'384);
  within(old.disk_bytes, fresh.disk_bytes);
  printf("codes %lu of %lu, rows %lu of %lu, tombstones %lu, disk %lu of %lu, moved %lu\n",
         old.memory.codes, fresh.memory.codes, old.memory.rows, fresh.memory.rows,
         old.memory.tombstones, old.disk_bytes, fresh.disk_bytes, Upkeep().moved_rows);
  ExpectAnswersOfTheFreshOne();
  ExpectVerified(kPoints);
  EXPECT_EQ(node_->health().digest_repairs, 0u);
}

}  // namespace
}  // namespace kith::shard
