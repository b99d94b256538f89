// What each damage of a WAL does under each recovery mode: the reason for the mode that the log
// uses and for the hint beside it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

#include "common/base/clock.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/log_hint.h"
#include "shard/storage/log_store.h"
#include "tests/assumptions/rocksdb_process.h"
#include "tests/support/temporary_directory.h"

namespace kith::storage {
namespace {

namespace fs = std::filesystem;
using rocksdb::WALRecoveryMode;
using Damage = std::function<void(const fs::path&)>;

constexpr int kRefused = -1;

void FlipABitInTheMiddle(const fs::path& wal) {
  std::fstream file(wal, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(fs::file_size(wal) / 2);
  file.seekg(middle);
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(middle);
  file.put(byte);
}
void CutTheEnd(const fs::path& wal) { fs::resize_file(wal, fs::file_size(wal) - 200); }
void CutToHalf(const fs::path& wal) { fs::resize_file(wal, fs::file_size(wal) / 2); }
void Delete(const fs::path& wal) { fs::remove(wal); }
void AppendZeros(const fs::path& wal) { fs::resize_file(wal, fs::file_size(wal) + 5000); }
Damage AppendGarbage(uint32_t seed) {
  return [seed](const fs::path& wal) {
    std::ofstream file(wal, std::ios::app | std::ios::binary);
    std::mt19937 random(seed);
    for (int i = 0; i < 5000; ++i) file.put(static_cast<char>(random()));
  };
}

class WalDamageTest : public testing::Test {
 protected:
  fs::path LargestWal() const {
    fs::path largest;
    for (const auto& entry : fs::directory_iterator(directory_ / "log")) {
      if (entry.path().extension() != ".log") continue;
      if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
    }
    return largest;
  }
  void MakeLog(const Damage& damage) {
    fs::remove_all(directory_ / "log");
    ASSERT_TRUE(test::RunAndKill(test::Scenario::kLog, directory_.path()));
    damage(LargestWal());
  }
  // Entries found after `damage`, kRefused where the database does not open.
  int EntriesUnder(WALRecoveryMode mode, const Damage& damage) {
    MakeLog(damage);
    rocksdb::Options options;
    options.wal_recovery_mode = mode;
    options.track_and_verify_wals_in_manifest = true;
    rocksdb::DB* db = nullptr;
    if (!rocksdb::DB::Open(options, directory_ / "log", &db).ok()) return kRefused;
    const std::unique_ptr<rocksdb::DB> closer(db);
    const std::unique_ptr<rocksdb::Iterator> entry(db->NewIterator({}));
    int count = 0;
    for (entry->SeekToFirst(); entry->Valid(); entry->Next()) ++count;
    return count;
  }
  absl::StatusOr<std::unique_ptr<LogStore>> OpenStore() {
    LogOptions options;
    options.directory = directory_ / "log";
    options.files = files_.get();
    return LogStore::Open(options);
  }

  const test::TemporaryDirectory directory_;
  const std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
};

constexpr WALRecoveryMode kPointInTime = WALRecoveryMode::kPointInTimeRecovery;
constexpr WALRecoveryMode kTolerate = WALRecoveryMode::kTolerateCorruptedTailRecords;
constexpr WALRecoveryMode kAbsolute = WALRecoveryMode::kAbsoluteConsistency;

TEST_F(WalDamageTest, AnUndamagedLogIsWholeUnderEveryMode) {
  const Damage none = [](const fs::path&) {};
  EXPECT_EQ(EntriesUnder(kPointInTime, none), test::kEntries);
  EXPECT_EQ(EntriesUnder(kTolerate, none), test::kEntries);
  EXPECT_EQ(EntriesUnder(kAbsolute, none), test::kEntries);
}

TEST_F(WalDamageTest, AFlippedBitIsRefusedExceptUnderTheDefault) {
  EXPECT_THAT(EntriesUnder(kPointInTime, FlipABitInTheMiddle),
              testing::AllOf(testing::Ge(45), testing::Le(55)));
  EXPECT_EQ(EntriesUnder(kTolerate, FlipABitInTheMiddle), kRefused);
  EXPECT_EQ(EntriesUnder(kAbsolute, FlipABitInTheMiddle), kRefused);
}

TEST_F(WalDamageTest, ATornTailIsRefusedOnlyUnderTheStrictestMode) {
  EXPECT_EQ(EntriesUnder(kPointInTime, CutTheEnd), test::kEntries - 1);
  EXPECT_EQ(EntriesUnder(kTolerate, CutTheEnd), test::kEntries - 1);
  EXPECT_EQ(EntriesUnder(kAbsolute, CutTheEnd), kRefused);
}

TEST_F(WalDamageTest, ALogCutToHalfOpensWithoutAComplaint) {
  EXPECT_THAT(EntriesUnder(kPointInTime, CutToHalf),
              testing::AllOf(testing::Ge(45), testing::Le(55)));
  EXPECT_THAT(EntriesUnder(kTolerate, CutToHalf), testing::AllOf(testing::Ge(45), testing::Le(55)));
}

TEST_F(WalDamageTest, ADeletedLogOpensEmptyUnderEveryMode) {
  EXPECT_EQ(EntriesUnder(kPointInTime, Delete), 0);
  EXPECT_EQ(EntriesUnder(kTolerate, Delete), 0);
  EXPECT_EQ(EntriesUnder(kAbsolute, Delete), 0);
}

TEST_F(WalDamageTest, ZerosBehindTheEndAreTolerated) {
  EXPECT_EQ(EntriesUnder(kTolerate, AppendZeros), test::kEntries);
}

// No journalling file system leaves such a tail. Were there one, the log opens whole or not at all.
TEST_F(WalDamageTest, GarbageBehindTheEndLosesNothing) {
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    EXPECT_THAT(EntriesUnder(kTolerate, AppendGarbage(seed)),
                testing::AnyOf(kRefused, test::kEntries));
  }
}

TEST_F(WalDamageTest, OurLogRefusesAFlippedBitAsDataLoss) {
  MakeLog(FlipABitInTheMiddle);
  const absl::Status status = OpenStore().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(status), reason::kCorruption);
}

TEST_F(WalDamageTest, TheHintCatchesACutAndADeletedLog) {
  const SystemClock clock;
  for (const Damage& damage : {Damage(CutToHalf), Damage(Delete)}) {
    MakeLog(damage);
    const auto store = OpenStore();
    ASSERT_TRUE(store.ok()) << store.status();
    const auto hint = LogHint::Open(directory_ / "HINT", *files_, clock);
    EXPECT_EQ(hint->Expected(1), static_cast<uint64_t>(test::kEntries));
    EXPECT_LT(*(*store)->LastLsn(1), hint->Expected(1));
  }
}

// The recovered WAL is kept (nothing is flushed at open), so its torn tail lies before a newer WAL.
TEST_F(WalDamageTest, EntriesWrittenAfterATornTailAreFoundAfterTheNextCrash) {
  MakeLog(CutTheEnd);
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(test::RunAndKill(test::Scenario::kLogContinued, directory_.path()));
  }
  const auto store = OpenStore();
  ASSERT_TRUE(store.ok()) << store.status();
  uint64_t entries = 0;
  ASSERT_TRUE(
      (*store)->Read(1, 1, [&](const LogRecord&) { return ++entries, absl::OkStatus(); }).ok());
  EXPECT_EQ(entries, static_cast<uint64_t>(test::kEntries - 1 + 3));
}

}  // namespace
}  // namespace kith::storage
