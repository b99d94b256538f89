#include "shard/maintenance/indexer.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

namespace kith::shard {
namespace {

using Segment = std::shared_ptr<const index::ListSegment>;

std::shared_ptr<const index::IndexVersion> SmallVersion() {
  auto version = std::make_shared<index::IndexVersion>();
  version->hash = "v";
  version->parameters.lists = 4;
  version->parameters.dimension = 2;
  version->parameters.subspaces = 1;
  return version;
}

// Rows [begin, end), all of them beside the lists.
Segment SegmentOf(const index::IndexVersion& version, uint32_t begin, uint32_t end) {
  std::vector<uint32_t> rows;
  for (uint32_t row = begin; row < end; ++row) rows.push_back(row);
  const std::vector<index::ListSegment::CanonicalList> lists(version.lists());
  return index::ListSegment::FromCanonical(version, lists, std::move(rows));
}

Snapshot Holding(uint32_t row_end) {
  Snapshot snapshot;
  snapshot.row_end = row_end;
  snapshot.live_points = row_end;
  snapshot.indexes.push_back({SmallVersion(), {}, 0, false, false});
  return snapshot;
}

class IndexerTest : public ::testing::Test {
 protected:
  // Two segments of 100 rows, which are to become one.
  void SetUp() override {
    Snapshot snapshot = Holding(200);
    const index::IndexVersion& version = *snapshot.indexes[0].version;
    ASSERT_TRUE(AppendEncoded(snapshot, {"v", 0, 100, SegmentOf(version, 0, 100)}));
    ASSERT_TRUE(AppendEncoded(snapshot, {"v", 100, 200, SegmentOf(version, 100, 200)}));
    parts_.snapshots.Update([&](Snapshot& next) { next = std::move(snapshot); });
  }

  std::weak_ptr<const index::ListSegment> First() {
    return parts_.snapshots.Pin()->indexes[0].segments[0];
  }

  CopyParts parts_;
  Indexer indexer_{parts_, 1};
};

TEST_F(IndexerTest, ASearchThatEndsLastDoesNotFreeTheSegmentsThatWereMergedMeanwhile) {
  const auto merged_away = First();
  auto search = parts_.snapshots.Pin();
  indexer_.Merge(Pace::kQuiet);
  ASSERT_EQ(parts_.snapshots.Pin()->indexes[0].segments.size(), 1u);
  indexer_.FreeRetired();
  EXPECT_TRUE(indexer_.HasRetired()) << "a search reads them";
  search.reset();
  EXPECT_FALSE(merged_away.expired());
  indexer_.FreeRetired();
  EXPECT_TRUE(merged_away.expired());
  EXPECT_FALSE(indexer_.HasRetired());
}

TEST_F(IndexerTest, NorThoseOfAVersionThatWasDropped) {
  const auto dropped = First();
  auto search = parts_.snapshots.Pin();
  indexer_.Drop("v");
  search.reset();
  EXPECT_FALSE(dropped.expired());
  indexer_.FreeRetired();
  EXPECT_TRUE(dropped.expired());
}

TEST(AppendEncoded, PutsPartsBehindOneAnother) {
  Snapshot snapshot = Holding(300);
  const index::IndexVersion& version = *snapshot.indexes[0].version;
  EXPECT_TRUE(AppendEncoded(snapshot, {"v", 0, 100, SegmentOf(version, 0, 100)}));
  EXPECT_TRUE(AppendEncoded(snapshot, {"v", 100, 300, nullptr})) << "all dead";
  const BuiltIndex& index = snapshot.indexes[0];
  EXPECT_EQ(index.indexed_end, 300u);
  EXPECT_EQ(index.segments.size(), 1u);
  EXPECT_EQ(index.ends, std::vector<uint32_t>{100});
}

TEST(AppendEncoded, LeavesAVersionAloneThatWasDroppedMeanwhileOrAddedAnew) {
  Snapshot snapshot = Holding(300);
  const Segment late = SegmentOf(*snapshot.indexes[0].version, 100, 200);
  EXPECT_FALSE(AppendEncoded(snapshot, {"v", 100, 200, late})) << "it begins at row 0 again";
  EXPECT_EQ(snapshot.indexes[0].indexed_end, 0u);
  EXPECT_TRUE(snapshot.indexes[0].segments.empty());
  EXPECT_FALSE(AppendEncoded(snapshot, {"other", 0, 100, late}));
}

TEST(AppendEncoded, AnIndexIsReadyOnceFewRowsWait) {
  const auto most = static_cast<uint32_t>(limits::kTailRowsMin / 2);
  Snapshot snapshot = Holding(1000 + most);
  EXPECT_TRUE(AppendEncoded(snapshot, {"v", 0, 1000, nullptr}));
  EXPECT_FALSE(snapshot.indexes[0].ready);
  EXPECT_TRUE(AppendEncoded(snapshot, {"v", 1000, 1001, nullptr}));
  EXPECT_TRUE(snapshot.indexes[0].ready);
}

}  // namespace
}  // namespace kith::shard
