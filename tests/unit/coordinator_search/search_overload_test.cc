// What a search becomes where its shards have too much to do.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/search/search_service.h"
#include "tests/support/scripted_shard.h"

namespace kith::coordinator {
namespace {

using testing::HitsOf;

class SearchOverloadTest : public ::testing::Test {
 protected:
  SearchOverloadTest() {
    for (size_t i = 0; i < 2; ++i) {
      Script(i).on_search = [i](SearchCall, Deadline, Done<SearchReply> done) {
        done(HitsOf({{10 + i, 1.0f + i}}, 100));
      };
    }
    query_.collection = "c";
    query_.vectors.values = values_;
    query_.deadline = DeadlineIn(std::chrono::seconds(20));
  }

  testing::ScriptedShard& Script(size_t i) { return *cluster_.shards[i]; }
  static auto Refusing(const absl::Status& status) {
    return [status](SearchCall, Deadline, Done<SearchReply> done) { done(status); };
  }
  absl::StatusOr<SearchAnswer> Search() {
    std::promise<absl::StatusOr<SearchAnswer>> promise;
    service_.Search(
        query_, [&](absl::StatusOr<SearchAnswer> answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }

  const std::vector<float> values_ = {1, 2};
  SystemClock clock_;
  testing::ScriptedCluster cluster_{2};
  DeadlineTimer timer_;
  SearchService service_{cluster_.map, timer_, clock_};
  SearchQuery query_;
};

TEST_F(SearchOverloadTest, AShardThatHasTooMuchToDoSaysSoToTheCallerAndWhenToComeBack) {
  Script(1).on_search = Refusing(Error(absl::StatusCode::kResourceExhausted, reason::kOverloaded,
                                       "busy", {{kRetryAfterMsFact, "70"}}));
  const absl::Status status = Search().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), reason::kOverloaded);
  EXPECT_EQ(FactOf(status, kRetryAfterMsFact), "70");
  EXPECT_EQ(FactOf(status, "shards_ok"), "1");
  query_.parameters.min_coverage = 0.1;
  const auto partial = Search();
  ASSERT_TRUE(partial.ok()) << partial.status();
  EXPECT_EQ(partial->degraded, (std::vector<std::string>{reason::kOverloaded}));
}

TEST_F(SearchOverloadTest, AnAnswerOfNothingIsNoAnswerWhateverCoverageIsAccepted) {
  query_.parameters.min_coverage = 0;
  for (size_t i = 0; i < 2; ++i) {
    Script(i).on_search = Refusing(Error(absl::StatusCode::kResourceExhausted, reason::kOverloaded,
                                         "busy", {{kRetryAfterMsFact, "70"}}));
  }
  const absl::Status status = Search().status();
  EXPECT_EQ(ReasonOf(status), reason::kOverloaded);
  EXPECT_EQ(FactOf(status, kRetryAfterMsFact), "70");
}

TEST_F(SearchOverloadTest, ShardsThatRefuseManyAreAskedLess) {
  int asked = 0;
  for (size_t i = 0; i < 2; ++i) {
    Script(i).on_search = [&asked](SearchCall, Deadline, Done<SearchReply> done) {
      ++asked;
      done(Error(absl::StatusCode::kResourceExhausted, reason::kOverloaded, "busy"));
    };
  }
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(ReasonOf(Search().status()), reason::kOverloaded);
  EXPECT_LT(asked, 400);
  EXPECT_GT(service_.throttled(), 800u);
}

TEST_F(SearchOverloadTest, ShardsInTheSameProcessSeeThatTheCallerWentAway) {
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  query_.cancelled = gone;
  CancelMark seen;
  Script(0).on_search = [&seen](SearchCall call, Deadline, Done<SearchReply> done) {
    seen = call.cancelled;
    done(HitsOf({}, 0));
  };
  ASSERT_TRUE(Search().ok());
  EXPECT_EQ(seen, gone);
}

TEST_F(SearchOverloadTest, ThePriorityReachesTheShards) {
  std::vector<SearchPriority> seen;
  for (size_t i = 0; i < 2; ++i) {
    Script(i).on_search = [&seen](SearchCall call, Deadline, Done<SearchReply> done) {
      seen.push_back(call.priority);
      done(HitsOf({}, 0));
    };
  }
  ASSERT_TRUE(Search().ok());
  query_.parameters.priority = SearchPriority::kBatch;
  ASSERT_TRUE(Search().ok());
  EXPECT_EQ(seen,
            (std::vector<SearchPriority>{SearchPriority::kInteractive, SearchPriority::kInteractive,
                                         SearchPriority::kBatch, SearchPriority::kBatch}));
}

}  // namespace
}  // namespace kith::coordinator
