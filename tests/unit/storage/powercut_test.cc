// The simulator is trusted by the crash tests, so it is tested first: what was synced is kept, what
// was not is lost in some seeds, and no seed keeps what cannot be kept.
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <span>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "shard/storage/log_store.h"
#include "shard/storage/row_file.h"
#include "shard/storage/state_store.h"
#include "tests/support/file_bytes.h"
#include "tests/support/powercut_file_system.h"
#include "tests/support/temporary_directory.h"

namespace kith::storage {
namespace {

using test::PowerCut;
using test::PowerCutOptions;
using test::ReadBytes;

constexpr uint64_t kSeeds = 40;
constexpr uint64_t kStoreSeeds = 10;  // a database each: seconds

// Runs `body` on a fresh directory under a disk with this seed, then cuts the power.
class PowerCutTest : public testing::Test {
 protected:
  std::string Cut(uint64_t seed, const std::function<void(PowerCut&, const std::string&)>& body) {
    const std::string root = parent_ / ("root" + std::to_string(next_root_++));
    std::filesystem::create_directories(root);
    PowerCutOptions options;
    options.root = root;
    options.seed = seed;
    PowerCut disk(options);
    body(disk, root);
    disk.Cut();
    return root;
  }
  static void WriteFile(FileSystem& files, const std::string& path, std::string_view synced,
                        std::string_view unsynced) {
    const auto file = std::move(files.Create(path)).value();
    ASSERT_TRUE(file->Append(synced).ok());
    ASSERT_TRUE(file->Sync().ok());
    ASSERT_TRUE(file->Append(unsynced).ok());
  }

  const test::TemporaryDirectory parent_;
  const std::unique_ptr<FileSystem> real_ = NewPosixFileSystem();
  int next_root_ = 0;
};

TEST_F(PowerCutTest, SyncedBytesStayAndUnsyncedOnesAreCutSomewhere) {
  int shortest = 100;
  int longest = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const std::string root = Cut(seed, [](PowerCut& disk, const std::string& path) {
      WriteFile(disk.files(), path + "/file", "synced", "-unsynced");
      ASSERT_TRUE(disk.files().SyncDirectory(path).ok());
    });
    const std::string bytes = ReadBytes(root + "/file");
    ASSERT_TRUE(std::string("synced-unsynced").starts_with(bytes));
    ASSERT_GE(bytes.size(), 6u);
    shortest = std::min(shortest, static_cast<int>(bytes.size()));
    longest = std::max(longest, static_cast<int>(bytes.size()));
  }
  EXPECT_EQ(shortest, 6);
  EXPECT_EQ(longest, 15);
}

TEST_F(PowerCutTest, AFileWhoseDirectoryWasNotSyncedMayBeGone) {
  int gone = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const std::string root = Cut(seed, [](PowerCut& disk, const std::string& path) {
      WriteFile(disk.files(), path + "/file", "synced", "");
    });
    gone += std::filesystem::exists(root + "/file") ? 0 : 1;
  }
  EXPECT_GT(gone, 0);
  EXPECT_LT(gone, static_cast<int>(kSeeds));
}

TEST_F(PowerCutTest, ARenameThatWasNotSyncedMayBringTheOldFileBack) {
  int old_ones = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const std::string root = Cut(seed, [](PowerCut& disk, const std::string& path) {
      ASSERT_TRUE(disk.files().ReplaceFile(path + "/file", "old").ok());
      WriteFile(disk.files(), path + "/file.new", "new", "");
      ASSERT_TRUE(disk.files().Rename(path + "/file.new", path + "/file").ok());
    });
    const std::string bytes = ReadBytes(root + "/file");
    ASSERT_TRUE(bytes == "old" || bytes == "new") << bytes;
    old_ones += bytes == "old" ? 1 : 0;
  }
  EXPECT_GT(old_ones, 0);
  EXPECT_LT(old_ones, static_cast<int>(kSeeds));
}

TEST_F(PowerCutTest, ReplaceFileIsDurable) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const std::string root = Cut(seed, [](PowerCut& disk, const std::string& path) {
      ASSERT_TRUE(disk.files().ReplaceFile(path + "/file", "old").ok());
      ASSERT_TRUE(disk.files().ReplaceFile(path + "/file", "new").ok());
    });
    ASSERT_EQ(ReadBytes(root + "/file"), "new");
  }
}

TEST_F(PowerCutTest, ARemovedFileMayComeBackUntilItsDirectoryIsSynced) {
  int back = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const std::string root = Cut(seed, [](PowerCut& disk, const std::string& path) {
      ASSERT_TRUE(disk.files().ReplaceFile(path + "/a", "a").ok());
      ASSERT_TRUE(disk.files().ReplaceFile(path + "/b", "b").ok());
      ASSERT_TRUE(disk.files().Remove(path + "/a").ok());
      ASSERT_TRUE(disk.files().SyncDirectory(path).ok());
      ASSERT_TRUE(disk.files().Remove(path + "/b").ok());
    });
    ASSERT_FALSE(std::filesystem::exists(root + "/a"));
    back += ReadBytes(root + "/b") == "b" ? 1 : 0;
  }
  EXPECT_GT(back, 0);
  EXPECT_LT(back, static_cast<int>(kSeeds));
}

TEST_F(PowerCutTest, AnUnsyncedDirectoryTakesSyncedFilesWithIt) {
  int gone = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const std::string root = Cut(seed, [](PowerCut& disk, const std::string& path) {
      ASSERT_TRUE(disk.files().CreateDirectories(path + "/inner").ok());
      ASSERT_TRUE(disk.files().ReplaceFile(path + "/inner/file", "x").ok());
      ASSERT_TRUE(disk.files().EnsureDirectory(path + "/kept").ok());
      ASSERT_TRUE(disk.files().CreateDirectories(path + "/late").ok());
      ASSERT_TRUE(disk.files().ReplaceFile(path + "/late/file", "x").ok());
    });
    ASSERT_TRUE(std::filesystem::exists(root + "/kept")) << "ensured directories stay";
    ASSERT_EQ(ReadBytes(root + "/inner/file"), "x") << "a later sync of its parent covered it";
    gone += std::filesystem::exists(root + "/late") ? 0 : 1;
  }
  EXPECT_GT(gone, 0);
  EXPECT_LT(gone, static_cast<int>(kSeeds));
}

TEST_F(PowerCutTest, AfterTheCutNothingIsWrittenAnyMore) {
  const std::string root = Cut(1, [](PowerCut& disk, const std::string& path) {
    disk.Cut();
    EXPECT_TRUE(disk.is_cut());
    EXPECT_FALSE(disk.files().Create(path + "/file").ok());
    EXPECT_FALSE(disk.files().CreateDirectories(path + "/directory").ok());
  });
  EXPECT_TRUE(std::filesystem::is_empty(root));
}

TEST_F(PowerCutTest, PagesOfAMapThatWereNotSyncedAreDamaged) {
  constexpr size_t kBytes = 64 << 12;
  int damaged = 0;
  const std::string root = Cut(3, [&](PowerCut& disk, const std::string& path) {
    const auto map = std::move(disk.files().MapShared(path + "/map", kBytes)).value();
    std::fill_n(map->data(), kBytes / 2, std::byte{1});
    ASSERT_TRUE(map->Sync().ok());
    ASSERT_TRUE(disk.files().SyncDirectory(path).ok());
    std::fill_n(map->data() + kBytes / 2, kBytes / 2, std::byte{2});
  });
  const std::string bytes = ReadBytes(root + "/map");
  EXPECT_EQ(bytes.substr(0, kBytes / 2), std::string(kBytes / 2, '\1')) << "synced and unchanged";
  for (size_t page = kBytes / 2; page < kBytes; page += 4096) {
    damaged += bytes.substr(page, 4096) == std::string(4096, '\2') ? 0 : 1;
  }
  EXPECT_GT(damaged, 5);
  EXPECT_LT(damaged, 32);
}

TEST_F(PowerCutTest, ASyncedPutOfRocksDbStaysAndAnUnsyncedOneIsLostSomewhere) {
  int lost = 0;
  for (uint64_t seed = 1; seed <= kSeeds / 2; ++seed) {
    const std::string root = Cut(seed, [](PowerCut& disk, const std::string& path) {
      rocksdb::Options options;
      options.create_if_missing = true;
      options.env = disk.files().rocksdb_env();
      rocksdb::DB* db = nullptr;
      ASSERT_TRUE(rocksdb::DB::Open(options, path + "/db", &db).ok());
      ASSERT_TRUE(disk.files().SyncDirectory(path).ok());
      rocksdb::WriteOptions sync;
      sync.sync = true;
      ASSERT_TRUE(db->Put(sync, "synced", "1").ok());
      ASSERT_TRUE(db->Put({}, "unsynced", "1").ok());
      disk.Cut();
      delete db;
    });
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, root + "/db", &db).ok());
    const std::unique_ptr<rocksdb::DB> closer(db);
    std::string value;
    ASSERT_TRUE(db->Get({}, "synced", &value).ok()) << "seed " << seed;
    lost += db->Get({}, "unsynced", &value).ok() ? 0 : 1;
  }
  EXPECT_GT(lost, 0);
}

// Appends until the power goes; answers the last acknowledged lsn and the last one found again.
struct LogOutcome {
  uint64_t acknowledged = 0;
  uint64_t found = 0;
  absl::Status status;
};
LogOutcome RunLog(const std::string& root, uint64_t seed, Faults faults) {
  LogOutcome outcome;
  LogOptions options;
  options.directory = root + "/log";
  options.faults = faults;
  options.write_buffer_bytes = 64 << 10;  // flushes and new WALs on the way
  {
    PowerCutOptions cut;
    cut.root = root;
    cut.seed = seed;
    cut.cut_after_operations = 40 + seed * 13;
    PowerCut disk(cut);
    options.files = &disk.files();
    auto store = LogStore::Open(options);
    const std::string body(3000, 'x');
    while (store.ok()) {
      const LogRecord record{1, outcome.acknowledged + 1, 1, body};
      if (!(*store)->Append({&record, 1}).ok()) break;
      ++outcome.acknowledged;
    }
    disk.Cut();
  }
  const auto real = NewPosixFileSystem();
  options.files = real.get();
  const auto store = LogStore::Open(options);
  outcome.status = store.status();
  if (!store.ok()) return outcome;
  outcome.status = (*store)->Read(1, 1, [&](const LogRecord& record) {
    outcome.found = record.lsn;
    return absl::OkStatus();
  });
  return outcome;
}

TEST_F(PowerCutTest, NoAcknowledgedLogEntryIsLost) {
  uint64_t acknowledged = 0;
  for (uint64_t seed = 1; seed <= kStoreSeeds; ++seed) {
    const std::string root = parent_ / ("log" + std::to_string(seed));
    std::filesystem::create_directories(root);
    const LogOutcome outcome = RunLog(root, seed, {});
    ASSERT_TRUE(outcome.status.ok()) << "seed " << seed << ": " << outcome.status;
    ASSERT_GE(outcome.found, outcome.acknowledged) << "seed " << seed;
    acknowledged += outcome.acknowledged;
  }
  EXPECT_GT(acknowledged, 100u);
}

TEST_F(PowerCutTest, AcknowledgingBeforeTheSyncIsCaught) {
  Faults faults;
  faults.acknowledge_before_sync = true;
  uint64_t caught = 0;
  for (uint64_t seed = 1; seed <= kStoreSeeds; ++seed) {
    const std::string root = parent_ / ("log" + std::to_string(seed));
    std::filesystem::create_directories(root);
    const LogOutcome outcome = RunLog(root, seed, faults);
    caught += !outcome.status.ok() || outcome.found < outcome.acknowledged ? 1 : 0;
  }
  EXPECT_GT(caught, kStoreSeeds / 4);
}

// The families move together: what is found after a cut is the state after some whole batch, and
// not an older one than the last flush.
TEST_F(PowerCutTest, TheStateComesBackAsOfOneBatchNotBeforeTheLastFlush) {
  for (uint64_t seed = 1; seed <= kStoreSeeds; ++seed) {
    uint64_t flushed = 0;
    const std::string root = parent_ / ("state" + std::to_string(seed));
    std::filesystem::create_directories(root);
    StateOptions options;
    options.directory = root + "/state";
    options.write_buffer_bytes = 64 << 10;
    {
      PowerCutOptions cut;
      cut.root = root;
      cut.seed = seed;
      cut.cut_after_operations = 120 + seed * 17;
      PowerCut disk(cut);
      options.files = &disk.files();
      auto store = StateStore::Open(options);
      for (uint64_t lsn = 1; store.ok() && !disk.is_cut(); ++lsn) {
        const auto batch = (*store)->NewBatch();
        const PointKey key = PointKey::FromNumber(lsn);
        batch->PutRow({static_cast<uint32_t>(lsn), key, 1, std::string(1000, 'v'), ""});
        batch->PutId(SlotOf(key), key, {static_cast<uint32_t>(lsn), 1});
        batch->PutDigest(0, {lsn, lsn});
        batch->PutApplied({lsn, 1, static_cast<uint32_t>(lsn + 1), lsn});
        if (!(*store)->Write(*batch).ok()) break;
        if (lsn % 50 == 0 && (*store)->Flush().ok()) flushed = lsn;
      }
      disk.Cut();
    }
    const auto real = NewPosixFileSystem();
    options.files = real.get();
    const auto store = StateStore::Open(options);
    ASSERT_TRUE(store.ok()) << "seed " << seed << ": " << store.status();
    const uint64_t applied = (*store)->applied().applied_lsn;
    ASSERT_GE(applied, flushed) << "seed " << seed;
    uint64_t rows = 0;
    uint64_t ids = 0;
    ASSERT_TRUE(
        (*store)->ForEachRow(0, [&](const RowRecord&) { return ++rows, absl::OkStatus(); }).ok());
    ASSERT_TRUE(
        (*store)
            ->ForEachId([&](const PointKey&, const IdEntry&) { return ++ids, absl::OkStatus(); })
            .ok());
    ASSERT_EQ(rows, applied) << "seed " << seed;
    ASSERT_EQ(ids, applied) << "seed " << seed;
    ASSERT_EQ((*(*store)->ReadDigests())[0].low, applied) << "seed " << seed;
  }
}

TEST_F(PowerCutTest, ADamagedRowIsNeverValid) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RowFileOptions options;
    options.vector_bytes = 400;
    options.extent_bits = 6;
    const std::string root = Cut(seed, [&](PowerCut& disk, const std::string& path) {
      options.directory = path + "/rows";
      options.files = &disk.files();
      const auto file = std::move(RowFile::Open(options)).value();
      ASSERT_TRUE(file->Reserve(0, 200).ok());
      for (uint32_t row = 0; row < 200; ++row) {
        file->Write({row, PointKey::FromNumber(row), 0, 1, row, 1,
                     std::string(400, static_cast<char>(row))});
        if (row == 100) {
          ASSERT_TRUE(file->Sync().ok());
        }
      }
    });
    options.directory = root + "/rows";
    options.files = real_.get();
    const auto file = std::move(RowFile::Open(options)).value();
    const RowFile::View view = file->view();
    const uint64_t rows = file->bytes() / view.stride;
    for (uint32_t row = 0; row < rows; ++row) {
      if (!file->IsValid(row)) continue;
      const auto* vector = reinterpret_cast<const char*>(view.Table(row + 1).Vector(row));
      ASSERT_EQ(std::string(vector, 400), std::string(400, static_cast<char>(row)));
    }
  }
}

TEST_F(PowerCutTest, AProcessDiesAtTheCut) {
  const std::string root = parent_ / "child";
  std::filesystem::create_directories(root);
  const pid_t child = fork();  // RocksDB was not opened in this process yet by this test's disk
  if (child == 0) {
    PowerCutOptions options;
    options.root = root;
    options.cut_after_operations = 8;
    options.at_cut = PowerCutOptions::AtCut::kExit;
    PowerCut disk(options);
    for (int i = 0; i < 10; ++i) {
      if (!disk.files().ReplaceFile(root + "/file", std::to_string(i)).ok()) break;
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 137);
  EXPECT_EQ(ReadBytes(root + "/file"), "0");
}

// Writes come faster than memtables are written down: the flush has to wait for all of them.
TEST_F(PowerCutTest, AFlushBehindABacklogIsDurableWhenItReturns) {
  for (uint64_t seed = 1; seed <= kStoreSeeds; ++seed) {
    constexpr uint64_t kWrites = 300;
    StateOptions options;
    options.write_buffer_bytes = 64 << 10;
    options.directory =
        Cut(seed,
            [&](PowerCut& disk, const std::string& path) {
              options.directory = path + "/state";
              options.files = &disk.files();
              const auto store = std::move(StateStore::Open(options)).value();
              for (uint32_t i = 1; i <= kWrites; ++i) {
                const auto batch = store->NewBatch();
                batch->PutRow({i, PointKey::FromNumber(i), 1, std::string(10'000, 'v'), ""});
                batch->PutApplied({i, 1, i + 1, i});
                ASSERT_TRUE(store->Write(*batch).ok());
              }
              ASSERT_TRUE(store->Flush().ok());
              disk.Cut();
            }) +
        "/state";
    options.files = real_.get();
    const auto store = StateStore::Open(options);
    ASSERT_TRUE(store.ok()) << "seed " << seed << ": " << store.status();
    EXPECT_EQ((*store)->applied().applied_lsn, kWrites) << "seed " << seed;
  }
}

// Closing a log without a sync leaves what a kill leaves: bytes that only the page cache has.
// Writes two such entries, opens the log again with `faults` and writes a third.
void WriteAfterAKill(PowerCut& disk, const std::string& path, Faults faults) {
  LogOptions options;
  options.directory = path + "/log";
  options.files = &disk.files();
  const LogRecord records[] = {{1, 1, 1, "one"}, {1, 2, 1, "two"}, {1, 3, 1, "three"}};
  options.faults.acknowledge_before_sync = true;
  ASSERT_TRUE((*LogStore::Open(options))->Append(std::span(records).first(2)).ok());
  options.faults = faults;
  const auto store = std::move(LogStore::Open(options)).value();
  ASSERT_EQ(*store->LastLsn(1), 2u);
  ASSERT_TRUE(store->Append(std::span(records).last(1)).ok());
}

TEST_F(PowerCutTest, WhatAKilledProcessLeftUnsyncedIsDurableBeforeTheLogIsWrittenOn) {
  for (const bool trusting : {false, true}) {
    Faults faults;
    faults.trust_page_cache = trusting;
    int holes = 0;
    for (uint64_t seed = 1; seed <= kStoreSeeds; ++seed) {
      LogOptions options;
      options.directory =
          Cut(seed, [&](PowerCut& disk,
                        const std::string& path) { WriteAfterAKill(disk, path, faults); }) +
          "/log";
      options.files = real_.get();
      const auto store = LogStore::Open(options);
      ASSERT_TRUE(store.ok()) << "seed " << seed << ": " << store.status();
      const auto ignore = [](const LogRecord&) { return absl::OkStatus(); };
      const bool whole = (*store)->Read(1, 1, ignore).ok() && *(*store)->LastLsn(1) == 3;
      holes += whole ? 0 : 1;
    }
    EXPECT_EQ(holes > 0, trusting) << holes << " holes";
  }
}

// A file that one process wrote is still unsynced in the next one.
TEST_F(PowerCutTest, TheJournalTellsTheNextProcessWhatIsNotSynced) {
  int shortest = 100;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const std::string root = parent_ / ("journalled" + std::to_string(seed));
    std::filesystem::create_directories(root);
    PowerCutOptions options;
    options.root = root;
    options.seed = seed;
    options.journal = root + ".journal";
    {
      PowerCut disk(options);
      WriteFile(disk.files(), root + "/new", "synced", "-unsynced");
      ASSERT_TRUE(disk.files().Rename(root + "/new", root + "/file").ok());
      ASSERT_TRUE(disk.files().SyncDirectory(root).ok());
    }
    PowerCut disk(options);
    disk.Cut();
    const std::string bytes = ReadBytes(root + "/file");
    ASSERT_TRUE(std::string("synced-unsynced").starts_with(bytes));
    ASSERT_GE(bytes.size(), 6u);
    shortest = std::min(shortest, static_cast<int>(bytes.size()));
  }
  EXPECT_EQ(shortest, 6);
}

}  // namespace
}  // namespace kith::storage
