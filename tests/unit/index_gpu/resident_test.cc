// What is on a card: loading, dropping, tombstones, room, and a card that fails.
#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/index_gpu/card_collection.h"

namespace kith::index::gpu {
namespace {

using ::kith::testing::EmulatedCard;

TEST(ResidentIndexTest, Memory_is_what_the_plan_said_before) {
  CollectionShape shape;
  shape.points = 20'000;
  shape.lists = 64;
  CardCollection collection(shape);
  EmulatedCard card;
  ResidentOptions options = collection.Options();
  options.load.pages /= 2;  // what the segments take
  const auto index = LoadAll(card, collection, options);
  ASSERT_NE(index, nullptr);
  EXPECT_FALSE(index->is_full());
  const CardPlan plan = PlanCard(collection.version->parameters, options.load, options.limits);
  EXPECT_EQ(index->memory().total(), card.used_bytes());
  EXPECT_NEAR(static_cast<double>(card.used_bytes()), static_cast<double>(plan.total()),
              0.03 * static_cast<double>(plan.total()));
  EXPECT_LE(card.used_bytes(), plan.total());
}

TEST(ResidentIndexTest, A_card_that_is_too_small_is_refused_before_anything_is_allocated) {
  CardCollection collection(CollectionShape{});
  EmulatedCard card({.memory_bytes = 1 << 16});
  const auto index = ResidentIndex::Create(card, collection.version, collection.Options());
  ASSERT_FALSE(index.ok());
  EXPECT_EQ(index.status().reason(), kCardTooSmall);
  EXPECT_NE(index.status().message().find("MB too small"), std::string::npos)
      << index.status().message();
  EXPECT_EQ(card.used_bytes(), 0u);
}

TEST(ResidentIndexTest, What_another_process_took_meanwhile_is_out_of_memory_and_leaves_nothing) {
  CardCollection collection(CollectionShape{});
  EmulatedCard card;
  const uint64_t needed = [&] {
    const auto index = ResidentIndex::Create(card, collection.version, collection.Options());
    return card.used_bytes();
  }();
  ASSERT_EQ(card.used_bytes(), 0u);
  // The card's report is made before the other process comes.
  class Late final : public Card {
   public:
    Late(EmulatedCard& card, uint64_t foreign) : card_(card), foreign_(foreign) {}
    CardReport report() const override {
      const CardReport report = card_.report();
      card_.SetForeignBytes(foreign_);
      return report;
    }
    Result<void*> Allocate(uint64_t bytes) override { return card_.Allocate(bytes); }
    void Free(void* memory) override { card_.Free(memory); }
    Result<void*> AllocatePinned(uint64_t bytes) override { return card_.AllocatePinned(bytes); }
    void FreePinned(void* memory) override { card_.FreePinned(memory); }
    Status CopyIn(const CardCopy& copy) override { return card_.CopyIn(copy); }
    Status CopyOut(const CardCopy& copy) override { return card_.CopyOut(copy); }
    Status Clear(void* memory, uint64_t bytes) override { return card_.Clear(memory, bytes); }
    Status Prepare(const ScanShape& shape) override { return card_.Prepare(shape); }
    Status Run(const BatchView& batch, const BatchLaunch& launch) override {
      return card_.Run(batch, launch);
    }
    Result<uint64_t> Mark() override { return card_.Mark(); }
    Result<bool> IsDone(uint64_t mark) override { return card_.IsDone(mark); }
    Status Await(uint64_t mark) override { return card_.Await(mark); }
    Status Wait() override { return card_.Wait(); }

   private:
    EmulatedCard& card_;
    uint64_t foreign_;
  };
  Late late(card, (uint64_t{1} << 30) - needed / 2);
  const auto index = ResidentIndex::Create(late, collection.version, collection.Options());
  ASSERT_FALSE(index.ok());
  EXPECT_EQ(index.status().reason(), kCardFull);
  EXPECT_EQ(card.used_bytes(), 0u);
}

TEST(ResidentIndexTest, A_shape_that_the_kernels_do_not_take_is_named) {
  CardCollection collection(CollectionShape{});
  collection.version->parameters.subspaces = 65;
  EmulatedCard card;
  const auto index = ResidentIndex::Create(card, collection.version, collection.Options());
  ASSERT_FALSE(index.ok());
  EXPECT_EQ(index.status().reason(), kCardShape);
}

TEST(ResidentIndexTest, Tables_that_do_not_fit_a_block_of_the_card_are_refused) {
  CollectionShape shape;
  shape.dimension = 64;
  shape.subspaces = 64;
  CardCollection collection(shape);
  EmulatedCard card({.block_shared_bytes = 99 << 10});
  const auto index = ResidentIndex::Create(card, collection.version, collection.Options());
  ASSERT_FALSE(index.ok());
  EXPECT_EQ(index.status().reason(), kCardShape);
  EXPECT_EQ(card.used_bytes(), 0u);
}

TEST(ResidentIndexTest, Segments_come_and_go_and_their_pages_are_used_again) {
  CollectionShape shape;
  shape.points = 400;
  CardCollection collection(shape);
  EmulatedCard card;
  ResidentOptions options = collection.Options();
  const auto index = LoadAll(card, collection, options);
  ASSERT_NE(index, nullptr);
  const auto first = collection.segments[0];
  for (int round = 0; round < 20; ++round) {
    collection.segments.erase(collection.segments.begin());
    std::vector<uint32_t> rows(200);
    for (uint32_t i = 0; i < 200; ++i) rows[i] = i;
    collection.AddSegment(rows);
    while (*index->Step(collection.segments)) {
    }
    EXPECT_FALSE(index->is_full());
    for (const auto& segment : collection.segments) EXPECT_TRUE(index->Has(segment.get()));
  }
  EXPECT_FALSE(index->Has(first.get()));
  EXPECT_EQ(index->memory().total(), card.used_bytes());
}

TEST(ResidentIndexTest, A_segment_without_room_stays_out_until_something_is_dropped) {
  CollectionShape shape;
  shape.points = 600;
  shape.segments = 3;
  shape.lists = 2;
  CardCollection collection(shape);
  EmulatedCard card;
  ResidentOptions options = collection.Options();
  options.load.pages = options.load.pages * 3 / 8;  // three quarters of what the segments take
  const auto index = LoadAll(card, collection, options);
  ASSERT_NE(index, nullptr);
  EXPECT_TRUE(index->is_full());
  EXPECT_FALSE(index->Has(collection.segments[2].get()));
  collection.segments.erase(collection.segments.begin());
  while (*index->Step(collection.segments)) {
  }
  EXPECT_FALSE(index->is_full());
  EXPECT_TRUE(index->Has(collection.segments[1].get()));
}

TEST(ResidentIndexTest, Rows_that_die_between_two_batches_are_gone_in_the_second) {
  CollectionShape shape;
  shape.dead_share = 0;
  shape.tail = 0;
  CardCollection collection(shape);
  EmulatedCard card;
  const auto index = LoadAll(card, collection, collection.Options());
  SearchOptions options;
  options.nprobe = 40;
  options.refine = 2000;
  options.rerank = 2000;
  const auto vector = collection.RandomQuery();
  CardAsker asker;
  SearchWorkspace workspace;
  CardFinisher finisher(workspace);
  for (int round = 0; round < 5; ++round) {
    const IndexView view = collection.View();
    const CardQuestion question = {vector.data(), &options};
    CardAnswer found;
    SearchAnswer answer;
    SearchAnswer expected;
    const CardScope scope = ScopeOf(*index, view);
    ASSERT_TRUE(asker.Ask(*index, {view, scope}, {&question, 1}, {&found, 1}).ok());
    for (const uint64_t hit : found.hits) {
      EXPECT_FALSE(collection.tombstones.IsDead(static_cast<uint32_t>(hit)));
    }
    ASSERT_TRUE(finisher.Finish({view, scope}, question, found, answer).ok());
    ASSERT_TRUE(Search({view, vector.data()}, options, workspace, expected).ok());
    ASSERT_EQ(answer.hits.size(), expected.hits.size());
    for (size_t i = 0; i < answer.hits.size(); ++i) {
      EXPECT_EQ(answer.hits[i].row, expected.hits[i].row);
    }
    std::vector<uint32_t> dead;
    for (size_t i = 0; i < 3; ++i) dead.push_back(answer.hits[i].row);
    collection.tombstones = collection.tombstones.With(dead);
  }
}

TEST(DeadRowsTest, Bits_follow_the_tombstones_also_where_rows_grow_beyond_the_first_room) {
  EmulatedCard card;
  DeadRows dead;
  ASSERT_TRUE(dead.Allocate(card, 100).ok());
  EXPECT_EQ(dead.bits(), nullptr);
  const auto expect = [&](const Tombstones& tombstones, uint32_t rows_end) {
    ASSERT_TRUE(dead.Follow(card, tombstones, rows_end).ok());
    ASSERT_TRUE(card.Wait().ok());
    for (uint32_t row = 0; row < rows_end; ++row) {
      ASSERT_EQ(dead.bits()[row / 32] >> (row % 32) & 1, tombstones.IsDead(row) ? 1u : 0u) << row;
    }
  };
  Tombstones tombstones = Tombstones().With(std::vector<uint32_t>{3, 99});
  expect(tombstones, 100);
  tombstones = tombstones.With(std::vector<uint32_t>{4096, 20'000}).WithRange(8192, 12'300);
  expect(tombstones, 20'001);
  // Pages that are dead as a whole and lie beyond all rows are not there.
  tombstones = tombstones.WithRange(1 << 24, 2 << 24).With(std::vector<uint32_t>{7});
  expect(tombstones, 20'001);
}

TEST(ResidentIndexTest, A_card_that_fails_says_so_and_goes_on_saying_so) {
  CardCollection collection(CollectionShape{});
  EmulatedCard card;
  const auto index = LoadAll(card, collection, collection.Options());
  card.Break();
  const IndexView view = collection.View();
  const auto vector = collection.RandomQuery();
  const SearchOptions options;
  const CardQuestion question = {vector.data(), &options};
  CardAnswer found;
  CardAsker asker;
  for (int i = 0; i < 2; ++i) {
    const Status status =
        asker.Ask(*index, {view, ScopeOf(*index, view)}, {&question, 1}, {&found, 1});
    EXPECT_EQ(status.reason(), kCardLost);
  }
  EXPECT_FALSE(found.is_of_card);
}

}  // namespace
}  // namespace kith::index::gpu
