#include "shard/storage/state_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <atomic>
#include <thread>
#include <tuple>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/rocks_options.h"
#include "shard/storage/state_checkpoint.h"
#include "tests/support/temporary_directory.h"

namespace kith::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kDedupeEntriesMax = 100;

PointKey Key(uint64_t number) { return PointKey::FromNumber(number); }

class StateStoreTest : public testing::Test {
 protected:
  void SetUp() override { Reopen(); }
  void Reopen() {
    store_.reset();
    StateOptions options;
    options.directory = directory_ / "state";
    options.files = files_.get();
    options.write_buffer_bytes = 1 << 20;
    options.dedupe_entries_max = kDedupeEntriesMax;
    store_ = std::move(StateStore::Open(options)).value();
  }
  void Change(const std::function<void(StateBatch&)>& fill) {
    const auto batch = store_->NewBatch();
    fill(*batch);
    ASSERT_TRUE(store_->Write(*batch).ok());
  }
  void PutPoint(StateBatch& batch, uint32_t row, uint64_t number) {
    batch.PutRow({row, Key(number), 1, "vector", "payload"});
    batch.PutId(SlotOf(Key(number)), Key(number), {row, 1});
  }
  std::vector<uint32_t> Rows(uint32_t from) {
    std::vector<uint32_t> rows;
    EXPECT_TRUE(store_
                    ->ForEachRow(from,
                                 [&](const RowRecord& record) {
                                   rows.push_back(record.row);
                                   return absl::OkStatus();
                                 })
                    .ok());
    return rows;
  }
  std::vector<uint32_t> Dead(uint64_t after) {
    std::vector<uint32_t> rows;
    EXPECT_TRUE(store_->ForEachDead(after, [&](uint32_t row) { rows.push_back(row); }).ok());
    return rows;
  }

  const test::TemporaryDirectory directory_;
  const std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
  std::unique_ptr<StateStore> store_;
};

TEST_F(StateStoreTest, OnlyWhatWasFlushedCountsAsFlushed) {
  EXPECT_EQ(*store_->FlushedLsn(), 0u);
  Change([](StateBatch& batch) { batch.PutApplied({.applied_lsn = 5}); });
  EXPECT_EQ(*store_->FlushedLsn(), 0u);
  ASSERT_TRUE(store_->Flush().ok());
  EXPECT_EQ(*store_->FlushedLsn(), 5u);
  Change([](StateBatch& batch) { batch.PutApplied({.applied_lsn = 9}); });
  EXPECT_EQ(*store_->FlushedLsn(), 5u);
  EXPECT_EQ(store_->applied().applied_lsn, 9u);
  Reopen();  // closing does not flush: there is no WAL
  EXPECT_EQ(*store_->FlushedLsn(), store_->applied().applied_lsn);
}

TEST_F(StateStoreTest, ARowPutAndDeletedInOneBatchIsNotThere) {
  Change([&](StateBatch& batch) {
    PutPoint(batch, 1, 100);
    batch.DeleteRow(1);
    PutPoint(batch, 2, 100);
  });
  EXPECT_EQ(Rows(0), (std::vector<uint32_t>{2}));
}

TEST_F(StateStoreTest, PostingsComeInOrderOfFieldValueAndRow) {
  using Posting = std::tuple<uint16_t, std::string, uint32_t>;
  const std::vector<IndexedValue> both = {{0, "b"}, {1, "a"}};
  const std::vector<IndexedValue> one = {{0, "a"}};
  Change([&](StateBatch& batch) {
    batch.PutPostings(300, both);
    batch.PutPostings(2, both);
    batch.PutPostings(7, one);
    batch.PutPostings(8, one);
    batch.DeletePostings(8, one);
  });
  Change([&](StateBatch& batch) { batch.DeletePostings(2, std::vector<IndexedValue>{{1, "a"}}); });
  ASSERT_TRUE(store_->Flush().ok());
  Reopen();
  std::vector<Posting> found;
  ASSERT_TRUE(store_
                  ->ForEachPosting([&](const StateStore::PostingRecord& posting) {
                    found.emplace_back(posting.field, std::string(posting.value), posting.row);
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_THAT(found, ElementsAre(Posting{0, "a", 7}, Posting{0, "b", 2}, Posting{0, "b", 300},
                                 Posting{1, "a", 300}));
}

TEST_F(StateStoreTest, AnEmptyStateIsAtLsnZero) {
  EXPECT_EQ(store_->applied().applied_lsn, 0u);
  EXPECT_EQ(*store_->ReadManifest(), "");
  EXPECT_EQ(*store_->ReadDigests(), SlotDigests(limits::kSlots));
  EXPECT_THAT(Rows(0), IsEmpty());
}

TEST_F(StateStoreTest, RowsKeepVectorAndPayloadApart) {
  Change([&](StateBatch& batch) {
    batch.PutRow({5, Key(1), 9, "vec", "payload"});
    batch.PutRow({7, Key(2), 3, "vec", ""});
    batch.PutRow({9, Key(3), 3, "", "payload"});
  });
  std::vector<StateStore::StoredRow> found;
  const uint32_t rows[] = {9, 6, 5, 7};
  ASSERT_TRUE(store_->ReadRows(rows, found).ok());
  EXPECT_EQ(found[0].vector, "");
  EXPECT_EQ(found[0].payload, "payload");
  EXPECT_EQ(found[1].version, 0u) << "not live";
  EXPECT_EQ(found[2].key, Key(1));
  EXPECT_EQ(found[2].version, 9u);
  EXPECT_EQ(found[2].vector, "vec");
  EXPECT_EQ(found[2].payload, "payload");
  EXPECT_EQ(found[3].payload, "");
}

TEST_F(StateStoreTest, IdsAreFoundWhereverTheyAreAsked) {
  Change([&](StateBatch& batch) {
    for (uint32_t i = 0; i < 1000; ++i) PutPoint(batch, i, i * 2);
  });
  ASSERT_TRUE(store_->Flush().ok());
  Change([&](StateBatch& batch) { PutPoint(batch, 2000, 3); });
  std::vector<PointKey> keys;
  for (uint64_t number = 999; number > 0; --number) keys.push_back(Key(number));
  keys.push_back(Key(998));  // twice in one call
  std::vector<std::optional<IdEntry>> entries;
  ASSERT_TRUE(store_->FindIds(keys, entries).ok());
  for (size_t i = 0; i < keys.size(); ++i) {
    const uint64_t number = keys[i].number();
    ASSERT_EQ(entries[i].has_value(), number % 2 == 0 || number == 3) << number;
    if (entries[i].has_value()) {
      EXPECT_EQ(entries[i]->row, number == 3 ? 2000 : number / 2);
    }
  }
}

TEST_F(StateStoreTest, TheLastChangeOfAnIdInABatchCounts) {
  const uint16_t slot = SlotOf(Key(1));
  Change([&](StateBatch& batch) {
    batch.PutId(slot, Key(1), {1, 1});
    batch.DeleteId(slot, Key(1));
    batch.PutId(SlotOf(Key(2)), Key(2), {2, 1});
    batch.DeleteId(SlotOf(Key(3)), Key(3));
    batch.PutId(SlotOf(Key(3)), Key(3), {3, 7});
    batch.PutId(SlotOf(Key(3)), Key(3), {4, 8});
  });
  std::vector<std::optional<IdEntry>> entries;
  const PointKey keys[] = {Key(1), Key(2), Key(3)};
  ASSERT_TRUE(store_->FindIds(keys, entries).ok());
  EXPECT_FALSE(entries[0].has_value());
  EXPECT_TRUE(entries[1].has_value());
  ASSERT_TRUE(entries[2].has_value());
  EXPECT_EQ(entries[2]->row, 4u);
  EXPECT_EQ(entries[2]->version, 8u);
}

// applied() is set once RocksDB has written: threads that ask for it keep the writer there.
TEST_F(StateStoreTest, TheAppliedThatIsReadIsNeverBehindWhatWasFoundBefore) {
  constexpr uint32_t kWrites = 20'000;
  const PointKey key = Key(1);
  std::atomic<bool> is_done = false;
  std::vector<std::thread> askers;
  for (int i = 0; i < 2; ++i) {
    askers.emplace_back([&] {
      while (!is_done) std::ignore = store_->applied();
    });
  }
  std::thread writer([&] {
    const auto batch = store_->NewBatch();
    for (uint32_t row = 0; row < kWrites; ++row) {
      batch->PutId(SlotOf(key), key, {row, 1});
      batch->PutApplied({.next_row = row + 1});
      EXPECT_TRUE(store_->Write(*batch).ok());
    }
    is_done = true;
  });
  uint64_t behind = 0;
  std::vector<std::optional<IdEntry>> entries;
  while (!is_done) {
    EXPECT_TRUE(store_->FindIds({&key, 1}, entries).ok());
    const auto applied = store_->ReadApplied();
    EXPECT_TRUE(applied.ok());
    if (entries[0].has_value() && applied->next_row <= entries[0]->row) ++behind;
  }
  writer.join();
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(behind, 0u);
  EXPECT_EQ(store_->ReadApplied()->next_row, kWrites);
}

TEST_F(StateStoreTest, EveryIdIsVisitedOnce) {
  Change([&](StateBatch& batch) {
    for (uint32_t i = 0; i < 100; ++i) PutPoint(batch, i, i);
    batch.DeleteId(SlotOf(Key(7)), Key(7));
  });
  std::vector<uint64_t> numbers;
  ASSERT_TRUE(store_
                  ->ForEachId([&](const PointKey& key, const IdEntry& entry) {
                    EXPECT_EQ(key.number(), entry.row);
                    numbers.push_back(key.number());
                    return absl::OkStatus();
                  })
                  .ok());
  std::sort(numbers.begin(), numbers.end());
  EXPECT_EQ(numbers.size(), 99u);
  EXPECT_EQ(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

TEST_F(StateStoreTest, RowsComeInOrderFromWhereTheyAreAsked) {
  Change([&](StateBatch& batch) {
    for (const uint32_t row : {300u, 1u, 255u, 256u, 70'000u}) {
      batch.PutRow({row, Key(row), 1, "v", ""});
    }
    batch.DeleteRow(256);
  });
  EXPECT_THAT(Rows(0), ElementsAre(1, 255, 300, 70'000));
  EXPECT_THAT(Rows(255), ElementsAre(255, 300, 70'000));
  EXPECT_THAT(Rows(301), ElementsAre(70'000));
}

TEST_F(StateStoreTest, DeathsAreFoundByLsnAndForgotten) {
  Change([&](StateBatch& batch) {
    batch.MarkDead(1, 10);
    batch.MarkDead(2, 20);
    batch.MarkDead(2, 21);
    batch.MarkDead(300, 30);
  });
  EXPECT_THAT(Dead(0), ElementsAre(10, 20, 21, 30));
  EXPECT_THAT(Dead(1), ElementsAre(20, 21, 30));
  EXPECT_THAT(Dead(300), IsEmpty());
  ASSERT_TRUE(store_->ForgetDead(2).ok());
  EXPECT_THAT(Dead(0), ElementsAre(30));
  EXPECT_THAT(Dead(~uint64_t{0}), IsEmpty());
}

// The digests live in one merged value: batches, flushes and a reopening must all fold alike.
TEST_F(StateStoreTest, DigestsAreTheLastOnesOfEverySlot) {
  SlotDigests expected(limits::kSlots);
  for (uint64_t round = 1; round <= 30; ++round) {
    Change([&](StateBatch& batch) {
      for (uint64_t i = 0; i < 50; ++i) {
        const auto slot = static_cast<uint16_t>((round * 131 + i * 977) % limits::kSlots);
        batch.PutDigest(slot, {i, i});
        expected[slot] = {round, i * round};
        batch.PutDigest(slot, expected[slot]);
      }
    });
    if (round % 7 == 0) {
      ASSERT_TRUE(store_->Flush().ok());
    }
    if (round % 11 == 0) Reopen();
    ASSERT_EQ(*store_->ReadDigests(), expected) << "round " << round;
  }
}

TEST_F(StateStoreTest, ABatchIsEmptyAfterItWasWritten) {
  const auto batch = store_->NewBatch();
  batch->PutRow({1, Key(1), 1, "v", ""});
  batch->PutApplied({1, 1, 2, 1});
  ASSERT_TRUE(store_->Write(*batch).ok());
  Change([](StateBatch& other) { other.DeleteRow(1); });
  ASSERT_TRUE(store_->Write(*batch).ok());
  EXPECT_THAT(Rows(0), IsEmpty());
}

TEST_F(StateStoreTest, WhatWasAppliedSurvivesAFlushAndAReopening) {
  Change([&](StateBatch& batch) {
    PutPoint(batch, 1, 1);
    batch.PutApplied({17, 3, 2, 1});
    batch.PutManifest("manifest");
  });
  EXPECT_EQ(store_->applied().applied_lsn, 17u);
  ASSERT_TRUE(store_->Flush().ok());
  Reopen();
  EXPECT_EQ(store_->applied().applied_lsn, 17u);
  EXPECT_EQ(store_->applied().epoch, 3u);
  EXPECT_EQ(store_->applied().next_row, 2u);
  EXPECT_EQ(store_->applied().live_points, 1u);
  EXPECT_EQ(*store_->ReadManifest(), "manifest");
  EXPECT_THAT(Rows(0), ElementsAre(1));
  EXPECT_GT(store_->disk_bytes(), 0u);
}

TEST_F(StateStoreTest, ARequestIsRememberedWithItsReply) {
  Change([](StateBatch& batch) { batch.PutDedupe("request-000000-1", {"hash", 1000, "reply"}); });
  const auto entry = *store_->FindDedupe("request-000000-1");
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->body_hash, "hash");
  EXPECT_EQ(entry->unix_ms, 1000u);
  EXPECT_EQ(entry->reply, "reply");
  EXPECT_FALSE(store_->FindDedupe("request-000000-2")->has_value());
}

TEST_F(StateStoreTest, RequestsExpireByAgeButNotTheirYoungerRepetition) {
  constexpr uint64_t kStart = 1'000'000'000;
  Change([&](StateBatch& batch) {
    batch.PutDedupe("old", {"a", kStart, ""});
    batch.PutDedupe("repeated", {"a", kStart, ""});
  });
  Change([&](StateBatch& batch) {
    batch.PutDedupe("repeated", {"b", kStart + 1000, ""});
    batch.PutDedupe("young", {"a", kStart + 1000, ""});
  });
  ASSERT_TRUE(store_->ExpireDedupe(kStart + limits::kDedupeAgeMs).ok());
  EXPECT_TRUE(store_->FindDedupe("old")->has_value()) << "exactly a day old";
  ASSERT_TRUE(store_->ExpireDedupe(kStart + limits::kDedupeAgeMs + 1).ok());
  EXPECT_FALSE(store_->FindDedupe("old")->has_value());
  EXPECT_EQ(store_->FindDedupe("repeated")->value().body_hash, "b");
  EXPECT_TRUE(store_->FindDedupe("young")->has_value());
  ASSERT_TRUE(store_->ExpireDedupe(kStart + 1000 + limits::kDedupeAgeMs + 1).ok());
  EXPECT_FALSE(store_->FindDedupe("repeated")->has_value());
}

TEST_F(StateStoreTest, OneCallExpiresABoundedNumberOfRequestsAndSaysHowMany) {
  Change([&](StateBatch& batch) {
    for (int i = 0; i < 12'000; ++i) batch.PutDedupe("request" + std::to_string(i), {"a", 1, ""});
  });
  EXPECT_EQ(*store_->ExpireDedupe(limits::kDedupeAgeMs + 2), 10'000u);
  EXPECT_EQ(*store_->ExpireDedupe(limits::kDedupeAgeMs + 2), 2'000u);
  EXPECT_EQ(*store_->ExpireDedupe(limits::kDedupeAgeMs + 2), 0u);
}

TEST_F(StateStoreTest, ADatabaseOfAnotherFormatIsRefusedWithBothNumbers) {
  Change([&](StateBatch& batch) { batch.PutApplied({1, 1, 1, 1}); });
  ASSERT_TRUE(store_->Flush().ok());
  store_.reset();
  StateOptions options;
  options.directory = directory_ / "state";
  options.files = files_.get();
  options.memory = NewStoreMemory({});
  {
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> families;
    ASSERT_TRUE(rocksdb::DB::Open(StateDatabaseOptions(options, *files_->rocksdb_env()),
                                  options.directory, StateFamilies(options), &families, &db)
                    .ok());
    ASSERT_TRUE(db->Put({}, "f", std::string("\2\0\0\0", 4)).ok());
    for (rocksdb::ColumnFamilyHandle* family : families) db->DestroyColumnFamilyHandle(family);
    delete db;
  }
  const absl::Status status = StateStore::Open(options).status();
  EXPECT_EQ(ReasonOf(status), reason::kFormatVersion) << status;
  EXPECT_NE(std::string(status.message()).find("format 2, this program reads 1"), std::string::npos)
      << status;
}

TEST_F(StateStoreTest, TheOldestRequestsAboveTheLimitExpire) {
  constexpr uint64_t kSurplus = 25;
  const auto name = [](uint64_t i) { return "request" + std::to_string(1'000'000 + i); };
  for (uint64_t i = 0; i < kDedupeEntriesMax + kSurplus; ++i) {
    Change([&](StateBatch& batch) { batch.PutDedupe(name(i), {"", i, ""}); });
  }
  ASSERT_TRUE(store_->Flush().ok());
  Reopen();
  ASSERT_TRUE(store_->ExpireDedupe(1000).ok());
  EXPECT_FALSE(store_->FindDedupe(name(kSurplus - 1))->has_value());
  EXPECT_TRUE(store_->FindDedupe(name(kSurplus))->has_value());
  Reopen();  // without a flush by hand: closing writes what is left
  ASSERT_TRUE(store_->ExpireDedupe(1000).ok());
  EXPECT_TRUE(store_->FindDedupe(name(kSurplus))->has_value()) << "no more than the surplus";
}

TEST_F(StateStoreTest, ACheckpointHoldsWhatWasWrittenBeforeItAndNothingThatCameAfter) {
  Change([&](StateBatch& batch) {
    PutPoint(batch, 0, 10);
    batch.PutApplied({1, 1, 1, 1});
    batch.PutDigest(7, {3, 4});
  });
  const std::string copy = directory_ / "copy";
  ASSERT_TRUE(store_->Checkpoint(copy).ok());
  Change([&](StateBatch& batch) {
    PutPoint(batch, 1, 11);
    batch.PutApplied({2, 1, 2, 2});
  });
  const auto found = ReadStateCheckpoint(*files_, copy);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->applied.applied_lsn, 1u);
  EXPECT_EQ(found->applied.live_points, 1u);
  EXPECT_EQ(found->digests[7], (Digest{3, 4}));
  ASSERT_FALSE(found->table_checksums.empty());
  for (const auto& [name, checksum] : found->table_checksums) {
    EXPECT_TRUE(files_->Exists(copy + "/" + name));
    EXPECT_EQ(checksum.size(), 8u) << "a CRC-32C";
  }
  EXPECT_FALSE(store_->Checkpoint(copy).ok()) << "it is there";
}

}  // namespace
}  // namespace kith::storage
