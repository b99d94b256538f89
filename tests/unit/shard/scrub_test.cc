// What a running node does about bytes that went bad after it read them.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "common/base/status.h"
#include "common/vector/row_table.h"
#include "shard/storage/segment_file.h"
#include "tests/unit/shard/damage_fixture.h"

namespace kith::shard {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using testing::HasSubstr;

// Damage under a node that runs: what was read at its start is read again.
class ScrubTest : public DamageTest {
 protected:
  static constexpr uint32_t kRow = 1234;

  // A start that reads everything again and again, at once.
  absl::Status StartScrubbing() {
    options_.scrub_bytes_per_second = 1 << 30;
    options_.scrub_every = std::chrono::nanoseconds(0);
    options_.tick_every = std::chrono::milliseconds(20);
    return Start();
  }
  absl::Status StartWithoutScrub() {
    options_.scrub_bytes_per_second = 0;
    options_.tick_every = std::chrono::milliseconds(20);
    return Start();
  }
  // Into the page that the node has mapped.
  void OverwriteInPlace(const std::string& path, uint64_t at, const std::string& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file << bytes;
    ASSERT_TRUE(file.good());
  }
  // False where it is gone.
  static bool DamageInPlace(const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(200);
    file << "garbage";
    return file.good();
  }
  bool AreWhole(const std::vector<std::string>& paths) {
    return !paths.empty() && std::all_of(paths.begin(), paths.end(), [&](const auto& path) {
      return storage::VerifyFramedFile(*real_files_, path).ok();
    });
  }
  uint64_t AtVectorOf(uint32_t row) const {
    return row * uint64_t{RowTable::StrideFor(2 * sizeof(float))} + sizeof(RowHeader);
  }
  bool HasMended(uint64_t count) {
    return Within(seconds(20), [&] { return node_->health().upkeep.damage_mended >= count; });
  }
};

TEST_F(ScrubTest, ADamagedRowThatASearchWouldAnswerWithIsNotAnsweredButWrittenAgain) {
  MakeIndexedShard();
  ASSERT_TRUE(StartWithoutScrub().ok());
  const std::string rows = FilesIn("rows", ".rows")[0];
  OverwriteInPlace(rows, AtVectorOf(kRow), Bytes({7777, 7777}));
  const auto found = Search(Query({7777, 7777}, 1));
  EXPECT_EQ(found.status().code(), absl::StatusCode::kUnavailable) << found.status();
  EXPECT_THAT(std::string(found.status().message()), HasSubstr("row 1234"));
  EXPECT_THAT(std::string(found.status().message()), HasSubstr(ShardPath() + "/rows"));
  ASSERT_TRUE(HasMended(1));
  const auto again = Search(Query({7777, 7777}, 1));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_NE(Numbers(*again), std::vector<uint64_t>{kRow});
  ExpectWhole();
}

TEST_F(ScrubTest, ADamagedRowThatNoSearchMeetsIsFoundAndWrittenAgain) {
  MakeIndexedShard();
  ASSERT_TRUE(StartScrubbing().ok());
  const std::string rows = FilesIn("rows", ".rows")[0];
  const std::string good = ReadBytes(rows);
  // Far away: searches near its true place miss it and have nothing to check.
  OverwriteInPlace(rows, AtVectorOf(kRow), Bytes({-1e6f, 1e6f}));
  ASSERT_TRUE(HasMended(1));
  EXPECT_EQ(ReadBytes(rows), good);
  EXPECT_EQ(node_->health().upkeep.damage_found, node_->health().upkeep.damage_mended);
  EXPECT_TRUE(node_->health().reason.empty()) << node_->health().reason;
}

TEST_F(ScrubTest, ASegmentATombstoneFileAndAnArtifactAreWrittenAgainFromMemory) {
  MakeIndexedShard();
  ASSERT_TRUE(StartScrubbing().ok());
  const std::string artifact = directory_ + "/artifacts/" + version_;
  const std::string good = ReadBytes(artifact);
  for (const char* ending : {".seg", ".dead"}) {
    // A checkpoint may give the file another name at any moment.
    ASSERT_TRUE(Within(seconds(20), [&] { return DamageInPlace(FilesIn("seg", ending)[0]); }));
    ASSERT_TRUE(Within(seconds(20), [&] { return AreWhole(FilesIn("seg", ending)); })) << ending;
  }
  Damage(artifact);
  EXPECT_TRUE(Within(seconds(20), [&] { return ReadBytes(artifact) == good; }));
  EXPECT_GE(node_->health().upkeep.damage_mended, 2u);
  Stop();
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(IsReady(version_)) << "nothing had to be encoded again";
  ExpectWhole();
}

TEST_F(ScrubTest, DamageToTheTruthIsReportedWhileTheShardServes) {
  MakeIndexedShard();
  // The largest table: the rows.
  std::string largest;
  for (const std::string& table : FilesIn("state", ".sst")) {
    if (largest.empty() || fs::file_size(table) > fs::file_size(largest)) largest = table;
  }
  ASSERT_TRUE(StartScrubbing().ok());
  std::string bytes = ReadBytes(largest);
  OverwriteInPlace(largest, bytes.size() / 3, "garbage");
  ASSERT_TRUE(Within(seconds(20), [&] { return !node_->health().reason.empty(); }));
  EXPECT_THAT(node_->health().reason, HasSubstr(ShardPath() + "/state"));
  EXPECT_THAT(node_->health().reason, HasSubstr("docs/repair.md"));
  EXPECT_GE(node_->health().upkeep.damage_found, 1u);
  EXPECT_EQ(node_->health().upkeep.damage_mended, 0u);
  EXPECT_TRUE(Search(Query({1, 1})).ok()) << "the row file has what searches need";
}

TEST_F(ScrubTest, APointThatTheTruthHasLostIsReported) {
  Fill(0, 10);
  Stop();
  ChangeState([](storage::StateBatch& batch) { batch.DeleteRow(3); });
  ASSERT_TRUE(StartScrubbing().ok());
  ASSERT_TRUE(Within(seconds(20), [&] { return !node_->health().reason.empty(); }));
  EXPECT_THAT(node_->health().reason, HasSubstr("row 3 is neither there nor dead"));
  EXPECT_THAT(node_->health().reason, HasSubstr(ShardPath() + "/state"));
}

// Rows die all the time, in the truth a moment before the snapshot says so.
TEST_F(ScrubTest, AWholeShardIsReadFromEndToEndWithoutAFinding) {
  MakeIndexedShard();
  ASSERT_TRUE(StartScrubbing().ok());
  for (uint64_t id = 0; id < 400; ++id) ASSERT_TRUE(Write(Put(id, {1, 2})).ok());
  const uint64_t passes = node_->health().upkeep.scrub_passes;
  ASSERT_TRUE(
      Within(seconds(20), [&] { return node_->health().upkeep.scrub_passes > passes + 3; }));
  EXPECT_GT(node_->health().upkeep.scrubbed_bytes, uint64_t{kPoints} * 2 * sizeof(float));
  EXPECT_EQ(node_->health().upkeep.damage_found, 0u);
}

TEST_F(ScrubTest, WithoutAnAllowanceNothingIsRead) {
  MakeIndexedShard();
  ASSERT_TRUE(StartWithoutScrub().ok());
  ASSERT_TRUE(Write(Put(1, {1, 2})).ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // ten ticks
  EXPECT_EQ(node_->health().upkeep.scrubbed_bytes, 0u);
}

}  // namespace
}  // namespace kith::shard
