#include <gtest/gtest.h>

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

BuiltIndex Index(uint32_t indexed_end, bool ready) {
  BuiltIndex index;
  index.indexed_end = indexed_end;
  index.ready = ready;
  return index;
}

TEST(ChooseToEncode, TheVersionWithTheMostRowsWaitingIsNext) {
  const Snapshot snapshot = Holding({Index(900'000, true), Index(600'000, true)});
  EXPECT_EQ(ChooseToEncode(snapshot, Pace::kBusy), &snapshot.indexes[1]);
  const Snapshot turned = Holding({Index(600'000, true), Index(900'000, true)});
  EXPECT_EQ(ChooseToEncode(turned, Pace::kBusy), &turned.indexes[0]);
}

TEST(ChooseToEncode, OneThatDoesNotServeYetGoesFirst) {
  const Snapshot snapshot = Holding({Index(100'000, true), Index(999'999, false)});
  EXPECT_EQ(ChooseToEncode(snapshot, Pace::kBusy), &snapshot.indexes[1]);
}

TEST(ChooseToEncode, AShortTailWaitsUntilItIsQuiet) {
  const Snapshot snapshot = Holding({Index(999'990, true)});
  EXPECT_EQ(ChooseToEncode(snapshot, Pace::kBusy), nullptr);
  EXPECT_EQ(ChooseToEncode(snapshot, Pace::kQuiet), &snapshot.indexes[0]);
  const Snapshot done = Holding({Index(1'000'000, true)});
  EXPECT_EQ(ChooseToEncode(done, Pace::kQuiet), nullptr);
}

}  // namespace
}  // namespace kith::shard
