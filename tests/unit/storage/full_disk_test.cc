// What a full disk does to each store: a clear error, and everything acknowledged is there after it
// has space again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/log_store.h"
#include "shard/storage/rocks_store_memory.h"
#include "shard/storage/row_file.h"
#include "shard/storage/segment_file.h"
#include "shard/storage/state_store.h"
#include "tests/support/full_disk_file_system.h"
#include "tests/support/temporary_directory.h"

namespace kith::storage {
namespace {

using test::FullDisk;

constexpr auto kMoment = std::chrono::milliseconds(5);

class FullDiskTest : public testing::Test {
 protected:
  const test::TemporaryDirectory directory_;
};

TEST_F(FullDiskTest, TheLogSaysSoAndKeepsWhatItAcknowledged) {
  LogOptions options;
  options.directory = directory_ / "log";
  FullDisk disk(1 << 20);
  options.files = &disk.files();
  uint64_t acknowledged = 0;
  {
    const auto store = std::move(LogStore::Open(options)).value();
    const std::string body(50'000, 'x');
    absl::Status status;
    while (status.ok()) {
      const LogRecord record{1, acknowledged + 1, 1, body};
      status = store->Append({&record, 1});
      if (status.ok()) ++acknowledged;
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(ReasonOf(status), reason::kDiskFull);
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr(options.directory));
    disk.AddBytes(1 << 20);
    const LogRecord record{1, acknowledged + 1, 1, body};
    EXPECT_FALSE(store->Append({&record, 1}).ok()) << "nothing is repeated behind the shard's back";
  }
  EXPECT_GT(acknowledged, 5u);
  disk.AddBytes(8 << 20);
  const auto store = std::move(LogStore::Open(options)).value();
  EXPECT_GE(*store->LastLsn(1), acknowledged);
}

TEST_F(FullDiskTest, AStateThatCannotFlushSaysSoAndKeepsItsLastFlush) {
  StateOptions options;
  options.directory = directory_ / "state";
  FullDisk disk(2 << 20);
  options.files = &disk.files();
  options.memory = NewStoreMemory({});
  uint64_t flushed = 0;
  {
    const auto store = std::move(StateStore::Open(options)).value();
    absl::Status last;
    std::thread writer([&] {
      for (uint64_t lsn = 1; last.ok(); ++lsn) {
        const auto batch = store->NewBatch();
        const auto row = static_cast<uint32_t>(lsn);
        batch->PutRow({row, PointKey::FromNumber(lsn), 1, std::string(100'000, 'v'), ""});
        batch->PutApplied({lsn, 1, row + 1, lsn});
        last = store->Write(*batch);
        if (last.ok()) last = store->Flush();
        if (last.ok()) flushed = lsn;
      }
    });
    // A flush that began before the writer's waits would wait with it.
    while (*options.memory->waiting_for_room == 0) std::this_thread::sleep_for(kMoment);
    EXPECT_EQ(ReasonOf(store->Flush()), reason::kDiskFull) << "while the writer's waits";
    store->EndWaiting();
    writer.join();
    EXPECT_EQ(ReasonOf(last), reason::kDiskFull);
  }
  EXPECT_GT(flushed, 5u);
  disk.AddBytes(8 << 20);
  const auto store = std::move(StateStore::Open(options)).value();
  EXPECT_EQ(store->applied().applied_lsn, flushed);
}

TEST_F(FullDiskTest, AStateIsNotOpenedWhereThereIsNoRoom) {
  StateOptions options;
  options.directory = directory_ / "state";
  FullDisk disk(100);
  options.files = &disk.files();
  EXPECT_EQ(ReasonOf(StateStore::Open(options).status()), reason::kDiskFull);
}

TEST_F(FullDiskTest, ARowFileShowsItWhenRowsAreReserved) {
  RowFileOptions options;
  options.directory = directory_ / "rows";
  FullDisk disk(1 << 20);
  options.files = &disk.files();
  options.vector_bytes = 4000;
  options.extent_bits = 6;
  const auto file = std::move(RowFile::Open(options)).value();
  ASSERT_TRUE(file->Reserve(0, 64).ok());
  const absl::Status status = file->Reserve(0, 64 * 10);
  EXPECT_EQ(ReasonOf(status), reason::kDiskFull);
  disk.AddBytes(8 << 20);
  EXPECT_TRUE(file->Reserve(0, 64 * 10).ok()) << "and goes on when there is room";
}

TEST_F(FullDiskTest, FilesThatCouldNotBeWrittenLeaveNothingBesideTheirName) {
  FullDisk disk(1000);
  const std::string dead = directory_ / "1.dead";
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < 80'000; row += 2) rows.push_back(row);
  const auto tombstones = index::Tombstones().With(rows);
  EXPECT_EQ(ReasonOf(WriteTombstoneFile(disk.files(), dead, tombstones)), reason::kDiskFull);
  EXPECT_EQ(ReasonOf(disk.files().ReplaceFile(directory_ / "SPEC", std::string(2000, 's'))),
            reason::kDiskFull);
  EXPECT_THAT(*disk.files().List(directory_.path()), testing::IsEmpty());
  disk.AddBytes(1 << 20);
  EXPECT_TRUE(WriteTombstoneFile(disk.files(), dead, tombstones).ok());
  EXPECT_THAT(*disk.files().List(directory_.path()), testing::ElementsAre("1.dead"));
}

// One row of 10,000 bytes a write.
class FullDiskStateTest : public FullDiskTest {
 protected:
  StateOptions Options(const std::string& name) {
    StateOptions options;
    options.directory = directory_ / name;
    options.write_buffer_bytes = 64 << 10;
    options.files = &disk_.files();
    options.memory = memory_;
    return options;
  }
  static absl::Status Put(StateStore& store, uint64_t& written) {
    const auto batch = store.NewBatch();
    const auto row = static_cast<uint32_t>(written + 1);
    batch->PutRow({row, PointKey::FromNumber(row), 1, std::string(10'000, 'v'), ""});
    batch->PutApplied({written + 1, 1, row + 1, row});
    const absl::Status status = store.Write(*batch);
    if (status.ok()) ++written;
    return status;
  }
  static void PutUntilFull(StateStore& store, uint64_t& written) {
    absl::Status status;
    while (status.ok()) status = Put(store, written);
    EXPECT_EQ(ReasonOf(status), reason::kDiskFull);
  }
  static bool PutWithin10s(StateStore& store, uint64_t& written) {
    for (int i = 0; i < 2000; ++i) {
      if (Put(store, written).ok()) return true;
      std::this_thread::sleep_for(kMoment);
    }
    return false;
  }
  void ExpectRows(const std::string& name, uint64_t expected) {
    const auto store = std::move(StateStore::Open(Options(name))).value();
    EXPECT_EQ(store->applied().applied_lsn, expected);
    uint64_t rows = 0;
    const auto count = [&](const RowRecord&) {
      ++rows;
      return absl::OkStatus();
    };
    ASSERT_TRUE(store->ForEachRow(0, count).ok());
    EXPECT_EQ(rows, expected);
  }

  FullDisk disk_{2 << 20};
  const std::shared_ptr<StoreMemory> memory_ = NewStoreMemory({});
};

TEST_F(FullDiskStateTest, TakesWritesAgainOnceThereIsRoomHoweverOftenItWasFull) {
  uint64_t written = 0;
  {
    const auto store = std::move(StateStore::Open(Options("state"))).value();
    for (int time = 0; time < 3; ++time) {
      PutUntilFull(*store, written);
      EXPECT_EQ(ReasonOf(Put(*store, written)), reason::kDiskFull);
      EXPECT_EQ(ReasonOf(store->Flush()), reason::kDiskFull);
      disk_.AddBytes(2 << 20);
      ASSERT_TRUE(PutWithin10s(*store, written));
    }
    disk_.AddBytes(64 << 20);
    ASSERT_TRUE(PutWithin10s(*store, written));
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(Put(*store, written).ok());
    ASSERT_TRUE(store->Flush().ok());
    EXPECT_EQ(*store->FlushedLsn(), written);
  }
  ExpectRows("state", written);
}

TEST_F(FullDiskStateTest, AnotherStateOfTheNodeIsToldToo) {
  uint64_t written = 0;
  uint64_t beside = 0;
  {
    const auto other = std::move(StateStore::Open(Options("other"))).value();
    const auto store = std::move(StateStore::Open(Options("state"))).value();
    PutUntilFull(*store, written);
    EXPECT_EQ(ReasonOf(Put(*other, beside)), reason::kDiskFull) << "its flushes would wait behind";
    disk_.AddBytes(64 << 20);
    EXPECT_TRUE(PutWithin10s(*other, beside));
    ASSERT_TRUE(PutWithin10s(*store, written));
    ASSERT_TRUE(store->Flush().ok());
    ASSERT_TRUE(other->Flush().ok());
  }
  ExpectRows("state", written);
  ExpectRows("other", beside);
}

}  // namespace
}  // namespace kith::storage
