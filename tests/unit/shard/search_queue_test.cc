// Who is let in to a node's search threads, and whose turn is next.
#include "shard/search/search_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr auto kInteractive = SearchPriority::kInteractive;
constexpr auto kBatch = SearchPriority::kBatch;
constexpr auto kBackground = SearchPriority::kBackground;

class StandingClock final : public Clock {
 public:
  Deadline Now() const override { return Deadline(nanoseconds(now_ns_.load())); }
  uint64_t UnixMs() const override { return 0; }
  void Advance(nanoseconds span) { now_ns_ += span.count(); }

 private:
  std::atomic<int64_t> now_ns_{seconds(1000) / nanoseconds(1)};
};

constexpr Deadline kStart = Deadline(seconds(100));
constexpr auto kService = milliseconds(1);

TEST(QueuePatienceTest, ABurstMayWaitLongAndAStandingQueueMayNot) {
  QueuePatience patience(milliseconds(5));
  EXPECT_EQ(patience.Allowed(kStart, kService), milliseconds(100));
  patience.NoteWaiting(kStart);
  EXPECT_GT(patience.Allowed(kStart + milliseconds(50), kService), milliseconds(50));
  EXPECT_FALSE(patience.IsStanding(kStart + milliseconds(50)));
  EXPECT_EQ(patience.Allowed(kStart + seconds(1), kService), milliseconds(5));
  EXPECT_TRUE(patience.IsStanding(kStart + seconds(1)));
}

TEST(QueuePatienceTest, AMomentInWhichNothingWaitsIsNoReasonToTakeABurst) {
  QueuePatience patience(milliseconds(5));
  patience.NoteWaiting(kStart);
  Deadline now = kStart + seconds(1);
  for (int i = 0; i < 100; ++i) {
    patience.NoteEmpty(now);
    patience.NoteWaiting(now + milliseconds(1));
    EXPECT_EQ(patience.Allowed(now + milliseconds(1), kService), milliseconds(5)) << i;
    now += milliseconds(30);
  }
  EXPECT_TRUE(patience.IsStanding(now));
}

TEST(QueuePatienceTest, ItIsAsLongAsTheShareOfTheTimeInWhichNothingWaits) {
  QueuePatience patience(milliseconds(5));
  for (Deadline now = kStart; now < kStart + seconds(2); now += milliseconds(20)) {
    patience.NoteEmpty(now);
    patience.NoteWaiting(now + milliseconds(10));
  }
  const auto allowed = patience.Allowed(kStart + seconds(2), kService);
  EXPECT_GT(allowed, milliseconds(45));
  EXPECT_LT(allowed, milliseconds(55));
}

TEST(QueuePatienceTest, AfterAQuietWhileBurstsAreTakenAgain) {
  QueuePatience patience(milliseconds(5));
  patience.NoteWaiting(kStart);
  patience.NoteEmpty(kStart + seconds(10));
  EXPECT_GT(patience.Allowed(kStart + seconds(11), kService), milliseconds(99));
  EXPECT_FALSE(patience.IsStanding(kStart + seconds(11)));
}

TEST(QueuePatienceTest, SearchesThatTakeLongMayWaitForSomeOfThem) {
  QueuePatience patience(milliseconds(5));
  EXPECT_EQ(patience.Allowed(kStart, milliseconds(50)), milliseconds(600));
  patience.NoteWaiting(kStart);
  EXPECT_EQ(patience.Allowed(kStart + seconds(1), milliseconds(50)), milliseconds(150));
}

TEST(QueuePatienceTest, WithoutATargetAllMayWait) {
  QueuePatience patience{nanoseconds(0)};
  EXPECT_EQ(patience.Allowed(Deadline(seconds(100)), milliseconds(1)), nanoseconds::max());
}

class FairLanesTest : public ::testing::Test {
 protected:
  static std::shared_ptr<SearchFlow> FlowTaking(milliseconds a_query) {
    auto flow = std::make_shared<SearchFlow>();
    flow->query_ns.fill(static_cast<uint64_t>(nanoseconds(a_query).count()));
    return flow;
  }
  void Push(const std::shared_ptr<SearchFlow>& flow, char name, SearchPriority priority,
            int times = 1) {
    for (int i = 0; i < times; ++i) {
      lanes_.Push({{flow, priority, WorkKind::kLists, 1, Deadline::max()},
                   [this, name](Turn) { order_ += name; },
                   0});
    }
  }
  std::string RunAll() {
    while (auto job = lanes_.Pop()) job->run(Turn::kRun);
    return std::exchange(order_, "");
  }

  FairLanes lanes_;
  std::string order_;
};

TEST_F(FairLanesTest, CollectionsTakeTurnsHoweverManyWaitOfOne) {
  const auto many = FlowTaking(milliseconds(1));
  const auto few = FlowTaking(milliseconds(1));
  Push(many, 'm', kInteractive, 6);
  Push(few, 'f', kInteractive, 2);
  EXPECT_EQ(RunAll(), "mfmfmmmm");
}

TEST_F(FairLanesTest, TurnsAreOfTimeAndNotOfJobs) {
  const auto slow = FlowTaking(milliseconds(3));
  const auto quick = FlowTaking(milliseconds(1));
  Push(slow, 's', kInteractive, 3);
  Push(quick, 'q', kInteractive, 9);
  EXPECT_EQ(RunAll(), "sqqqsqqqsqqq");
}

TEST_F(FairLanesTest, WhatAJobReallyTookCountsWhereItWasExpectedToTakeLess) {
  const auto first = FlowTaking(milliseconds(1));
  const auto second = FlowTaking(milliseconds(1));
  Push(first, 'a', kInteractive, 2);
  Push(second, 'b', kInteractive, 4);
  const auto job = lanes_.Pop();
  lanes_.Settle(*job, static_cast<uint64_t>(nanoseconds(milliseconds(3)).count()));
  EXPECT_EQ(RunAll(), "bbbab");
}

TEST_F(FairLanesTest, ACollectionThatWasAwayHasNoCredit) {
  const auto busy = FlowTaking(milliseconds(1));
  const auto back = FlowTaking(milliseconds(1));
  Push(busy, 'b', kInteractive, 100);
  for (int i = 0; i < 96; ++i) (void)lanes_.Pop();
  Push(back, 'x', kInteractive, 4);
  EXPECT_EQ(RunAll(), "xbxbxbxb");
}

TEST_F(FairLanesTest, InteractiveJobsGoBeforeBatchOnesThatCameFirst) {
  const auto flow = FlowTaking(milliseconds(1));
  Push(flow, 'b', kBatch, 2);
  Push(flow, 'i', kInteractive, 3);
  EXPECT_EQ(RunAll(), "iiibb");
}

TEST_F(FairLanesTest, BatchJobsAreNotKeptOutForEver) {
  const auto flow = FlowTaking(milliseconds(1));
  Push(flow, 'b', kBatch, 2);
  Push(flow, 'i', kInteractive, 16);
  EXPECT_EQ(RunAll(), "iiiiiiibiiiiiiibii");
}

TEST_F(FairLanesTest, ALongBatchJobWaitsOutSevenTimesItsTime) {
  const auto interactive = FlowTaking(milliseconds(1));
  const auto batch = FlowTaking(milliseconds(2));
  Push(batch, 'b', kBatch, 1);
  Push(interactive, 'i', kInteractive, 16);
  EXPECT_EQ(RunAll(), "iiiiiiiiiiiiiibii");
}

// One thread that a test holds, and a clock that it puts forward.
class SearchQueueTest : public ::testing::Test {
 protected:
  void TearDown() override {
    Release();
    pool_.Stop();
  }
  QueuedWork Search(const std::shared_ptr<SearchFlow>& flow, nanoseconds left,
                    SearchPriority priority = kInteractive) const {
    return {flow, priority, WorkKind::kLists, 1, clock_.Now() + left};
  }
  // Runs a search of the flow that takes so long, to its end.
  void Teach(const std::shared_ptr<SearchFlow>& flow, milliseconds takes) {
    std::promise<void> done;
    queue_.Push(Search(flow, seconds(100)), [&, takes](Turn) { clock_.Advance(takes); });
    queue_.Push(Search(other_, seconds(100)), [&](Turn) { done.set_value(); });
    done.get_future().wait();
  }
  // From here on the thread is taken.
  void Hold() {
    std::promise<void> begun;
    queue_.Push(Search(other_, seconds(1000)), [&, released = released_](Turn) {
      begun.set_value();
      released.wait();
    });
    begun.get_future().wait();
  }
  void Release() {
    if (!is_released_) release_.set_value();
    is_released_ = true;
  }
  void Enqueue(const std::shared_ptr<SearchFlow>& flow, int count,
               SearchPriority priority = kInteractive) {
    for (int i = 0; i < count; ++i) {
      queue_.Push(Search(flow, seconds(1000), priority), [](Turn) {});
    }
  }
  // As after a while in which there was always something to do.
  void LetItStand() { clock_.Advance(seconds(1)); }
  uint64_t Refused(QueueRefusal why) const {
    return queue_.figures().refusals[static_cast<size_t>(why)];
  }

  StandingClock clock_;
  Executor pool_{{"test-search", 1}};
  Executor background_{{"test-sample", 1}};
  SearchQueueOptions options_ = [] {
    SearchQueueOptions options;
    options.jobs_max = 40;
    return options;
  }();
  SearchQueue queue_{pool_, background_, clock_, options_};
  std::shared_ptr<SearchFlow> flow_ = queue_.FlowOf(Uuid{{1}});
  std::shared_ptr<SearchFlow> other_ = queue_.FlowOf(Uuid{{2}});
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
  bool is_released_ = false;
};

TEST_F(SearchQueueTest, ShardsOfOneCollectionAreOneFlow) {
  EXPECT_EQ(queue_.FlowOf(Uuid{{1}}), flow_);
  EXPECT_NE(flow_, other_);
}

TEST_F(SearchQueueTest, AStandingQueueRefusesWhatWouldWaitBeyondTheTarget) {
  Teach(flow_, milliseconds(1));
  Hold();
  Enqueue(flow_, 5);
  LetItStand();
  EXPECT_TRUE(queue_.Admit(Search(flow_, seconds(10))).ok()) << "5 ms";
  Enqueue(flow_, 1);
  const absl::Status refused = queue_.Admit(Search(flow_, seconds(10)));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), reason::kOverloaded);
  EXPECT_TRUE(FactOf(refused, kRetryAfterMsFact).has_value());
  EXPECT_EQ(Refused(QueueRefusal::kWait), 1u);
  EXPECT_TRUE(queue_.figures().is_standing);
  EXPECT_EQ(queue_.figures().searches_max, 6u) << "5 wait, one runs";
}

TEST_F(SearchQueueTest, BackgroundRunsBesideTheQueueAndTeachesNothing) {
  Teach(flow_, milliseconds(1));
  Hold();
  Enqueue(flow_, 5);
  LetItStand();
  std::promise<Turn> turn;
  ASSERT_TRUE(queue_.Admit(Search(flow_, seconds(10), kBackground)).ok());
  queue_.Push(Search(flow_, seconds(10), kBackground), [&](Turn given) {
    clock_.Advance(milliseconds(100));
    turn.set_value(given);
  });
  EXPECT_EQ(turn.get_future().get(), Turn::kRun) << "while the search thread is held";
  background_.Stop();
  EXPECT_EQ(queue_.figures().jobs[0], 5u);
  EXPECT_TRUE(queue_.Admit(Search(flow_, seconds(10))).ok())
      << "a search is still expected in 1 ms";
}

TEST_F(SearchQueueTest, BackgroundThatComesToItsTurnLateIsToldSo) {
  std::promise<void> hold;
  queue_.Push(Search(flow_, seconds(10), kBackground),
              [held = hold.get_future().share()](Turn) { held.wait(); });
  std::promise<Turn> turn;
  queue_.Push(Search(flow_, seconds(10), kBackground), [&](Turn given) { turn.set_value(given); });
  clock_.Advance(seconds(11));
  hold.set_value();
  EXPECT_EQ(turn.get_future().get(), Turn::kExpired);
  background_.Stop();
  EXPECT_EQ(queue_.Admit(Search(flow_, seconds(0), kBackground)).code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(SearchQueueTest, BackgroundHasItsOwnPlaces) {
  std::promise<void> hold;
  std::promise<void> begun;
  queue_.Push(Search(flow_, seconds(10), kBackground),
              [&begun, held = hold.get_future().share()](Turn) {
                begun.set_value();
                held.wait();
              });
  begun.get_future().wait();
  for (size_t i = 0; i < options_.background_max; ++i) {
    EXPECT_TRUE(queue_.Admit(Search(flow_, seconds(10), kBackground)).ok()) << i;
    queue_.Push(Search(flow_, seconds(10), kBackground), [](Turn) {});
  }
  const absl::Status refused = queue_.Admit(Search(flow_, seconds(10), kBackground));
  EXPECT_EQ(ReasonOf(refused), reason::kQueueFull);
  EXPECT_TRUE(queue_.Admit(Search(flow_, seconds(10))).ok());
  hold.set_value();
  background_.Stop();
}

TEST_F(SearchQueueTest, ABurstIsTaken) {
  Teach(flow_, milliseconds(1));
  Hold();
  Enqueue(flow_, 19);
  EXPECT_TRUE(queue_.Admit(Search(flow_, seconds(10))).ok());
  EXPECT_FALSE(queue_.figures().is_standing);
}

TEST_F(SearchQueueTest, OneCollectionsQueueIsNoReasonToRefuseAnother) {
  Teach(flow_, milliseconds(1));
  Hold();
  Enqueue(flow_, 15);
  LetItStand();
  EXPECT_FALSE(queue_.Admit(Search(flow_, seconds(10))).ok());
  EXPECT_TRUE(queue_.Admit(Search(other_, seconds(10))).ok());
}

TEST_F(SearchQueueTest, ReadsAndBatchSearchesMayWaitWhereSearchesMayNot) {
  Teach(flow_, milliseconds(1));
  Hold();
  Enqueue(flow_, 15);
  LetItStand();
  QueuedWork read = Search(flow_, seconds(10));
  read.kind = WorkKind::kRead;
  EXPECT_TRUE(queue_.Admit(read).ok());
  EXPECT_TRUE(queue_.Admit(Search(flow_, seconds(10), kBatch)).ok());
  EXPECT_FALSE(queue_.Admit(Search(flow_, seconds(10))).ok());
}

TEST_F(SearchQueueTest, WhatCannotBeAnsweredInTimeIsRefusedWhenItComes) {
  Teach(flow_, milliseconds(4));
  Hold();
  Enqueue(flow_, 3);  // 12 ms, and 4 of its own
  EXPECT_TRUE(queue_.Admit(Search(flow_, milliseconds(17))).ok());
  const absl::Status refused = queue_.Admit(Search(flow_, milliseconds(15)));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), reason::kOverloaded);
  EXPECT_EQ(Refused(QueueRefusal::kDeadline), 1u);
}

TEST_F(SearchQueueTest, ABatchSearchReckonsWithAllThatGoesBeforeIt) {
  Teach(flow_, milliseconds(4));
  Hold();
  Enqueue(flow_, 3);
  Enqueue(flow_, 2, kBatch);  // 20 ms, and 4 of its own
  EXPECT_TRUE(queue_.Admit(Search(flow_, milliseconds(25), kBatch)).ok());
  EXPECT_FALSE(queue_.Admit(Search(flow_, milliseconds(23), kBatch)).ok());
}

TEST_F(SearchQueueTest, NothingIsRefusedOnAGuessWhileNothingWaits) {
  Teach(flow_, milliseconds(500));
  Hold();
  EXPECT_TRUE(queue_.Admit(Search(flow_, milliseconds(10))).ok());
}

TEST_F(SearchQueueTest, OneSearchThatStoodStillTeachesLittle) {
  Teach(flow_, milliseconds(1));
  Teach(flow_, milliseconds(300));
  Hold();
  Enqueue(flow_, 10);
  EXPECT_LE(queue_.figures().wait_ns, 12'000'000u);
  Release();
}

TEST_F(SearchQueueTest, WhatComesAfterItsDeadlineIsNotTakenEvenIfNothingWaits) {
  const absl::Status late = queue_.Admit(Search(flow_, nanoseconds(0)));
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ReasonOf(late), reason::kDeadline);
  EXPECT_EQ(Refused(QueueRefusal::kExpired), 1u);
}

TEST_F(SearchQueueTest, WhatExpiredWhileItWaitedIsNotRun) {
  Hold();
  std::promise<Turn> turn;
  queue_.Push(Search(flow_, milliseconds(10)), [&](Turn t) { turn.set_value(t); });
  clock_.Advance(milliseconds(11));
  Release();
  EXPECT_EQ(turn.get_future().get(), Turn::kExpired);
  pool_.Stop();
  EXPECT_EQ(Refused(QueueRefusal::kExpired), 1u);
}

TEST_F(SearchQueueTest, AFullQueueRefusesAndKeepsPlacesForCollectionsThatHaveFew) {
  Hold();
  Enqueue(flow_, 20);  // half of the places
  const absl::Status refused = queue_.Admit(Search(flow_, seconds(10)));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), reason::kQueueFull);
  EXPECT_TRUE(FactOf(refused, kRetryAfterMsFact).has_value());
  EXPECT_TRUE(queue_.Admit(Search(other_, seconds(10))).ok());
  Enqueue(other_, 20);
  EXPECT_EQ(ReasonOf(queue_.Admit(Search(other_, seconds(10)))), reason::kQueueFull);
  EXPECT_EQ(Refused(QueueRefusal::kFull), 2u);
  EXPECT_EQ(queue_.figures().jobs[0], 40u);
}

TEST_F(SearchQueueTest, OnceTheQueueHasBeenEmptyForAWhileAllIsAsBefore) {
  Teach(flow_, milliseconds(1));
  Hold();
  Enqueue(flow_, 15);
  LetItStand();
  EXPECT_FALSE(queue_.Admit(Search(flow_, seconds(10))).ok());
  Release();
  std::promise<void> worked_off;
  queue_.Push(Search(flow_, seconds(1000)), [&](Turn) { worked_off.set_value(); });
  worked_off.get_future().wait();
  clock_.Advance(seconds(1));
  Enqueue(flow_, 15);
  EXPECT_TRUE(queue_.Admit(Search(flow_, seconds(10))).ok());
  EXPECT_FALSE(queue_.figures().is_standing);
}

}  // namespace
}  // namespace kith::shard
