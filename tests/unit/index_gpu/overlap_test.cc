#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "tests/unit/index_gpu/agreement.h"

// Batches that are encoded while others run: each answers what it was asked, as of when it was.
namespace kith::index::gpu {
namespace {

using ::kith::testing::EmulatedCard;

// Some questions, all that they are asked of, and what the card found.
struct Call {
  Call(CardCollection& collection, const ResidentIndex& index, uint32_t count)
      : tombstones(collection.tombstones), segments(collection.segments) {
    view = collection.View();
    view.tombstones = &tombstones;
    view.segments = segments;
    scope = ScopeOf(index, view);
    options.nprobe = 12;
    options.refine = 60;
    options.rerank = 30;
    for (uint32_t i = 0; i < count; ++i) vectors.push_back(collection.RandomQuery());
    for (const auto& vector : vectors) questions.push_back({vector.data(), &options});
    answers.resize(count);
  }
  void Begin(CardAsker& asker, ResidentIndex& index) {
    const Result<uint64_t> begun = asker.Begin(index, {view, scope}, questions, answers);
    ASSERT_TRUE(begun.ok()) << begun.status().message();
    ticket = *begun;
  }
  void ExpectRight() {
    Asked asked;
    asked.raw = answers;
    asked.of_card.resize(answers.size());
    asked.of_cpu.resize(answers.size());
    SearchWorkspace workspace;
    CardFinisher finisher(workspace);
    for (size_t i = 0; i < answers.size(); ++i) {
      EXPECT_TRUE(answers[i].is_of_card);
      EXPECT_TRUE(finisher.Finish({view, scope}, questions[i], answers[i], asked.of_card[i]).ok());
      EXPECT_TRUE(Search({view, vectors[i].data()}, options, workspace, asked.of_cpu[i]).ok());
    }
    ExpectSameHitsButForTies(asked, options);
  }

  const Tombstones tombstones;
  const std::vector<std::shared_ptr<const ListSegment>> segments;
  IndexView view;
  CardScope scope;
  SearchOptions options;
  std::vector<std::vector<std::byte>> vectors;
  std::vector<CardQuestion> questions;
  std::vector<CardAnswer> answers;
  uint64_t ticket = 0;
};

class Overlap : public ::testing::Test {
 protected:
  void Make(const CollectionShape& shape) {
    collection_ = std::make_unique<CardCollection>(shape, 23);
    index_ = LoadAll(card_, *collection_, collection_->Options());
    ASSERT_NE(index_, nullptr);
  }
  Call& Begin(uint32_t count) {
    calls_.push_back(std::make_unique<Call>(*collection_, *index_, count));
    calls_.back()->Begin(asker_, *index_);
    return *calls_.back();
  }
  // The oldest.
  void End() {
    ASSERT_TRUE(asker_.Await(calls_.front()->ticket).ok());
    calls_.front()->ExpectRight();
    calls_.pop_front();
  }
  void SetFilter(double share) {
    filters_.push_back({std::move(collection_->allowed), std::move(collection_->allowed_lists)});
    collection_->SetFilter(share);
  }
  void ClearFilter() {
    filters_.push_back({std::move(collection_->allowed), std::move(collection_->allowed_lists)});
    collection_->allowed.clear();
  }
  void KillSome(uint32_t every) {
    std::vector<uint32_t> dead;
    for (uint32_t row = every; row < 600; row += 2 * every) dead.push_back(row);
    collection_->tombstones = collection_->tombstones.With(dead);
  }

  EmulatedCard card_;
  std::unique_ptr<CardCollection> collection_;
  std::unique_ptr<ResidentIndex> index_;
  CardAsker asker_;
  std::deque<std::unique_ptr<Call>> calls_;

 private:
  struct Filter {
    std::vector<uint64_t> allowed;
    std::unique_ptr<AllowedLists> lists;
  };
  std::vector<Filter> filters_;  // of calls
};

TEST_F(Overlap, A_batch_is_encoded_while_another_runs_and_each_has_its_own_answers) {
  Make({});
  Call& first = Begin(8);
  Call& second = Begin(5);
  EXPECT_EQ(card_.batches(), 0u) << "the card is waited for where there is no need";
  EXPECT_FALSE(*asker_.IsDone(first.ticket));
  Call& third = Begin(7);  // takes the place of the first
  EXPECT_TRUE(*asker_.IsDone(first.ticket));
  EXPECT_FALSE(*asker_.IsDone(second.ticket));
  while (!*asker_.IsDone(second.ticket)) continue;
  EXPECT_FALSE(*asker_.IsDone(third.ticket));
  while (!calls_.empty()) End();
}

TEST_F(Overlap, More_questions_than_a_batch_has_room_for_are_several_that_overlap) {
  Make({});
  Begin(3 * 8 + 1);
  EXPECT_EQ(card_.batches(), 2u) << "two of the four still run";
  Begin(2);
  while (!calls_.empty()) End();
  EXPECT_EQ(card_.batches(), 5u);
}

TEST_F(Overlap, Rows_that_die_between_two_batches_are_alive_in_the_first) {
  CollectionShape shape;
  shape.dead_share = 0;
  Make(shape);
  for (uint32_t every = 1; every < 8; ++every) {
    Begin(4);
    KillSome(2 * every);
    Begin(4);
    End();
    KillSome(2 * every + 1);
    Begin(4);
    End();
    End();
  }
}

// The bits of a filter and of tombstones are sent through memory of their own, which a copy that is
// still to be made may read.
TEST_F(Overlap, Filters_and_none_come_by_turns_with_batches_under_way) {
  Make({});
  for (int round = 0; round < 6; ++round) {
    SetFilter(0.3 + 0.1 * round);
    Begin(3);
    SetFilter(0.2);
    Begin(3);
    ClearFilter();
    KillSome(3 + static_cast<uint32_t>(round));
    Begin(3);
    while (calls_.size() > 1) End();
  }
  End();
}

TEST_F(Overlap, Room_for_more_rows_is_taken_when_nothing_runs) {
  CollectionShape shape;
  shape.points = 8000;
  shape.tail = 0;
  collection_ = std::make_unique<CardCollection>(shape, 3);
  collection_->tombstones = Tombstones().WithRange(2000, 2500).WithRange(6000, 6100);
  ResidentOptions small = collection_->Options();
  small.load.rows_end = 4000;
  index_ = LoadAll(card_, *collection_, small);
  ASSERT_NE(index_, nullptr);
  // Before the rows above 4,000 came, which the other segment has.
  calls_.push_back(std::make_unique<Call>(*collection_, *index_, 4));
  Call& few = *calls_.back();
  few.view.segments = few.view.segments.first(1);
  few.view.rows.row_end = few.view.indexed_end = 4000;
  few.scope = ScopeOf(*index_, few.view);
  few.Begin(asker_, *index_);
  Begin(4);
  while (!calls_.empty()) End();
}

TEST_F(Overlap, A_segment_goes_and_another_comes_behind_the_batches_that_look_at_it) {
  CollectionShape shape;
  shape.segments = 3;
  Make(shape);
  const auto segments = collection_->segments;
  for (const size_t gone : {0u, 2u, 1u}) {
    Begin(4);
    Begin(4);
    auto fewer = segments;
    fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(gone));
    for (const auto& wanted : {fewer, segments}) {
      Result<bool> more = true;
      while (*more) {
        more = index_->Step(wanted);
        ASSERT_TRUE(more.ok());
      }
    }
    while (!calls_.empty()) End();
  }
}

TEST_F(Overlap, A_card_that_fails_leaves_calls_unanswered_and_is_done_with_them) {
  Make({});
  const uint64_t ticket = Begin(4).ticket;
  Begin(4);
  card_.Break();
  EXPECT_EQ(asker_.Await(ticket).reason(), kCardLost);
  asker_.Drop();
  EXPECT_TRUE(asker_.Await(calls_.back()->ticket).ok());
  for (const CardAnswer& answer : calls_.back()->answers) EXPECT_FALSE(answer.is_of_card);
}

}  // namespace
}  // namespace kith::index::gpu
