// What the check of a directory finds in each kind of file, and what --repair does about it.
#include "shard/fsck/fsck.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/log_hint.h"
#include "shard/storage/state_store.h"
#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {
namespace {

namespace fs = std::filesystem;
using fsck::Remedy;
using testing::HasSubstr;

void Flip(const std::string& path, uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const auto byte = static_cast<char>(file.get() ^ 1);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

void FlipMiddle(const std::string& path) { Flip(path, fs::file_size(path) / 2); }

class FsckTest : public NodeFixture {
 protected:
  static constexpr uint32_t kPoints = 600;

  void SetUp() override {
    NodeFixture::SetUp();
    ShardSpec spec = Spec(2);
    spec.payload_fields = {{"color", FieldType::kKeyword}};
    ASSERT_TRUE(node_->CreateShard(spec, Soon()).ok());
    Fill(0, kPoints);
    ASSERT_TRUE(Write(Put(kPoints, {3, 4}, R"({"color":"red"})")).ok());
    TrainAndBuild(16, version_);
    ASSERT_TRUE(Write(Remove(5)).ok());
  }
  void Stop() {
    ASSERT_TRUE(node_->Close().ok());
    node_.reset();
  }
  fsck::Report Check(fsck::Mode mode = fsck::Mode::kCheck) {
    auto report = fsck::CheckDirectory(directory_, *real_files_, mode);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *std::move(report) : fsck::Report();
  }
  // Exactly one thing is wrong, there and with that remedy.
  void ExpectOnly(const std::string& path, Remedy remedy) {
    const fsck::Report report = Check();
    ASSERT_EQ(report.findings.size(), 1u) << report.findings.back().what;
    EXPECT_EQ(report.findings[0].path, path) << report.findings[0].what;
    EXPECT_EQ(report.findings[0].remedy, remedy) << report.findings[0].what;
    EXPECT_FALSE(report.findings[0].advice.empty());
  }
  void ChangeState(const std::function<void(storage::StateBatch&)>& change) {
    const storage::StateOptions options{StatePath(), real_files_.get()};
    const auto state = std::move(storage::StateStore::Open(options)).value();
    const auto batch = state->NewBatch();
    change(*batch);
    ASSERT_TRUE(state->Write(*batch).ok());
    ASSERT_TRUE(state->Flush().ok());
  }
  std::string StatePath() const { return ShardPath() + "/state"; }
  std::string LargestTable() const {
    std::string largest;
    for (const std::string& table : FilesIn("state", ".sst")) {
      if (largest.empty() || fs::file_size(table) > fs::file_size(largest)) largest = table;
    }
    return largest;
  }

  std::string version_;
};

// A piece at a time, and killed after two.
TEST_F(FsckTest, AFieldThatIsHalfBuiltIsNothingWrong) {
  WriteCall call;
  for (uint64_t id = 10'000; id < 13'000; ++id) {
    call.kinds.push_back(WriteKind::kUpsert);
    call.keys += Key(id);
    call.vectors += Bytes({1, static_cast<float>(id)});
    call.payload_sizes.push_back(10);
    call.payloads += R"({"year":1})";
  }
  ASSERT_TRUE(Write(std::move(call)).ok());
  std::atomic<int> steps{0};
  std::atomic<bool> ended{false};
  options_.before_fields = [&] {
    while (++steps > 2 && !ended) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  options_.maintenance_threads = 2;
  ASSERT_TRUE(Start().ok());
  const SetFieldsCall fields{
      7, Spec(1).incarnation, 1, {{"color", FieldType::kKeyword}, {"year", FieldType::kInteger}}};
  ASSERT_TRUE(node_->SetPayloadFields(fields, Soon()).ok());
  const auto built = [&] { return node_->Stat(7, Soon())->fields[1].built_rows; };
  ASSERT_TRUE(Within(std::chrono::seconds(10), [&] { return built() >= 2 * 1024; }));
  ASSERT_TRUE(node_->SetPayloadFields(fields, Soon()).ok());  // which flushes
  std::thread end([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ended = true;
  });
  node_.reset();
  end.join();
  const fsck::Report report = Check();
  EXPECT_TRUE(report.findings.empty()) << report.findings[0].path << report.findings[0].what;
  options_.before_fields = nullptr;
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(Within(std::chrono::seconds(10), [&] {
    return node_->Stat(7, Soon())->fields[1].state == FieldState::kReady;
  }));
  Stop();
  EXPECT_TRUE(Check().findings.empty());
}

TEST_F(FsckTest, AWholeDirectoryHasNothingWrongAfterAStopAndAfterAKill) {
  ASSERT_TRUE(Write(Put(7000, {1, 1})).ok());
  node_.reset();
  fsck::Report report = Check();
  EXPECT_TRUE(report.findings.empty()) << report.findings[0].path << report.findings[0].what;
  ASSERT_TRUE(Start().ok());
  Stop();
  report = Check();
  EXPECT_TRUE(report.findings.empty()) << report.findings[0].path << report.findings[0].what;
  EXPECT_EQ(report.points, kPoints + 1);
  EXPECT_EQ(report.shards, 1u);
}

TEST_F(FsckTest, ADirectoryThatIsServedIsRefused) {
  const auto report = fsck::CheckDirectory(directory_, *real_files_, fsck::Mode::kCheck);
  EXPECT_EQ(ReasonOf(report.status()), reason::kDirectoryInUse);
}

TEST_F(FsckTest, WhatIsNoDataDirectoryIsRefusedAndLeftAlone) {
  const std::string other = directory_ + "/other";
  fs::create_directory(other);
  const auto report = fsck::CheckDirectory(other, *real_files_, fsck::Mode::kRepair);
  EXPECT_EQ(report.status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(fs::is_empty(other));
}

TEST_F(FsckTest, ACheckMakesNothingWhereADirectoryIsGone) {
  Stop();
  for (const std::string& gone : {directory_ + "/log", StatePath()}) {
    fs::rename(gone, directory_ + ".aside");
    // Of the log nothing is missed: the stop left no entry that the state has not got.
    EXPECT_EQ(Check().NeedsRestore(), gone == StatePath());
    EXPECT_FALSE(fs::exists(gone));
    fs::rename(directory_ + ".aside", gone);
  }
  EXPECT_TRUE(Check().findings.empty());
}

TEST_F(FsckTest, WhatCanBeMadeAgainIsSaidToBe) {
  Stop();
  const std::string rows = FilesIn("rows", ".rows")[0];
  Flip(rows, 48 + 64 * 10);  // a vector
  ExpectOnly(rows, Remedy::kStart);
  ASSERT_TRUE(Start().ok());
  Stop();
  FlipMiddle(FilesIn("seg", ".seg")[0]);
  ExpectOnly(FilesIn("seg", ".seg")[0], Remedy::kStart);
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(Within(std::chrono::seconds(20), [&] { return IsReady(version_); }));
  Stop();
  fs::remove(FilesIn("seg", ".dead")[0]);
  EXPECT_EQ(Check().findings.size(), 1u);
  FlipMiddle(directory_ + "/HINT");
  EXPECT_EQ(Check().findings.size(), 2u);
  EXPECT_FALSE(Check().NeedsRestore());
  ASSERT_TRUE(Start().ok());
  Stop();
  EXPECT_TRUE(Check().findings.empty());
}

TEST_F(FsckTest, WhatNothingElseHasMustBeRestored) {
  Stop();
  const std::string spec = ShardPath() + "/SPEC";
  FlipMiddle(spec);
  ExpectOnly(spec, Remedy::kRestore);
  FlipMiddle(spec);
  const std::string artifact = directory_ + "/artifacts/" + version_;
  FlipMiddle(artifact);
  ExpectOnly(artifact, Remedy::kRestore);
  FlipMiddle(artifact);
  FlipMiddle(directory_ + "/FORMAT");
  ExpectOnly(directory_ + "/FORMAT", Remedy::kRestore);
  FlipMiddle(directory_ + "/FORMAT");
  Flip(LargestTable(), fs::file_size(LargestTable()) / 3);
  ExpectOnly(StatePath(), Remedy::kRestore);
}

TEST_F(FsckTest, AStateThatContradictsItselfIsFoundThoughEveryChecksumFits) {
  Stop();
  const auto expect_wrong_and_undo = [&](const char* told, auto change, auto undo) {
    ChangeState(change);
    const fsck::Report report = Check();
    ASSERT_FALSE(report.findings.empty()) << told;
    EXPECT_THAT(report.findings[0].what, HasSubstr(told));
    EXPECT_EQ(report.findings[0].path, StatePath());
    ChangeState(undo);
    EXPECT_TRUE(Check().findings.empty()) << told;
  };
  const PointKey key = PointKey::FromNumber(9);
  expect_wrong_and_undo(
      "do not name each other",
      [&](storage::StateBatch& batch) {
        batch.PutId(SlotOf(key), key, {9, 12345});
      },
      [&](storage::StateBatch& batch) {
        batch.PutId(SlotOf(key), key, {9, (1 << 14) | 9});
      });
  const IndexedValue value{0, "blue"};
  expect_wrong_and_undo(
      "filters would answer wrongly",
      [&](storage::StateBatch& batch) {
        batch.PutPostings(9, {&value, 1});
      },
      [&](storage::StateBatch& batch) {
        batch.DeletePostings(9, {&value, 1});
      });
}

TEST_F(FsckTest, ARowFileOfAnotherSizeIsRemovedByARepairAndWrittenAgain) {
  Stop();
  const std::string rows = FilesIn("rows", ".rows")[0];
  fs::resize_file(rows, fs::file_size(rows) + 4096);
  EXPECT_EQ(Check().findings[0].remedy, Remedy::kRepair);
  const fsck::Report repaired = Check(fsck::Mode::kRepair);
  EXPECT_EQ(repaired.repaired.size(), 1u);
  EXPECT_FALSE(fs::exists(rows));
  ASSERT_TRUE(Start().ok());
  ExpectVerified(kPoints);
}

TEST_F(FsckTest, ALogThatNoShardNeedsIsSetAsideAndOneThatIsNeededIsNot) {
  Stop();
  const auto damage_log = [&] {
    for (const auto& entry : fs::directory_iterator(directory_ + "/log")) {
      if (entry.path().filename().string().starts_with("MANIFEST")) {
        fs::resize_file(entry.path(), 10);
        return;
      }
    }
  };
  damage_log();
  EXPECT_FALSE(Start().ok()) << "the log is the node's";
  ExpectOnly(directory_ + "/log", Remedy::kRepair);
  EXPECT_EQ(Check(fsck::Mode::kRepair).repaired.size(), 1u);
  EXPECT_TRUE(fs::exists(directory_ + "/log.damaged-1"));
  ASSERT_TRUE(Start().ok());
  ExpectVerified(kPoints);
  ASSERT_TRUE(Write(Put(8000, {1, 1})).ok());
  node_.reset();  // as a kill: that write is in the log alone
  damage_log();
  ExpectOnly(directory_ + "/log", Remedy::kRestore);
  EXPECT_TRUE(Check(fsck::Mode::kRepair).repaired.empty());
}

TEST_F(FsckTest, ALogThatEndsTooEarlyIsFound) {
  Stop();
  const std::string before = directory_ + "/before";
  fs::copy(StatePath(), before);
  const auto noted = [&] {
    return storage::LogHint::Open(directory_ + "/HINT", *real_files_, clock_)->Expected(7);
  };
  const uint64_t noted_before = noted();
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(Write(Put(8000, {1, 1})).ok());
  ASSERT_TRUE(Within(std::chrono::seconds(20), [&] { return noted() > noted_before; }));
  node_.reset();
  // As of a kill, which flushes nothing.
  fs::remove_all(StatePath());
  fs::rename(before, StatePath());
  EXPECT_TRUE(Check().findings.empty());
  for (const auto& entry : fs::directory_iterator(directory_ + "/log")) {
    if (entry.path().extension() == ".log") fs::remove(entry.path());
  }
  const fsck::Report report = Check();
  ASSERT_FALSE(report.findings.empty());
  EXPECT_EQ(report.findings[0].path, directory_ + "/log");
  EXPECT_THAT(report.findings[0].what, HasSubstr("were acknowledged"));
  EXPECT_TRUE(report.NeedsRestore());
}

}  // namespace
}  // namespace kith::shard
