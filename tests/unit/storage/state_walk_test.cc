#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/state_store.h"
#include "tests/support/temporary_directory.h"

namespace kith::storage {
namespace {

PointKey Key(uint64_t number) { return PointKey::FromNumber(number); }

// Points 0 to 299, point n in row n with the version n + 1, the vector "vN" and the payload "pN".
class StateWalkTest : public testing::Test {
 protected:
  void SetUp() override {
    StateOptions options;
    options.directory = directory_ / "state";
    options.files = files_.get();
    options.write_buffer_bytes = 1 << 20;
    store_ = std::move(StateStore::Open(options)).value();
    Change([](StateBatch& batch) {
      for (uint32_t n = 0; n < kPoints; ++n) {
        const std::string text = std::to_string(n);
        batch.PutRow({n, Key(n), n + 1, "v" + text, "p" + text});
        batch.PutId(SlotOf(Key(n)), Key(n), {n, n + 1});
      }
    });
    for (uint32_t n = 0; n < kPoints; ++n) keys_.push_back(Key(n));
    std::sort(keys_.begin(), keys_.end(), [](const PointKey& a, const PointKey& b) {
      return std::pair(SlotOf(a), a) < std::pair(SlotOf(b), b);
    });
  }
  void Change(const std::function<void(StateBatch&)>& fill) {
    const auto batch = store_->NewBatch();
    fill(*batch);
    ASSERT_TRUE(store_->Write(*batch).ok());
  }
  // The keys of a walk; `at_end` as it answered.
  std::vector<PointKey> Walk(const StateStore::PointWalk& walk, bool& at_end) {
    std::vector<PointKey> keys;
    const auto ended = store_->WalkPoints(walk, [&](const RowRecord& record) {
      keys.push_back(record.key);
      return Visit::kTaken;
    });
    EXPECT_TRUE(ended.ok()) << ended.status();
    at_end = ended.ok() && *ended;
    return keys;
  }
  std::span<const PointKey> Keys(size_t first, size_t count) const {
    return std::span(keys_).subspan(first, count);
  }
  static void ExpectKeys(const std::vector<PointKey>& found, std::span<const PointKey> wanted) {
    EXPECT_TRUE(std::equal(found.begin(), found.end(), wanted.begin(), wanted.end()))
        << found.size() << " keys, expected " << wanted.size();
  }

  static constexpr uint32_t kPoints = 300;
  const test::TemporaryDirectory directory_;
  const std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
  std::unique_ptr<StateStore> store_;
  std::vector<PointKey> keys_;  // in the order of a walk
};

TEST_F(StateWalkTest, GivesPointsInTheOrderOfSlotAndKeyUpToTheLimit) {
  bool at_end = true;
  ExpectKeys(Walk({.limit = 130}, at_end), Keys(0, 130));
  EXPECT_FALSE(at_end);
  ExpectKeys(Walk({.limit = kPoints}, at_end), Keys(0, kPoints));
  EXPECT_TRUE(at_end) << "nothing follows what was taken";
  ExpectKeys(Walk({.limit = kPoints - 1}, at_end), Keys(0, kPoints - 1));
  EXPECT_FALSE(at_end);
}

TEST_F(StateWalkTest, BeginsBehindAKeyWhetherItIsStillThereOrNot) {
  StateStore::PointWalk walk{.limit = 1000};
  walk.range.slot_begin = SlotOf(keys_[99]);
  walk.range.after = keys_[99];
  bool at_end = false;
  ExpectKeys(Walk(walk, at_end), Keys(100, 200));
  Change([&](StateBatch& batch) {
    batch.DeleteRow(static_cast<uint32_t>(keys_[99].number()));
    batch.DeleteId(SlotOf(keys_[99]), keys_[99]);
  });
  ExpectKeys(Walk(walk, at_end), Keys(100, 200));
}

TEST_F(StateWalkTest, KeepsToItsSlots) {
  const auto middle =
      static_cast<size_t>(std::find_if(keys_.begin(), keys_.end(),
                                       [](const auto& key) { return SlotOf(key) >= 2000; }) -
                          keys_.begin());
  bool at_end = false;
  StateStore::PointWalk walk{.limit = 1000};
  walk.range.slot_end = 2000;
  ExpectKeys(Walk(walk, at_end), Keys(0, middle));
  EXPECT_TRUE(at_end);
  walk.range = {2000, limits::kSlots, {}};
  ExpectKeys(Walk(walk, at_end), Keys(middle, kPoints - middle));
  EXPECT_TRUE(at_end);
}

TEST_F(StateWalkTest, GivesVersionVectorAndPayloadTogether) {
  const auto ended = store_->WalkPoints({.limit = kPoints}, [](const RowRecord& record) {
    const std::string text = std::to_string(record.key.number());
    EXPECT_EQ(record.version, record.key.number() + 1);
    EXPECT_EQ(record.vector, "v" + text);
    EXPECT_EQ(record.payload, "p" + text);
    return Visit::kTaken;
  });
  EXPECT_TRUE(ended.ok()) << ended.status();
  EXPECT_TRUE(store_
                  ->WalkPoints({.parts = PointParts::kIdAndVersion, .limit = kPoints},
                               [](const RowRecord& record) {
                                 EXPECT_EQ(record.version, record.key.number() + 1);
                                 EXPECT_EQ(record.vector, "");
                                 EXPECT_EQ(record.payload, "");
                                 return Visit::kTaken;
                               })
                  .ok());
}

// Rows are read a few at a time: without a snapshot the later ones would be gone, or newer.
TEST_F(StateWalkTest, SeesOneMomentWhateverIsWrittenWhileItWalks) {
  std::vector<uint64_t> versions;
  const auto ended = store_->WalkPoints({.limit = kPoints}, [&](const RowRecord& record) {
    if (versions.empty()) {
      Change([&](StateBatch& batch) {
        for (uint32_t n = 0; n < kPoints; ++n) {
          batch.DeleteRow(n);
          batch.PutRow({n + 1000, Key(n), 9999, "new", ""});
          batch.PutId(SlotOf(Key(n)), Key(n), {n + 1000, 9999});
        }
      });
    }
    EXPECT_EQ(record.vector, "v" + std::to_string(record.key.number()));
    versions.push_back(record.version);
    return Visit::kTaken;
  });
  EXPECT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(versions.size(), kPoints);
  EXPECT_EQ(std::count(versions.begin(), versions.end(), 9999u), 0);
}

TEST_F(StateWalkTest, EndsWhereTheVisitorSaysSo) {
  size_t seen = 0;
  const auto ended = store_->WalkPoints({.limit = kPoints}, [&](const RowRecord&) {
    return ++seen == 5 ? Visit::kStop : Visit::kTaken;
  });
  ASSERT_TRUE(ended.ok());
  EXPECT_FALSE(*ended);
  EXPECT_EQ(seen, 5u);
}

TEST_F(StateWalkTest, ARowThatAnIdNamesAndThatIsNotItsOwnIsDamage) {
  const auto status_of_walk = [&] {
    return store_->WalkPoints({.limit = kPoints}, [](const RowRecord&) { return Visit::kTaken; })
        .status();
  };
  Change([](StateBatch& batch) { batch.PutRow({7, Key(8), 8, "v8", "p8"}); });
  EXPECT_EQ(ReasonOf(status_of_walk()), reason::kCorruption) << "another point's";
  Change([](StateBatch& batch) { batch.PutRow({7, Key(7), 6, "v7", "p7"}); });
  EXPECT_EQ(ReasonOf(status_of_walk()), reason::kCorruption) << "of another version";
  Change([](StateBatch& batch) { batch.DeleteRow(7); });
  EXPECT_EQ(ReasonOf(status_of_walk()), reason::kCorruption) << "gone";
  EXPECT_EQ(status_of_walk().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace kith::storage
