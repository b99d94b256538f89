#include "coordinator/search/search_service.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <thread>

#include "common/base/executor.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/vector/half.h"
#include "tests/support/scripted_shard.h"

namespace kith::coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HitsOf;

std::vector<uint64_t> NumbersOf(const SearchAnswer& answer) {
  std::vector<uint64_t> numbers;
  for (size_t at = 0; at < answer.hits.keys.size(); at += PointKey::kSize) {
    numbers.push_back(PointKey::FromBytes(answer.hits.keys.data() + at).number());
  }
  return numbers;
}

absl::Status Unavailable(const char* reason) {
  return Error(absl::StatusCode::kUnavailable, reason, "not now");
}

// Get answers payload "pn" for point n in the version that `version_of` says; 0: it is deleted.
GetReply PayloadsOf(const GetCall& call, const std::function<uint64_t(uint64_t)>& version_of) {
  GetReply reply;
  for (size_t at = 0; at < call.keys.size(); at += PointKey::kSize) {
    const uint64_t number = PointKey::FromBytes(call.keys.data() + at).number();
    const uint64_t version = version_of(number);
    reply.found.push_back(version != 0);
    if (version == 0) continue;
    reply.versions.push_back(version);
    const std::string payload = fmt::format("p{}", number);
    reply.payload_sizes.push_back(static_cast<uint32_t>(payload.size()));
    reply.payloads += payload;
  }
  return reply;
}

class SearchServiceTest : public ::testing::Test {
 protected:
  SearchServiceTest() {
    for (size_t i = 0; i < 2; ++i) {
      Script(i).on_search = [i](SearchCall, Deadline, Done<SearchReply> done) {
        done(HitsOf({{10 + i, 1.0f + i}, {20 + i, 3.0f + i}}, 100));
      };
      Script(i).on_get = [](GetCall, Deadline, Done<GetReply> done) {
        done(Unavailable(reason::kShardUnavailable));
      };
    }
    query_.collection = "c";
    query_.vectors.values = values_;
    query_.deadline = DeadlineIn(seconds(20));
  }

  testing::ScriptedShard& Script(size_t i) { return *cluster_.shards[i]; }
  void FailShard(size_t i, absl::Status status) {
    Script(i).on_search = [status](SearchCall, Deadline, Done<SearchReply> done) { done(status); };
  }
  static absl::Status VersionMissing() {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kIndexVersionNotReady, "not here");
  }
  void Serve(const std::string& version) {
    cluster_.record.serving_version = version;
    cluster_.Publish();
  }
  void AnswerPayloads(std::function<uint64_t(uint64_t)> version_of) {
    for (size_t i = 0; i < 2; ++i) {
      Script(i).on_get = [version_of](GetCall call, Deadline, Done<GetReply> done) {
        EXPECT_TRUE(call.with_payload);
        EXPECT_FALSE(call.with_vector);
        done(PayloadsOf(call, version_of));
      };
    }
  }
  void KeepSilent(size_t i) {
    Script(i).on_search = [this](SearchCall, Deadline, Done<SearchReply> done) {
      silent_.push_back(std::move(done));
    };
  }
  absl::StatusOr<SearchAnswer> Search() {
    std::promise<absl::StatusOr<SearchAnswer>> promise;
    service_->Search(
        query_, [&](absl::StatusOr<SearchAnswer> answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }

  const std::vector<float> values_ = {1, 2};
  SystemClock clock_;
  testing::ScriptedCluster cluster_{2};
  std::atomic<int> observed_ = 0;
  std::vector<Done<SearchReply>> silent_;
  std::optional<DeadlineTimer> timer_{std::in_place};
  std::optional<SearchService> service_{
      std::in_place, cluster_.map, *timer_, clock_,
      SearchObservers{[this](const telemetry::SearchObservation&) { observed_.fetch_add(1); }, {}}};
  SearchQuery query_;
};

TEST_F(SearchServiceTest, MergesWhatEveryShardFound) {
  const auto answer = Search();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(NumbersOf(*answer), (std::vector<uint64_t>{10, 11, 20, 21}));
  EXPECT_EQ(answer->hits.scores, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(answer->coverage.ratio, 1);
  EXPECT_EQ(answer->coverage.points_total, 200u);
  EXPECT_TRUE(answer->degraded.empty());
  EXPECT_FALSE(answer->explanation.has_value());
  EXPECT_EQ(cluster_.entry()->LivePoints(), 200u);
  EXPECT_EQ(observed_, 1);
  EXPECT_EQ(timer_->pending(), 0u);
}

TEST_F(SearchServiceTest, SendsEachShardTheQueryAndAnEarlierDeadline) {
  const std::string expected(reinterpret_cast<const char*>(values_.data()), 8);
  Script(1).on_search = [&](SearchCall call, Deadline deadline, Done<SearchReply> done) {
    EXPECT_EQ(call.shard, 2u);
    EXPECT_EQ(call.incarnation, cluster_.record.incarnation);
    EXPECT_EQ(call.queries, expected);
    EXPECT_EQ(call.count, 1u);
    EXPECT_LE(deadline, *query_.deadline - milliseconds(5));
    done(HitsOf({}, 0));
  };
  EXPECT_TRUE(Search().ok());
}

TEST_F(SearchServiceTest, ExplainsWhatTheShardsDid) {
  query_.parameters.explain = true;
  Script(0).on_search = [](SearchCall, Deadline, Done<SearchReply> done) {
    SearchReply reply = HitsOf({{1, 1}}, 100);
    reply.work.rows_exact = 100;
    reply.stages.scan_ns = 5000;
    reply.lsn = 42;
    done(reply);
  };
  const auto answer = Search();
  ASSERT_TRUE(answer->explanation.has_value());
  EXPECT_STREQ(answer->explanation->strategy, "flat");
  EXPECT_STREQ(answer->explanation->strategy_reason, "nothing is trained");
  EXPECT_EQ(answer->explanation->work.rows_exact, 100u);
  EXPECT_EQ(answer->explanation->points_total, 200u);
  ASSERT_EQ(answer->explanation->shards.size(), 2u);
  EXPECT_EQ(answer->explanation->shards[0].lsn, 42u);
  EXPECT_EQ(answer->explanation->shards[0].stages.scan_ns, 5000u);
}

TEST_F(SearchServiceTest, RefusesBadInputBeforeAnyShardHearsOfIt) {
  for (size_t i = 0; i < 2; ++i) {
    Script(i).on_search = [](SearchCall, Deadline, Done<SearchReply>) { FAIL(); };
  }
  const auto reason_of = [&](auto spoil) {
    const SearchQuery good = query_;
    spoil(query_);
    const absl::Status status = Search().status();
    query_ = good;
    return ReasonOf(status);
  };
  EXPECT_EQ(reason_of([](SearchQuery& q) { q.collection = "d"; }), reason::kCollectionNotFound);
  EXPECT_EQ(reason_of([](SearchQuery& q) { q.deadline.reset(); }), reason::kDeadlineRequired);
  EXPECT_EQ(reason_of([](SearchQuery& q) { q.deadline = DeadlineIn(-milliseconds(1)); }),
            reason::kDeadline);
  EXPECT_EQ(reason_of([](SearchQuery& q) { q.parameters.limit = 0; }), reason::kLimitOutOfRange);
  EXPECT_EQ(reason_of([](SearchQuery& q) { q.vectors.values = q.vectors.values.first(1); }),
            reason::kDimensionMismatch);
  EXPECT_EQ(reason_of([](SearchQuery& q) {
              q.parameters.tokens = {{9, 0, 1}};
            }),
            reason::kBadRequest);
  EXPECT_EQ(observed_, 0);
}

TEST_F(SearchServiceTest, FailsBelowTheMinimumCoverageAndSaysWhy) {
  ASSERT_TRUE(Search().ok());  // now the size of each shard is known
  FailShard(1, Unavailable(reason::kNotReady));
  const absl::Status status = Search().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), reason::kCoverageBelowMinimum);
  EXPECT_EQ(FactOf(status, "coverage"), "0.500000");
  EXPECT_EQ(FactOf(status, "shards_failed"), "2:NOT_READY");
  query_.parameters.min_coverage = 0.5;
  const auto answer = Search();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(NumbersOf(*answer), (std::vector<uint64_t>{10, 20}));
  EXPECT_EQ(answer->degraded, (std::vector<std::string>{reason::kNotReady}));
}

TEST_F(SearchServiceTest, NeverAnswersZeroRowsForShardsThatAreLoading) {
  FailShard(0, Unavailable(reason::kNotReady));
  FailShard(1, Unavailable(reason::kNotReady));
  EXPECT_EQ(ReasonOf(Search().status()), reason::kCoverageBelowMinimum);
}

TEST_F(SearchServiceTest, AnswersByTheDeadlineThoughAShardNeverDoes) {
  ASSERT_TRUE(Search().ok());
  KeepSilent(1);
  query_.parameters.min_coverage = 0.5;
  query_.deadline = DeadlineIn(milliseconds(60));
  const auto answer = Search();
  EXPECT_LT(clock_.Now(), *query_.deadline + seconds(5));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(NumbersOf(*answer), (std::vector<uint64_t>{10, 20}));
  EXPECT_EQ(answer->coverage.failed[0].reason, reason::kDeadline);
  // The reply comes after the call, the service and the timer are gone.
  service_.reset();
  timer_.reset();
  ASSERT_EQ(silent_.size(), 1u);
  silent_[0](HitsOf({{1, 0}}, 100));
}

TEST_F(SearchServiceTest, EndsWaitingCallsWhenTheTimerGoes) {
  KeepSilent(0);
  KeepSilent(1);
  std::promise<absl::Status> promise;
  service_->Search(query_, [&](auto answer) { promise.set_value(answer.status()); });
  timer_.reset();
  EXPECT_EQ(ReasonOf(promise.get_future().get()), reason::kCoverageBelowMinimum);
}

TEST_F(SearchServiceTest, RefusesCallsWhereTooManyWait) {
  DeadlineTimer small(1);
  SearchService service(cluster_.map, small, clock_);
  KeepSilent(0);
  query_.parameters.min_coverage = 0;
  int answered = 0;
  service.Search(query_, [&](auto) { ++answered; });
  EXPECT_EQ(answered, 0);
  SearchQuery second = query_;
  second.parameters.min_coverage = 1;
  service.Search(second, [&](auto answer) {
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(ReasonOf(answer.status()), reason::kQueueFull);
    EXPECT_EQ(FactOf(answer.status(), "shards_failed"), "1:QUEUE_FULL, 2:QUEUE_FULL");
    EXPECT_EQ(FactOf(answer.status(), kRetryAfterMsFact), "100");
    ++answered;
  });
  EXPECT_EQ(answered, 1);
  silent_[0](HitsOf({}, 0));
  EXPECT_EQ(answered, 2);
}

TEST_F(SearchServiceTest, PassesOnAFaultOfTheCaller) {
  FailShard(1, FieldError("limit", reason::kBadRequest, "no"));
  EXPECT_EQ(Search().status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SearchServiceTest, CountsAReplyWhoseColumnsDoNotFitAsAFailure) {
  Script(0).on_search = [](SearchCall, Deadline, Done<SearchReply> done) {
    SearchReply reply = HitsOf({{1, 1}}, 100);
    reply.keys.clear();
    done(reply);
  };
  const absl::Status status = Search().status();
  EXPECT_EQ(FactOf(status, "shards_failed"), "1:CORRUPTION");
}

TEST_F(SearchServiceTest, TriesAgainOnceWhereAVersionWasPromotedMeanwhile) {
  Serve("old");
  query_.parameters.nprobe = 1;
  std::vector<std::string> asked;
  for (size_t i = 0; i < 2; ++i) {
    Script(i).on_search = [&, i](SearchCall call, Deadline, Done<SearchReply> done) {
      asked.push_back(call.index_version);
      if (call.index_version == "new") return done(HitsOf({{i, 1}}, 10));
      Serve("new");
      done(VersionMissing());
    };
  }
  const auto answer = Search();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->index_version, "new");
  EXPECT_EQ(asked, (std::vector<std::string>{"old", "old", "new", "new"}));
}

TEST_F(SearchServiceTest, SaysThatAVersionIsGoneOnlyWhereAnotherServesAgainAndAgain) {
  Serve("v0");
  query_.parameters.nprobe = 1;
  int calls = 0;
  for (size_t i = 0; i < 2; ++i) {
    Script(i).on_search = [&](SearchCall, Deadline, Done<SearchReply> done) {
      Serve(fmt::format("v{}", ++calls));
      done(VersionMissing());
    };
  }
  const absl::Status status = Search().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), reason::kIndexVersionNotReady);
  EXPECT_EQ(calls, 4);
}

TEST_F(SearchServiceTest, AShardWithoutTheServingVersionLowersTheCoverageAsALoadingOne) {
  ASSERT_TRUE(Search().ok());  // now the size of each shard is known
  Serve("v");
  query_.parameters.nprobe = 1;
  FailShard(1, VersionMissing());
  const absl::Status status = Search().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), reason::kCoverageBelowMinimum);
  EXPECT_EQ(FactOf(status, "shards_failed"), "2:INDEX_VERSION_NOT_READY");
  query_.parameters.min_coverage = 0.5;
  const auto answer = Search();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(NumbersOf(*answer), (std::vector<uint64_t>{10, 20}));
  EXPECT_EQ(answer->coverage.ratio, 0.5);
}

TEST_F(SearchServiceTest, SearchesByThePointItselfAndLeavesItOut) {
  const std::vector<uint16_t> stored = {FloatToHalf(0.1f), FloatToHalf(2)};
  const std::vector<float> expected = {HalfToFloat(stored[0]), 2};
  cluster_.record.element_type = ElementType::kF16;
  cluster_.Publish();
  query_.point = PointKey::FromNumber(11);
  query_.vectors = {};
  query_.parameters.limit = 2;
  int gets = 0;
  for (size_t i = 0; i < 2; ++i) {
    Script(i).on_get = [&](GetCall call, Deadline, Done<GetReply> done) {
      ++gets;
      EXPECT_TRUE(call.with_vector);
      EXPECT_EQ(call.keys, query_.point->view());
      GetReply reply;
      reply.found = {1};
      reply.versions = {1};
      reply.vectors.assign(reinterpret_cast<const char*>(stored.data()), 4);
      done(reply);
    };
    Script(i).on_search = [&, i](SearchCall call, Deadline, Done<SearchReply> done) {
      EXPECT_EQ(call.limit, 3u);
      EXPECT_EQ(std::memcmp(call.queries.data(), expected.data(), 8), 0);
      done(HitsOf({{10 + i, float(i)}, {20 + i, 3}}, 5));
    };
  }
  const auto answer = Search();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(NumbersOf(*answer), (std::vector<uint64_t>{10, 20}));
  EXPECT_EQ(gets, 1);
}

TEST_F(SearchServiceTest, SaysWhichPointThereIsNot) {
  query_.point = PointKey::FromNumber(4711);
  query_.vectors = {};
  for (size_t i = 0; i < 2; ++i) {
    Script(i).on_get = [](GetCall, Deadline, Done<GetReply> done) {
      GetReply reply;
      reply.found = {0};
      done(reply);
    };
  }
  const absl::Status status = Search().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), reason::kPointNotFound);
  EXPECT_NE(std::string(status.message()).find("4711"), std::string::npos);
}

// An answer is as of one lsn: a score must not come beside a payload it was not computed for.
TEST_F(SearchServiceTest, SearchesAgainWhereAPointChangedBetweenTheSearchAndTheRead) {
  query_.parameters.with_payload = true;
  query_.parameters.limit = 3;
  std::atomic<uint64_t> version = 1;
  for (size_t i = 0; i < 2; ++i) {
    Script(i).on_search = [&version, i](SearchCall, Deadline, Done<SearchReply> done) {
      SearchReply reply = HitsOf({{10 + i, 1.0f + i}, {20 + i, 3.0f + i}}, 100);
      for (uint64_t& stored : reply.versions) stored = version;
      if (version == 2) reply.scores[1] = 7.0f + i;  // it moved away
      done(reply);
    };
  }
  AnswerPayloads([&version](uint64_t) {
    version = 2;  // everything was written again just before the read
    return version.load();
  });
  const auto answer = Search();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(NumbersOf(*answer), (std::vector<uint64_t>{10, 11, 20}));
  EXPECT_EQ(answer->hits.scores, (std::vector<float>{1, 2, 7})) << "of the version that was read";
  EXPECT_EQ(answer->hits.versions, (std::vector<uint64_t>{2, 2, 2}));
  EXPECT_EQ(answer->payloads, (std::vector<std::string>{"p10", "p11", "p20"}));
  EXPECT_TRUE(answer->degraded.empty());
  EXPECT_EQ(observed_, 2);
}

TEST_F(SearchServiceTest, LeavesOutAndSaysSoWhereAPointKeepsChanging) {
  query_.parameters.with_payload = true;
  query_.parameters.limit = 3;
  AnswerPayloads([](uint64_t number) { return number == 20 ? 2 : 1; });
  const auto answer = Search();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(NumbersOf(*answer), (std::vector<uint64_t>{10, 11}));
  EXPECT_EQ(answer->payloads, (std::vector<std::string>{"p10", "p11"}));
  EXPECT_EQ(answer->hits.counts, (std::vector<uint32_t>{2}));
  EXPECT_EQ(answer->degraded, (std::vector<std::string>{reason::kChangedMeanwhile}));
  EXPECT_EQ(observed_, 2) << "once more, not for ever";
}

TEST_F(SearchServiceTest, LeavesOutAndSaysSoWhereAPointIsDeletedAgainAndAgain) {
  query_.parameters.with_payload = true;
  query_.parameters.limit = 3;
  AnswerPayloads([](uint64_t number) { return number == 20 ? 0 : 1; });
  const auto answer = Search();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(NumbersOf(*answer), (std::vector<uint64_t>{10, 11}));
  EXPECT_EQ(answer->payloads, (std::vector<std::string>{"p10", "p11"}));
  EXPECT_EQ(answer->degraded, (std::vector<std::string>{reason::kChangedMeanwhile}));
}

TEST_F(SearchServiceTest, BeginsNothingMoreForACallerThatWentAway) {
  auto cancelled = std::make_shared<std::atomic<bool>>(false);
  query_.cancelled = cancelled;
  query_.parameters.with_payload = true;
  for (size_t i = 0; i < 2; ++i) {
    Script(i).on_search = [&, i](SearchCall, Deadline, Done<SearchReply> done) {
      if (i == 1) *cancelled = true;
      done(HitsOf({{i, 1}}, 10));
    };
    Script(i).on_get = [](GetCall, Deadline, Done<GetReply>) { FAIL() << "nobody waits for it"; };
  }
  EXPECT_EQ(Search().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(SearchServiceTest, FailsWhereThePayloadsCannotBeHad) {
  query_.parameters.with_payload = true;
  EXPECT_EQ(ReasonOf(Search().status()), reason::kShardUnavailable);
  for (size_t i = 0; i < 2; ++i) {
    Script(i).on_get = [](GetCall, Deadline, Done<GetReply> done) { done(GetReply()); };
  }
  EXPECT_EQ(ReasonOf(Search().status()), reason::kCorruption);
}

// Replies on other threads, before, around and after the deadline: every call is answered once.
TEST_F(SearchServiceTest, AnswersEachCallOnceHoweverRepliesAndDeadlinesRace) {
  constexpr int kCalls = 600;
  std::atomic<int> answers = 0;
  {
    Executor pool({"replies", 4, 100'000, 0});
    std::mutex mutex;
    std::mt19937 random(1);
    for (size_t i = 0; i < 2; ++i) {
      Script(i).on_search = [&](SearchCall, Deadline, Done<SearchReply> done) {
        std::lock_guard lock(mutex);
        const auto pause = std::chrono::microseconds(random() % 6000);
        pool.PostAlways([pause, done = std::move(done)]() mutable {
          std::this_thread::sleep_for(pause);
          done(HitsOf({{1, 1}}, 10));
        });
      };
    }
    query_.parameters.min_coverage = 0;
    for (int i = 0; i < kCalls; ++i) {
      query_.deadline = DeadlineIn(milliseconds(1 + i % 8));
      service_->Search(query_, [&](absl::StatusOr<SearchAnswer> answer) {
        EXPECT_TRUE(answer.ok()) << answer.status();
        answers.fetch_add(1);
      });
      if (i % 4 == 0) std::this_thread::sleep_for(milliseconds(1));
    }
    for (int wait = 0; wait < 1000 && answers < kCalls; ++wait) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    EXPECT_EQ(answers, kCalls);
    EXPECT_EQ(observed_, kCalls);
  }
  EXPECT_EQ(answers, kCalls);
  EXPECT_EQ(timer_->pending(), 0u);
}

}  // namespace
}  // namespace kith::coordinator
