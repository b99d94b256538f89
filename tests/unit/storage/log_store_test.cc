#include "shard/storage/log_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/state_keys.h"
#include "tests/support/temporary_directory.h"

namespace kith::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LogStoreTest : public testing::Test {
 protected:
  std::unique_ptr<LogStore> Open(uint64_t write_buffer_bytes = 1 << 20) {
    LogOptions options;
    options.directory = directory_ / "log";
    options.files = files_.get();
    options.write_buffer_bytes = write_buffer_bytes;
    return std::move(LogStore::Open(options)).value();
  }
  static void Append(LogStore& store, uint64_t shard, uint64_t lsn, std::string_view body) {
    const LogRecord record{shard, lsn, 1, body};
    ASSERT_TRUE(store.Append({&record, 1}).ok());
  }
  static std::vector<uint64_t> Lsns(LogStore& store, uint64_t shard, uint64_t from) {
    std::vector<uint64_t> lsns;
    EXPECT_TRUE(store
                    .Read(shard, from,
                          [&](const LogRecord& record) {
                            EXPECT_EQ(record.shard, shard);
                            lsns.push_back(record.lsn);
                            return absl::OkStatus();
                          })
                    .ok());
    return lsns;
  }
  static absl::Status ReadAll(LogStore& store, uint64_t shard, uint64_t from) {
    return store.Read(shard, from, [](const LogRecord&) { return absl::OkStatus(); });
  }
  // Changes the database behind the store's back.
  void Tamper(const std::function<void(rocksdb::DB&)>& change) {
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, directory_ / "log", &db).ok());
    change(*db);
    delete db;
  }

  const test::TemporaryDirectory directory_;
  const std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
};

TEST_F(LogStoreTest, EntriesOfTwoShardsAreKeptApartAndInOrder) {
  {
    const auto store = Open();
    const LogRecord records[] = {{1, 1, 4, "one"}, {2, 1, 5, "other"}, {1, 2, 4, "two"}};
    ASSERT_TRUE(store->Append(records).ok());
  }
  const auto store = Open();
  std::vector<std::string> bodies;
  ASSERT_TRUE(store
                  ->Read(1, 0,
                         [&](const LogRecord& record) {
                           EXPECT_EQ(record.epoch, 4u);
                           bodies.emplace_back(record.body);
                           return absl::OkStatus();
                         })
                  .ok());
  EXPECT_THAT(bodies, ElementsAre("one", "two"));
  EXPECT_EQ(*store->LastLsn(1), 2u);
  EXPECT_EQ(*store->LastLsn(2), 1u);
  EXPECT_EQ(*store->LastLsn(3), 0u);
}

TEST_F(LogStoreTest, ReadingBeginsWhereItIsToldAndEndsWhenTheVisitorSaysSo) {
  const auto store = Open();
  for (uint64_t lsn = 1; lsn <= 5; ++lsn) Append(*store, 1, lsn, "x");
  EXPECT_THAT(Lsns(*store, 1, 3), ElementsAre(3, 4, 5));
  int visits = 0;
  const absl::Status status = store->Read(1, 1, [&](const LogRecord&) {
    return ++visits == 2 ? absl::CancelledError("enough") : absl::OkStatus();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(visits, 2);
}

TEST_F(LogStoreTest, AMissingEntryIsDataLossAndNamed) {
  {
    const auto store = Open();
    for (uint64_t lsn = 1; lsn <= 5; ++lsn) Append(*store, 1, lsn, "x");
  }
  Tamper([](rocksdb::DB& db) { ASSERT_TRUE(db.Delete({}, LogKey{1, 3}.Encode()).ok()); });
  const auto store = Open();
  const absl::Status status = ReadAll(*store, 1, 2);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("lsn=3"));
  EXPECT_EQ(ReadAll(*store, 1, 3).code(), absl::StatusCode::kDataLoss) << "the first one asked for";
  EXPECT_TRUE(ReadAll(*store, 1, 4).ok());
}

TEST_F(LogStoreTest, AChangedEntryIsDataLossAndNamed) {
  {
    const auto store = Open();
    Append(*store, 1, 1, "good");
    Append(*store, 1, 2, "good");
  }
  Tamper([](rocksdb::DB& db) {
    std::string value;
    ASSERT_TRUE(db.Get({}, LogKey{1, 2}.Encode(), &value).ok());
    value.back() ^= 1;
    ASSERT_TRUE(db.Put({}, LogKey{1, 2}.Encode(), value).ok());
  });
  const absl::Status status = ReadAll(*Open(), 1, 1);
  EXPECT_EQ(ReasonOf(status), reason::kCorruption);
  EXPECT_THAT(std::string(status.message()), HasSubstr("lsn=2"));
}

TEST_F(LogStoreTest, AnEntryUnderAnotherKeyIsDataLoss) {
  {
    const auto store = Open();
    Append(*store, 1, 1, "good");
  }
  Tamper([](rocksdb::DB& db) {
    std::string value;
    ASSERT_TRUE(db.Get({}, LogKey{1, 1}.Encode(), &value).ok());
    ASSERT_TRUE(db.Put({}, LogKey{2, 1}.Encode(), value).ok());
  });
  EXPECT_EQ(ReasonOf(ReadAll(*Open(), 2, 1)), reason::kCorruption);
}

TEST_F(LogStoreTest, AnEntryOfANewerFormatIsNotSkipped) {
  {
    const auto store = Open();
    Append(*store, 1, 1, "good");
  }
  Tamper([](rocksdb::DB& db) {
    std::string value;
    ASSERT_TRUE(db.Get({}, LogKey{1, 1}.Encode(), &value).ok());
    value[0] = 2;
    ASSERT_TRUE(db.Put({}, LogKey{1, 1}.Encode(), value).ok());
  });
  EXPECT_EQ(ReasonOf(ReadAll(*Open(), 1, 1)), reason::kFormatVersion);
}

// The memtables are small enough to be flushed many times on the way.
TEST_F(LogStoreTest, TruncatedEntriesGiveTheirSpaceBackAndLaterOnesStay) {
  const auto store = Open(256 << 10);
  const std::string body(16 << 10, 'x');
  for (uint64_t lsn = 1; lsn <= 1000; ++lsn) {
    Append(*store, 1, lsn, body);
    Append(*store, 2, lsn, "y");
    if (lsn % 10 == 0) {
      ASSERT_TRUE(store->Truncate(1, lsn - 5).ok());
    }
  }
  EXPECT_LT(store->bytes(), 4u << 20) << "of 16 MB written";
  EXPECT_THAT(Lsns(*store, 1, 996), ElementsAre(996, 997, 998, 999, 1000));
  EXPECT_EQ(Lsns(*store, 2, 1).size(), 1000u) << "another shard's entries are not touched";
}

TEST_F(LogStoreTest, AFlushKeepsWhatIsNotTruncatedAndLetsTheMemoryGo) {
  const auto store = Open(64 << 20);
  const std::string body(16 << 10, 'x');
  for (uint64_t lsn = 1; lsn <= 200; ++lsn) Append(*store, 1, lsn, body);
  EXPECT_GT(store->memory_bytes(), 3u << 20);
  ASSERT_TRUE(store->Truncate(1, 190).ok());
  ASSERT_TRUE(store->Flush().ok());
  EXPECT_LT(store->memory_bytes(), 1u << 20);
  EXPECT_LT(store->bytes(), 1u << 20) << "of 3.2 MB written";
  EXPECT_THAT(Lsns(*store, 1, 191), testing::SizeIs(10));
}

TEST_F(LogStoreTest, ADroppedShardMayBeginAgain) {
  {
    const auto store = Open();
    for (uint64_t lsn = 1; lsn <= 5; ++lsn) Append(*store, 1, lsn, "old");
    Append(*store, 2, 1, "other");
    ASSERT_TRUE(store->Truncate(1, 4).ok());
    ASSERT_TRUE(store->DropShard(1).ok());
    EXPECT_EQ(*store->LastLsn(1), 0u);
    Append(*store, 1, 1, "new");
  }
  const auto store = Open();
  EXPECT_THAT(Lsns(*store, 1, 1), ElementsAre(1));
  EXPECT_THAT(Lsns(*store, 2, 1), ElementsAre(1));
}

TEST_F(LogStoreTest, ALogWithoutItsCurrentFileIsNotBegunAnew) {
  Append(*Open(), 1, 1, "x");
  std::filesystem::remove(directory_ / "log/CURRENT");
  LogOptions options;
  options.directory = directory_ / "log";
  options.files = files_.get();
  const absl::Status status = LogStore::Open(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("CURRENT"));
}

}  // namespace
}  // namespace kith::storage
