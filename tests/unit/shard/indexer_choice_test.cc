#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "shard/maintenance/indexer.h"

namespace kith::shard {
namespace {

Snapshot Holding(std::vector<BuiltIndex> indexes) {
  Snapshot snapshot;
  snapshot.row_end = 1'000'000;
  snapshot.indexes = std::move(indexes);
  return snapshot;
}

std::shared_ptr<const index::IndexVersion> VersionOf(uint32_t lists) {
  auto version = std::make_shared<index::IndexVersion>();
  version->parameters.lists = lists;
  return version;
}

BuiltIndex Building(uint32_t indexed_end) {
  BuiltIndex index;
  index.version = VersionOf(4096);
  index.indexed_end = indexed_end;
  return index;
}

BuiltIndex Ready(uint32_t indexed_end) {
  BuiltIndex index = Building(indexed_end);
  index.ready = true;
  return index;
}

TEST(ChooseToEncode, TheVersionWithTheMostRowsWaitingIsNext) {
  const Snapshot snapshot = Holding({Ready(900'000), Ready(600'000)});
  EXPECT_EQ(ChooseToEncode(snapshot, Pace::kBusy), &snapshot.indexes[1]);
  const Snapshot turned = Holding({Ready(600'000), Ready(900'000)});
  EXPECT_EQ(ChooseToEncode(turned, Pace::kBusy), &turned.indexes[0]);
}

TEST(ChooseToEncode, OneThatDoesNotServeYetGoesFirst) {
  const Snapshot snapshot = Holding({Ready(100'000), Building(999'999)});
  EXPECT_EQ(ChooseToEncode(snapshot, Pace::kBusy), &snapshot.indexes[1]);
}

TEST(ChooseToEncode, AShortTailWaitsUntilItIsQuiet) {
  const Snapshot snapshot = Holding({Ready(999'990)});
  EXPECT_EQ(ChooseToEncode(snapshot, Pace::kBusy), nullptr);
  EXPECT_EQ(ChooseToEncode(snapshot, Pace::kQuiet), &snapshot.indexes[0]);
  const Snapshot done = Holding({Ready(1'000'000)});
  EXPECT_EQ(ChooseToEncode(done, Pace::kQuiet), nullptr);
}

// Each row that waits costs every search; each segment costs one something in each list.
TEST(ChooseToEncode, MoreListsLetMoreRowsWait) {
  EXPECT_EQ(ShortTail({.lists = 16}), 1'024u);
  EXPECT_EQ(ShortTail({.lists = 16'384}), 4'096u);
  EXPECT_EQ(ShortTail({.lists = 262'144}), 8'192u);
  Snapshot snapshot = Holding({Ready(1'000'000 - 1'024)});
  EXPECT_EQ(ChooseToEncode(snapshot, Pace::kBusy), &snapshot.indexes[0]);
  snapshot.indexes[0].version = VersionOf(16'384);
  EXPECT_EQ(ChooseToEncode(snapshot, Pace::kBusy), nullptr);
}

}  // namespace
}  // namespace kith::shard
