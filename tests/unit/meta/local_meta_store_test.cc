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

}  // namespace
}  // namespace kith
