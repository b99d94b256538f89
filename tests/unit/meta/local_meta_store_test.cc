#include "common/meta/local_meta_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/meta/meta_bound.h"

namespace kith {
namespace {

class LocalMetaStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "kith_meta_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    Open();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(root_);
  }

  void Open() {
    store_.reset();
    auto opened = LocalMetaStore::Open({directory()});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  std::string directory() const { return root_ / "meta"; }

  static CollectionRecord Record(const std::string& name) {
    CollectionRecord record;
    record.name = name;
    record.incarnation = Uuid::Random();
    record.dimension = 8;
    return record;
  }

  std::filesystem::path root_;
  std::unique_ptr<LocalMetaStore> store_;
};

TEST_F(LocalMetaStoreTest, ARecordOutlivesAnOpen) {
  const auto created = store_->Create(Record("a"));
  ASSERT_TRUE(created.ok());
  const Uuid cluster = *store_->ClusterId();
  Open();
  const auto found = store_->Get("a");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->incarnation, created->incarnation);
  EXPECT_EQ(found->revision, created->revision);
  EXPECT_EQ(*store_->ClusterId(), cluster);
}

TEST_F(LocalMetaStoreTest, ANameIsCreatedOnce) {
  ASSERT_TRUE(store_->Create(Record("a")).ok());
  const auto again = store_->Create(Record("a"));
  EXPECT_EQ(again.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(again.status()), reason::kCollectionExists);
}

TEST_F(LocalMetaStoreTest, AnUpdateOfAnOldRevisionIsRefused) {
  const CollectionRecord first = *store_->Create(Record("a"));
  CollectionRecord second = first;
  second.serving_version = "v1";
  ASSERT_TRUE(store_->Update(second).ok());
  CollectionRecord stale = first;
  stale.serving_version = "v2";
  const auto refused = store_->Update(stale);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(refused.status()), reason::kVersionMismatch);
  EXPECT_EQ(store_->Get("a")->serving_version, "v1");
}

TEST_F(LocalMetaStoreTest, ADeleteNeedsTheCurrentRevision) {
  const CollectionRecord first = *store_->Create(Record("a"));
  const CollectionRecord second = *store_->Update(first);
  EXPECT_EQ(ReasonOf(store_->Delete("a", first.revision)), reason::kVersionMismatch);
  ASSERT_TRUE(store_->Delete("a", second.revision).ok());
  EXPECT_EQ(ReasonOf(store_->Get("a").status()), reason::kCollectionNotFound);
  EXPECT_EQ(ReasonOf(store_->Delete("a", second.revision)), reason::kCollectionNotFound);
  EXPECT_EQ(ReasonOf(store_->Update(second).status()), reason::kCollectionNotFound);
}

TEST_F(LocalMetaStoreTest, ANameCreatedAgainNeverRepeatsARevision) {
  const CollectionRecord first = *store_->Create(Record("a"));
  ASSERT_TRUE(store_->Delete("a", first.revision).ok());
  Open();
  const CollectionRecord second = *store_->Create(Record("a"));
  EXPECT_GT(second.revision, first.revision);
  EXPECT_EQ(ReasonOf(store_->Delete("a", first.revision)), reason::kVersionMismatch);
}

TEST_F(LocalMetaStoreTest, ListGivesEveryRecordInOrderOfTheNames) {
  for (const char* name : {"b", "a", "a-1"}) ASSERT_TRUE(store_->Create(Record(name)).ok());
  std::vector<std::string> names;
  const auto records = store_->List();
  ASSERT_TRUE(records.ok());
  for (const CollectionRecord& record : *records) names.push_back(record.name);
  EXPECT_THAT(names, ::testing::ElementsAre("a", "a-1", "b"));
}

TEST_F(LocalMetaStoreTest, ShardIdsStartAtOneAndAreNeverGivenTwice) {
  EXPECT_EQ(*store_->ReserveShardIds(4), 1u);
  Open();
  EXPECT_EQ(*store_->ReserveShardIds(1), 5u);
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::set<ShardId> firsts;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const ShardId first = *store_->ReserveShardIds(3);
        std::lock_guard lock(mutex);
        EXPECT_TRUE(firsts.insert(first).second);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(*firsts.begin(), 6u);
  EXPECT_EQ(*firsts.rbegin(), 6u + 39 * 3);
}

TEST_F(LocalMetaStoreTest, OfManyWritersOfOneRevisionExactlyOneWins) {
  const CollectionRecord record = *store_->Create(Record("a"));
  std::atomic<int> winners{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] { winners += store_->Update(record).ok() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(winners, 1);
}

TEST_F(LocalMetaStoreTest, TwoServersOnOneDirectoryAreRefused) {
  const auto second = LocalMetaStore::Open({directory()});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(second.status()), reason::kDirectoryInUse);
}

TEST_F(LocalMetaStoreTest, ADamagedRecordIsReportedAndNotGuessed) {
  ASSERT_TRUE(store_->Create(Record("a")).ok());
  store_.reset();
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(rocksdb::Options(), directory(), &db).ok());
  std::string bytes;
  ASSERT_TRUE(db->Get(rocksdb::ReadOptions(), "collection/a", &bytes).ok());
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), "collection/a", bytes).ok());
  delete db;
  Open();
  EXPECT_EQ(ReasonOf(store_->Get("a").status()), reason::kCorruption);
  EXPECT_EQ(ReasonOf(store_->List().status()), reason::kCorruption);
  EXPECT_EQ(ReasonOf(store_->Create(Record("a")).status()), reason::kCorruption);
}

TEST_F(LocalMetaStoreTest, ADirectoryThatCannotBeMadeIsAStorageError) {
  const auto opened = LocalMetaStore::Open({"/proc/kith/meta"});
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.status().message()), ::testing::HasSubstr("metadata store"));
}

TEST_F(LocalMetaStoreTest, AliasesChangeAllTogetherAndOutliveAnOpen) {
  for (const char* name : {"v1", "v2"}) {
    CollectionRecord record = Record(name);
    record.state = CollectionRecord::State::kActive;
    ASSERT_TRUE(store_->Create(record).ok());
  }
  ASSERT_TRUE(store_->Create(Record("young")).ok());  // still being created
  ASSERT_TRUE(store_->ChangeAliases({{"now", "v1"}, {"next", "v2"}}).ok());
  Open();
  EXPECT_EQ(*store_->ListAliases(), (Aliases{{"now", "v1"}, {"next", "v2"}}));
  // The last of them cannot be: none is made.
  for (const auto& [bad, reason] : std::vector<std::pair<AliasChange, const char*>>{
           {{"x", "nowhere"}, reason::kCollectionNotFound},
           {{"x", "now"}, reason::kCollectionNotFound},
           {{"x", "young"}, reason::kCollectionNotFound},
           {{"v1", "v2"}, reason::kCollectionExists},
           {{"gone", ""}, reason::kAliasNotFound}}) {
    EXPECT_EQ(ReasonOf(store_->ChangeAliases({{"now", "v2"}, bad}).status()), reason);
  }
  EXPECT_EQ(*store_->ListAliases(), (Aliases{{"now", "v1"}, {"next", "v2"}}));
  EXPECT_EQ(*store_->ChangeAliases({{"now", "v2"}, {"next", ""}}), (Aliases{{"now", "v2"}}));
  Open();
  EXPECT_EQ(*store_->ListAliases(), (Aliases{{"now", "v2"}}));
  EXPECT_EQ(ReasonOf(store_->Create(Record("now")).status()), reason::kAliasExists);
}

TEST_F(LocalMetaStoreTest, ThereAreNoMoreAliasesThanMayBe) {
  CollectionRecord record = Record("a");
  record.state = CollectionRecord::State::kActive;
  ASSERT_TRUE(store_->Create(record).ok());
  std::vector<AliasChange> changes;
  for (size_t i = 0; i < limits::kAliasesMax; ++i) changes.push_back({std::to_string(i), "a"});
  ASSERT_TRUE(store_->ChangeAliases(changes).ok());
  EXPECT_EQ(ReasonOf(store_->ChangeAliases({{"more", "a"}}).status()), reason::kAliasLimit);
  EXPECT_TRUE(store_->ChangeAliases({{"more", "a"}, {"0", ""}}).ok());
}

// Damage that RocksDB opens without a complaint: it begins an empty store, or an older one.
class MetaDamageTest : public LocalMetaStoreTest {
 protected:
  void SetUp() override {
    LocalMetaStoreTest::SetUp();
    ASSERT_TRUE(store_->Create(Record("a")).ok());
    Open();  // what is there goes into a file
    ASSERT_TRUE(store_->Create(Record("b")).ok());
    store_.reset();
  }
  std::filesystem::path Find(const std::string& part) const {
    for (const auto& entry : std::filesystem::directory_iterator(directory())) {
      const std::string name = entry.path().filename();
      if (name.find(part) != std::string::npos && entry.file_size() > 0) return entry.path();
    }
    return {};
  }
  absl::Status OpenStatus() const { return LocalMetaStore::Open({directory()}).status(); }
  void ExpectRefusedAndWholeOnceItIsBack(const std::string& part, uint64_t bytes_left) {
    const std::filesystem::path path = Find(part);
    ASSERT_FALSE(path.empty());
    const std::filesystem::path good = root_ / "good";
    std::filesystem::copy_file(path, good);
    if (bytes_left == 0) std::filesystem::remove(path);
    if (bytes_left != 0) std::filesystem::resize_file(path, bytes_left);
    for (int attempt = 0; attempt < 2; ++attempt) {
      const absl::Status status = OpenStatus();
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
      EXPECT_EQ(ReasonOf(status), reason::kCorruption);
      EXPECT_THAT(std::string(status.message()), testing::HasSubstr(directory()));
      EXPECT_THAT(std::string(status.message()), testing::HasSubstr("from a copy"));
      EXPECT_EQ(CheckMetaStore({directory()}).status().code(), absl::StatusCode::kDataLoss);
    }
    std::filesystem::rename(good, path);
    const auto records = CheckMetaStore({directory()});
    ASSERT_TRUE(records.ok()) << records.status();
    EXPECT_EQ(records->size(), 2u);
    Open();
    EXPECT_TRUE(store_->Get("b").ok());
  }
};

TEST_F(MetaDamageTest, AStoreWithoutItsCurrentFileIsNotBegunAnew) {
  ExpectRefusedAndWholeOnceItIsBack("CURRENT", 0);
}

TEST_F(MetaDamageTest, AStoreThatLostItsLogIsRefused) {
  ExpectRefusedAndWholeOnceItIsBack(".log", 0);
}

TEST_F(MetaDamageTest, AStoreWhoseLogWasCutIsRefused) {
  ExpectRefusedAndWholeOnceItIsBack(".log", 40);
}

TEST_F(MetaDamageTest, AStoreWhoseManifestWasCutIsRefusedWithAllItsFiles) {
  const auto size = std::filesystem::file_size(Find("MANIFEST"));
  ExpectRefusedAndWholeOnceItIsBack("MANIFEST", size / 2);
}

TEST_F(MetaDamageTest, AStoreWithATableOfAnotherSizeIsRefusedInOneLine) {
  const std::filesystem::path table = Find(".sst");
  std::filesystem::resize_file(table, std::filesystem::file_size(table) + 100);
  const absl::Status status = OpenStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(table.string()));
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("from a copy"));
  EXPECT_THAT(std::string(status.message()), testing::Not(testing::HasSubstr("\n")));
}

TEST_F(MetaDamageTest, ABoundThatIsDamagedOrGoneHurtsNothing) {
  std::filesystem::resize_file(Find("BOUND"), 5);
  EXPECT_TRUE(OpenStatus().ok());
  std::filesystem::remove(Find("BOUND"));
  EXPECT_TRUE(OpenStatus().ok());
  EXPECT_FALSE(Find("BOUND").empty()) << "it is written again";
}

TEST(MetaBoundTest, ItsBytesAreFrozen) {
  const std::string golden = std::string("KITHMETA\x2a\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0", 24) +
                             std::string("\xcf\xd3\x8b\xc8\x70\x9f\xfb\xb0", 8);
  EXPECT_EQ(EncodeMetaBound({42, 7}), golden);
  ASSERT_TRUE(DecodeMetaBound(golden).has_value());
  EXPECT_EQ(DecodeMetaBound(golden)->changes, 42u);
  EXPECT_EQ(DecodeMetaBound(golden)->content, 7u);
  for (size_t bit = 0; bit < golden.size() * 8; ++bit) {
    std::string flipped = golden;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(DecodeMetaBound(flipped).has_value()) << bit;
  }
  EXPECT_FALSE(DecodeMetaBound(golden.substr(1)).has_value());
}

}  // namespace
}  // namespace kith
