// A node with a card: the same answers, whatever happens to the card. The card is emulated: its
// kernels are the real ones, run on the host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/search/card_batching.h"
#include "shard/search/card_choice.h"
#include "tests/support/gpu/emulated_card.h"
#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {
namespace {

using ::kith::testing::EmulatedCard;
using ::testing::ElementsAre;

class CardNodeTest : public NodeFixture {
 protected:
  void StartWithCard(const EmulatedCard::Options& card, const CardWorkerOptions& worker = {}) {
    StartWithCards(1, card, worker);
  }
  void StartWithCards(size_t count, const EmulatedCard::Options& card, CardWorkerOptions worker) {
    worker.residency.limits.batch_max = 64;
    worker.residency.limits.probes_max = 64;
    worker.residency.limits.segments_max = 16;
    std::vector<std::unique_ptr<CardWorker>> workers;
    for (size_t i = 0; i < count; ++i) {
      auto emulated = std::make_unique<EmulatedCard>(card);
      cards_.push_back(emulated.get());
      workers.push_back(std::make_unique<CardWorker>(std::move(emulated), worker));
    }
    card_ = cards_.front();
    worker_ = workers.front().get();
    options_.cards = std::make_shared<CardPool>(std::move(workers));
    ASSERT_TRUE(Start().ok());
  }
  // Takes the card away: what is answered then is the processor's.
  void StartWithoutCard() {
    node_.reset();
    options_.cards.reset();
    ASSERT_TRUE(Start().ok());
  }
  SearchCall SomeQuery(float angle) {
    SearchCall call = Query({20 * angle, 5 - angle}, 10);
    call.index_version = version_;
    call.nprobe = 4;
    call.refine = 50;
    call.rerank = 20;
    return call;
  }
  bool IsLoaded() {
    (void)Search(SomeQuery(0));
    const CardHealth health = worker_->health();
    return health.resident_rows != 0 && health.missing_rows == 0;
  }
  // All but every `n`-th point.
  SearchCall SomeFilteredQuery(float angle, uint64_t n) {
    Filter ids;
    ids.kind = Filter::Kind::kHasId;
    for (uint64_t id = n; id <= 3000; id += n) {
      ids.keys.append(reinterpret_cast<const char*>(PointKey::FromNumber(id).bytes.data()),
                      PointKey::kSize);
    }
    auto filter = std::make_shared<Filter>();
    filter->kind = Filter::Kind::kNoneOf;
    filter->parts.push_back(std::move(ids));
    SearchCall call = SomeQuery(angle);
    call.filter = std::move(filter);
    call.widens = true;
    return call;
  }
  void FillAndTrain() {
    ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
    Fill(1, 3000);
    TrainAndBuild(16, version_);
  }

  using CallOf = std::function<SearchCall(int)>;

  // Twenty answers of the card, with writes and deletes behind it, and the processor's.
  void ExpectSameWithoutCard(const CallOf& call_of) {
    StartWithCard({});
    FillAndTrain();
    ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsLoaded(); }));
    Fill(10'001, 200);
    for (uint64_t id = 1; id <= 300; ++id) ASSERT_TRUE(Write(Remove(id)).ok());
    // While merged rows go up to the card searches are answered without it: those do not count.
    std::vector<SearchReply> with_card;
    for (int tries = 0; with_card.size() < 20; ++tries) {
      ASSERT_LT(tries, 1000);
      const uint64_t before = worker_->health().counts.queries_on_card;
      const auto reply = Search(call_of(static_cast<int>(with_card.size())));
      ASSERT_TRUE(reply.ok()) << reply.status();
      if (worker_->health().counts.queries_on_card > before) with_card.push_back(*reply);
    }
    StartWithoutCard();
    for (int i = 0; i < 20; ++i) {
      const auto reply = Search(call_of(i));
      ASSERT_TRUE(reply.ok()) << reply.status();
      EXPECT_EQ(reply->keys, with_card[i].keys) << i;
      EXPECT_EQ(reply->scores, with_card[i].scores) << i;
      EXPECT_EQ(reply->filter_points, with_card[i].filter_points) << i;
    }
  }

  // The keys that each of forty calls finds.
  std::vector<std::string> AskOneByOne(const CallOf& call_of) {
    std::vector<std::string> keys;
    for (int i = 0; i < 40; ++i) keys.push_back(Search(call_of(i))->keys);
    return keys;
  }
  std::vector<std::string> AskAtOnce(const CallOf& call_of) {
    std::atomic<int> left{40};
    std::vector<std::string> keys(40);
    for (int i = 0; i < 40; ++i) {
      SearchCall call = call_of(i);
      call.shard = 7;
      call.incarnation = Spec(2).incarnation;
      node_->Search(std::move(call), Soon(), [&, i](absl::StatusOr<SearchReply> reply) {
        if (reply.ok()) keys[i] = reply->keys;
        --left;
      });
    }
    EXPECT_TRUE(Within(std::chrono::seconds(30), [&] { return left == 0; }));
    return keys;
  }

  std::string version_;
  std::vector<EmulatedCard*> cards_;
  EmulatedCard* card_ = nullptr;  // the first, and its worker
  CardWorker* worker_ = nullptr;
};

TEST_F(CardNodeTest, A_node_with_a_card_answers_as_one_without_through_writes_and_deletes) {
  ExpectSameWithoutCard([this](int i) { return SomeQuery(static_cast<float>(i) / 5); });
}

TEST_F(CardNodeTest, Under_filters_a_node_with_a_card_answers_as_one_without) {
  options_.filter_exact_rows = 100;
  ExpectSameWithoutCard([this](int i) {
    return SomeFilteredQuery(static_cast<float>(i) / 5, 3 + static_cast<uint64_t>(i) % 3);
  });
}

// A search under a filter that names no query only counts what passes: nothing for a card.
TEST_F(CardNodeTest, Ranges_and_later_pages_of_a_node_with_a_card_are_those_of_one_without) {
  ExpectSameWithoutCard([this](int i) {
    SearchCall call = SomeQuery(static_cast<float>(i) / 5);
    if (i % 2 == 0) call.score_bound = 40;
    if (i % 3 == 0) call.after = HitPlace{1, PointKey::FromNumber(1500)};
    return call;
  });
}

TEST_F(CardNodeTest, A_filter_without_a_query_is_not_for_the_card) {
  options_.filter_exact_rows = 100;
  StartWithCard({});
  FillAndTrain();
  SearchCall call = SomeFilteredQuery(0, 3);
  call.queries.clear();
  call.count = 0;
  const auto reply = Search(call);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->filter_points, 2000u);
}

TEST_F(CardNodeTest, A_card_that_fails_is_left_out_and_every_search_is_answered) {
  StartWithCard({});
  FillAndTrain();
  ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsLoaded(); }));
  const auto before = Search(SomeQuery(1));
  card_->Break();
  const auto after = Search(SomeQuery(1));
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->keys, before->keys);
  EXPECT_TRUE(worker_->health().is_lost);
  const uint64_t batches = worker_->health().counts.batches;
  ASSERT_TRUE(Search(SomeQuery(2)).ok());
  EXPECT_EQ(worker_->health().counts.batches, batches);
  EXPECT_EQ(worker_->health().resident_rows, 0u);
}

TEST_F(CardNodeTest, A_card_that_fails_amid_its_batches_leaves_none_of_them_unanswered) {
  StartWithCard({});
  FillAndTrain();
  ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsLoaded(); }));
  const auto call_of = [this](int i) { return SomeQuery(static_cast<float>(i) / 10); };
  const std::vector<std::string> expected = AskOneByOne(call_of);
  std::thread fault([&] {
    const uint64_t before = worker_->health().counts.overlapped;
    (void)Within(std::chrono::seconds(30),
                 [&] { return worker_->health().counts.overlapped > before; });
    card_->Break();
  });
  while (!worker_->health().is_lost) EXPECT_TRUE(AskAtOnce(call_of) == expected);
  EXPECT_TRUE(AskAtOnce(call_of) == expected);
  fault.join();
}

TEST_F(CardNodeTest, An_index_that_the_card_has_no_room_for_is_searched_on_the_processor) {
  StartWithCard({.memory_bytes = 1 << 20});
  FillAndTrain();
  const auto reply = Search(SomeQuery(1));
  ASSERT_TRUE(reply.ok()) << reply.status();
  const CardHealth health = worker_->health();
  EXPECT_EQ(health.counts.queries_on_card, 0u);
  EXPECT_NE(health.fault.find("too small"), std::string::npos) << health.fault;
  EXPECT_EQ(card_->used_bytes(), 0u);
}

TEST_F(CardNodeTest, Where_the_card_is_required_a_search_without_it_is_refused_with_the_reason) {
  CardWorkerOptions worker;
  worker.is_required = true;
  StartWithCard({.memory_bytes = 1 << 20}, worker);
  FillAndTrain();
  const auto reply = Search(SomeQuery(1));
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(ReasonOf(reply.status()), reason::kGpuRequired);
  EXPECT_NE(reply.status().message().find("too small"), std::string::npos) << reply.status();
  // What compares every row needs no card.
  SearchCall exact = SomeQuery(1);
  exact.exact = true;
  EXPECT_TRUE(Search(exact).ok());
}

TEST_F(CardNodeTest, What_a_dropped_shard_had_on_the_card_is_free_again) {
  StartWithCard({});
  FillAndTrain();
  ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsLoaded(); }));
  EXPECT_EQ(worker_->health().memory.total(), card_->used_bytes());
  ASSERT_TRUE(node_->DropShard(7, Spec(2).incarnation, Soon()).ok());
  EXPECT_TRUE(Within(std::chrono::seconds(10), [&] { return card_->used_bytes() == 0; }));
}

TEST_F(CardNodeTest, Shards_take_cards_by_turns_and_the_card_of_a_dropped_one_is_taken_next) {
  StartWithCards(2, {}, {});
  FillAndTrain();
  ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsLoaded(); }));
  EXPECT_EQ(cards_[1]->used_bytes(), 0u);
  const auto add = [&](ShardId shard) {
    shard_ = shard;
    ShardSpec spec = Spec(2);
    spec.shard = shard;
    ASSERT_TRUE(node_->CreateShard(spec, Soon()).ok());
    Fill(1, 3000);
    ASSERT_TRUE(node_->BuildIndex(shard, version_, Soon()).ok());
    ASSERT_TRUE(Within(std::chrono::seconds(60),
                       [&] { return Search(SomeQuery(0)).ok() && cards_[1]->used_bytes() != 0; }));
  };
  ASSERT_NO_FATAL_FAILURE(add(8));
  EXPECT_NE(cards_[0]->used_bytes(), 0u);
  ASSERT_TRUE(node_->DropShard(8, Spec(2).incarnation, Soon()).ok());
  ASSERT_TRUE(Within(std::chrono::seconds(10), [&] { return cards_[1]->used_bytes() == 0; }));
  ASSERT_NO_FATAL_FAILURE(add(9));
}

TEST_F(CardNodeTest, A_copy_does_not_take_a_card_that_failed) {
  StartWithCards(2, {}, {});
  FillAndTrain();
  ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsLoaded(); }));
  EXPECT_EQ(options_.cards->Take(), options_.cards->workers()[1].get());
  cards_[0]->Break();
  ASSERT_TRUE(Search(SomeQuery(1)).ok());
  ASSERT_TRUE(worker_->health().is_lost);
  EXPECT_EQ(options_.cards->Take(), options_.cards->workers()[1].get());
  options_.cards->GiveBack(options_.cards->workers()[1].get());
  options_.cards->GiveBack(options_.cards->workers()[1].get());
}

TEST_F(CardNodeTest, Where_all_cards_failed_and_one_is_required_a_copy_made_since_refuses_too) {
  CardWorkerOptions worker;
  worker.is_required = true;
  StartWithCard({}, worker);
  FillAndTrain();
  card_->Break();
  EXPECT_EQ(ReasonOf(Search(SomeQuery(1)).status()), reason::kGpuRequired);
  ASSERT_TRUE(worker_->health().is_lost);
  EXPECT_EQ(options_.cards->Take(), worker_) << "without a worker the processor would answer";
  options_.cards->GiveBack(worker_);
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsReady(version_); }));
  EXPECT_EQ(ReasonOf(Search(SomeQuery(1)).status()), reason::kGpuRequired);
}

TEST_F(CardNodeTest, While_the_card_runs_a_batch_the_next_is_encoded) {
  StartWithCard({});
  FillAndTrain();
  ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsLoaded(); }));
  const auto call_of = [this](int i) { return SomeQuery(static_cast<float>(i) / 10); };
  const std::vector<std::string> expected = AskOneByOne(call_of);
  ASSERT_TRUE(Within(std::chrono::seconds(30), [&] {
    EXPECT_TRUE(AskAtOnce(call_of) == expected);
    return worker_->health().counts.overlapped > 0;
  }));
}

TEST_F(CardNodeTest, An_index_that_makes_way_for_another_does_so_behind_the_batch_that_uses_it) {
  StartWithCard({});
  FillAndTrain();
  const std::string first = version_;
  std::string second;
  TrainAndBuild(20, second);
  const auto call_of = [&](int i) {
    SearchCall call = SomeQuery(static_cast<float>(i) / 10);
    call.index_version = i % 2 == 0 ? first : second;
    return call;
  };
  ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsLoaded(); }));
  // From now on there is room for one of them.
  card_->SetForeignBytes((uint64_t{1} << 30) - card_->used_bytes() * 3 / 2);
  uint64_t dropped = 0;
  std::vector<std::vector<std::string>> found;
  for (int round = 0; round < 10; ++round) {
    ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsLoaded(); }));
    const uint64_t used = card_->used_bytes();
    found.push_back(AskAtOnce(call_of));
    dropped += card_->used_bytes() != used;
  }
  EXPECT_GT(dropped, 0u) << "nothing made way: the test says nothing";
  card_->SetForeignBytes(0);
  const std::vector<std::string> expected = AskOneByOne(call_of);
  for (const auto& keys : found) EXPECT_TRUE(keys == expected);
}

// Searches go on all the time, so that the card has always something to do.
TEST_F(CardNodeTest, A_dropped_index_leaves_the_card_while_searches_of_another_never_end) {
  CardWorkerOptions worker;
  worker.batching.full = 1;  // one runs and another is encoded, always
  StartWithCard({}, worker);
  FillAndTrain();
  ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsLoaded(); }));
  const std::string first = version_;
  TrainAndBuild(20, version_);
  ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsLoaded(); }));
  std::atomic<bool> stops{false};
  std::atomic<int> left{12};
  std::function<void()> ask = [&] {
    if (stops) {
      --left;
      return;
    }
    SearchCall call = SomeQuery(1);
    call.shard = 7;
    call.incarnation = Spec(2).incarnation;
    node_->Search(std::move(call), Soon(), [&](const absl::StatusOr<SearchReply>& reply) {
      EXPECT_TRUE(reply.ok()) << reply.status();
      ask();
    });
  };
  for (int i = 0; i < 12; ++i) ask();
  const uint64_t both = card_->used_bytes();
  EXPECT_TRUE(node_->DropIndex(7, first, Soon()).ok());
  EXPECT_TRUE(Within(std::chrono::seconds(30), [&] { return card_->used_bytes() < both; }));
  stops = true;
  EXPECT_TRUE(Within(std::chrono::seconds(30), [&] { return left == 0; }));
}

TEST_F(CardNodeTest, Calls_that_come_together_share_batches_and_each_gets_its_own_answers) {
  StartWithCard({});
  FillAndTrain();
  ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsLoaded(); }));
  const uint64_t before = worker_->health().counts.batches;
  const auto call_of = [this](int i) { return SomeQuery(static_cast<float>(i) / 10); };
  const std::vector<std::string> expected = AskOneByOne(call_of);
  const uint64_t alone = worker_->health().counts.batches - before;
  EXPECT_TRUE(AskAtOnce(call_of) == expected);
  EXPECT_EQ(alone, 40u);
  EXPECT_LT(worker_->health().counts.batches - before - alone, 40u);
}

TEST_F(CardNodeTest,
       Calls_of_several_filters_and_of_none_that_come_together_get_their_own_answers) {
  options_.filter_exact_rows = 100;
  StartWithCard({});
  FillAndTrain();
  ASSERT_TRUE(Within(std::chrono::seconds(30), [&] { return IsLoaded(); }));
  const uint64_t before = worker_->health().counts.queries_on_card;
  const auto call_of = [this](int i) {
    const float angle = static_cast<float>(i / 4) / 10;
    return i % 4 == 0 ? SomeQuery(angle)
                      : SomeFilteredQuery(angle, 3 + static_cast<uint64_t>(i) % 4);
  };
  const std::vector<std::string> expected = AskOneByOne(call_of);
  EXPECT_TRUE(AskAtOnce(call_of) == expected);
  EXPECT_EQ(worker_->health().counts.queries_on_card - before, 80u);
}

TEST(CardBatchingTest, A_query_that_finds_the_card_idle_goes_at_once_and_others_within_the_budget) {
  const CardBatching batching{std::chrono::microseconds(80), 100};
  const Deadline arrival = DeadlineIn(std::chrono::seconds(0));
  EXPECT_EQ(LaunchTime(batching, {1, arrival, /*found_card_idle=*/true}), arrival);
  EXPECT_EQ(LaunchTime(batching, {1, arrival, false}), arrival + std::chrono::microseconds(80));
  EXPECT_EQ(LaunchTime(batching, {100, arrival, false}), arrival);
}

TEST(CardBatchingTest, While_the_card_runs_others_as_many_go_to_be_encoded_meanwhile) {
  const CardBatching batching{std::chrono::microseconds(80), 100};
  const Deadline arrival = DeadlineIn(std::chrono::seconds(0));
  EXPECT_EQ(LaunchTime(batching, {9, arrival, false, /*running=*/10}), Deadline::max());
  EXPECT_EQ(LaunchTime(batching, {10, arrival, false, 10}), arrival);
  EXPECT_EQ(LaunchTime(batching, {100, arrival, false, 500}), arrival) << "a full batch";
}

class CardChoiceTest : public ::testing::Test {
 protected:
  CardSource Source() {
    return {[this] { return found_; },
            [this](uint32_t ordinal) -> index::Result<std::unique_ptr<index::gpu::Card>> {
              if (ordinal == fails_) {
                return index::Status(index::Code::kFailedPrecondition, "GPU_LOST",
                                     "it does not open");
              }
              opened_.push_back(ordinal);
              return std::unique_ptr<index::gpu::Card>(std::make_unique<EmulatedCard>());
            }};
  }
  void AddCard(uint32_t capability, uint64_t free_bytes) {
    index::gpu::CardReport card;
    card.ordinal = static_cast<uint32_t>(found_.cards.size());
    card.capability = capability;
    card.free_bytes = free_bytes;
    found_.cards.push_back(card);
  }
  index::gpu::CardsFound found_{{}, "there is no NVIDIA driver on this machine"};
  std::vector<uint32_t> opened_;
  uint32_t fails_ = 99;
};

TEST_F(CardChoiceTest, Of_several_cards_the_one_with_the_most_free_memory_is_taken) {
  AddCard(90, 10);
  AddCard(75, 40);  // no kernels for it
  AddCard(80, 30);
  ASSERT_TRUE(ChooseCards({}, Source()).ok());
  EXPECT_THAT(opened_, ElementsAre(2));
  opened_.clear();
  ASSERT_TRUE(ChooseCards({Engine::kGpu, "0", false}, Source()).ok());
  EXPECT_THAT(opened_, ElementsAre(0));
}

TEST_F(CardChoiceTest, All_are_those_for_which_there_are_kernels_and_that_open) {
  AddCard(90, 10);
  AddCard(75, 40);
  AddCard(80, 30);
  AddCard(90, 20);
  fails_ = 2;
  const auto cards = ChooseCards({Engine::kGpu, "all", true}, Source());
  ASSERT_TRUE(cards.ok());
  EXPECT_EQ(cards->size(), 2u);
  EXPECT_THAT(opened_, ElementsAre(0, 3));
  found_.cards.resize(2);
  found_.cards.erase(found_.cards.begin());
  EXPECT_EQ(ReasonOf(ChooseCards({Engine::kGpu, "all", true}, Source()).status()),
            reason::kGpuRequired);
}

TEST_F(CardChoiceTest, Without_a_card_searches_run_on_the_processor_unless_one_is_required) {
  for (const Engine engine : {Engine::kAuto, Engine::kGpu}) {
    const auto none = ChooseCards({engine, "auto", false}, Source());
    ASSERT_TRUE(none.ok());
    EXPECT_TRUE(none->empty());
    const auto refused = ChooseCards({engine, "auto", true}, Source());
    EXPECT_EQ(ReasonOf(refused.status()), reason::kGpuRequired);
    EXPECT_NE(refused.status().message().find("no NVIDIA driver"), std::string::npos);
  }
}

TEST_F(CardChoiceTest, A_card_that_is_not_there_or_too_old_is_named) {
  AddCard(75, 10);
  EXPECT_NE(ChooseCards({Engine::kGpu, "auto", true}, Source()).status().message().find("7.5"),
            std::string::npos);
  EXPECT_NE(ChooseCards({Engine::kGpu, "3", true}, Source()).status().message().find("no card 3"),
            std::string::npos);
}

TEST_F(CardChoiceTest, The_engine_cpu_looks_for_no_card) {
  AddCard(90, 10);
  const auto none = ChooseCards({Engine::kCpu, "auto", false}, Source());
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->empty());
  EXPECT_TRUE(opened_.empty());
  EXPECT_EQ(ReasonOf(ChooseCards({Engine::kCpu, "auto", true}, Source()).status()),
            reason::kGpuRequired);
}

}  // namespace
}  // namespace kith::shard
