#include "coordinator/search/recall_sampler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <thread>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/search/search_service.h"
#include "tests/support/scripted_shard.h"

namespace kith::coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HitsOf;

// A clock that stands still until it is moved.
class SteppedClock final : public Clock {
 public:
  Deadline Now() const override { return start_ + shift_.load(); }
  uint64_t UnixMs() const override { return 0; }
  void Advance(std::chrono::nanoseconds by) { shift_ = shift_.load() + by; }

 private:
  const Deadline start_ = std::chrono::steady_clock::now();
  std::atomic<std::chrono::nanoseconds> shift_{std::chrono::nanoseconds(0)};
};

// One shard whose index finds points 1 to 3 of the true 1 to 4, in a search service that offers
// every answer to a sampler.
class RecallSamplerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_.record.serving_version = "v1";
    cluster_.record.trained_lists = 8;
    cluster_.Publish();
    cluster_.entry()->routes[0]->NoteLivePoints(100'000);
    cluster_.shards[0]->on_search = [this](SearchCall call, Deadline, Done<SearchReply> done) {
      Answer(std::move(call), std::move(done));
    };
    Sample({.one_in = 1, .per_second_max = 1000, .window = 100});
  }
  void TearDown() override { sampler_->Stop(); }

  void Answer(SearchCall call, Done<SearchReply> done) {
    if (call.exact) {
      ++exact_calls_;
      last_exact_ = call;
      if (hold_exact_) held_.get_future().wait();
      if (fail_exact_) return done(absl::UnavailableError("not now"));
    }
    SearchReply reply;
    reply.live_points = 100'000;
    reply.codes_planned = reply.codes_done = 1;
    reply.stages.queue_ns = queue_ns_;
    reply.stages.total_ns = queue_ns_ + 1;
    for (uint32_t q = 0; q < call.count; ++q) {
      const uint32_t wanted = std::min(call.limit, call.exact ? 4u : found_);
      for (uint32_t n = 1; n <= wanted; ++n) {
        reply.keys.append(PointKey::FromNumber(n).view());
        reply.scores.push_back(static_cast<float>(n));
        reply.versions.push_back(1);
      }
      reply.counts.push_back(wanted);
    }
    done(std::move(reply));
  }
  void Sample(RecallSamplerOptions options) {
    service_.reset();
    sampler_.reset();
    sampler_.emplace(cluster_.map, timer_, clock_, options);
    service_.emplace(
        cluster_.map, timer_, clock_,
        SearchObservers{{}, [this](const AnsweredSearch& search) { sampler_->Offer(search); }});
  }
  // Searches once and waits until what was sampled of it has been compared.
  void Search(SearchParameters parameters = {}) {
    SearchQuery query;
    query.collection = "c";
    query.vectors.values = values_;
    query.parameters = std::move(parameters);
    query.deadline = clock_.Now() + seconds(20);
    Search(query);
    for (int i = 0; i < 10'000 && sampler_->pending() > 0 && !hold_exact_; ++i) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    clock_.Advance(seconds(1));
  }
  void Search(const SearchQuery& query) {
    std::promise<absl::Status> ended;
    service_->Search(query, [&](auto answer) { ended.set_value(answer.status()); });
    const absl::Status status = ended.get_future().get();
    EXPECT_TRUE(status.ok()) << status;
  }
  static SearchParameters Nprobe(uint32_t nprobe) {
    SearchParameters parameters;
    parameters.nprobe = nprobe;
    return parameters;
  }

  const std::vector<float> values_ = {1, 2};
  SteppedClock clock_;
  testing::ScriptedCluster cluster_{1};
  DeadlineTimer timer_;
  uint32_t found_ = 3;
  uint64_t queue_ns_ = 0;
  std::atomic<bool> hold_exact_{false};
  bool fail_exact_ = false;
  std::promise<void> held_;
  std::atomic<int> exact_calls_{0};
  SearchCall last_exact_;
  std::optional<RecallSampler> sampler_;
  std::optional<SearchService> service_;
};

TEST_F(RecallSamplerTest, ASampledSearchIsAskedAgainExactlyAndItsIdsCompared) {
  Search();
  ASSERT_EQ(sampler_->samples(), 1u);
  ASSERT_EQ(sampler_->readings().size(), 1u);
  const RecallReading reading = sampler_->readings()[0];
  EXPECT_EQ(reading.collection, "c");
  EXPECT_EQ(reading.depth, RecallDepth::kCollection);
  EXPECT_DOUBLE_EQ(reading.estimate.ratio, 0.75);
  EXPECT_LT(reading.estimate.low, 0.75);
  EXPECT_GT(reading.estimate.high, 0.75);
  EXPECT_EQ(last_exact_.index_version, "");
  EXPECT_EQ(last_exact_.count, 1u);
  EXPECT_EQ(last_exact_.limit, 10u);
  EXPECT_EQ(last_exact_.priority, SearchPriority::kBackground);
  EXPECT_EQ(last_exact_.queries,
            std::string(reinterpret_cast<const char*>(values_.data()), 2 * sizeof(float)));
}

TEST_F(RecallSamplerTest, WhoNamedADepthIsMeasuredApart) {
  Search();
  found_ = 1;
  Search(Nprobe(1));
  ASSERT_EQ(sampler_->readings().size(), 2u);
  EXPECT_DOUBLE_EQ(sampler_->readings()[0].estimate.ratio, 0.75);
  EXPECT_EQ(sampler_->readings()[1].depth, RecallDepth::kRequest);
  EXPECT_DOUBLE_EQ(sampler_->readings()[1].estimate.ratio, 0.25);
}

TEST_F(RecallSamplerTest, ExactFlatBoundedAndIncompleteSearchesAreNotSampled) {
  SearchParameters exact;
  exact.exact = true;
  Search(exact);
  SearchParameters bounded;
  bounded.max_distance = 100;
  Search(bounded);
  cluster_.record.serving_version.clear();
  cluster_.Publish();
  Search();
  cluster_.record.serving_version = "v1";
  cluster_.Publish();
  cluster_.shards[0]->on_search = [](SearchCall, Deadline, Done<SearchReply> done) {
    SearchReply reply = HitsOf({{1, 1}}, 100'000);
    reply.codes_planned = 2 * reply.codes_done;
    done(std::move(reply));
  };
  SearchParameters lenient;
  lenient.min_coverage = 0.1;
  Search(lenient);
  EXPECT_EQ(sampler_->samples(), 0u);
  EXPECT_EQ(exact_calls_, 1) << "the caller's own";
  for (size_t why = 0; why < kRecallDrops; ++why) {
    EXPECT_EQ(sampler_->dropped(static_cast<RecallDrop>(why)), 0u);
  }
}

TEST_F(RecallSamplerTest, TheShareThatIsSampledIsTheConfiguredOne) {
  Sample({.one_in = 10, .per_second_max = 1000, .window = 10'000});
  for (int i = 0; i < 2000; ++i) Search();
  // 2000 draws of a tenth: the deviation is 13.4.
  EXPECT_NEAR(static_cast<double>(sampler_->samples()), 200, 60);
  EXPECT_EQ(static_cast<uint64_t>(exact_calls_), sampler_->samples());
  Sample({.one_in = 0, .per_second_max = 1000, .window = 10'000});
  for (int i = 0; i < 100; ++i) Search();
  EXPECT_EQ(sampler_->samples(), 0u) << "0 means none";
}

TEST_F(RecallSamplerTest, OneQueryOfABatchIsCompared) {
  SearchQuery batch;
  batch.collection = "c";
  batch.form = QueryForm::kBatch;
  batch.count = 3;
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  batch.vectors.values = values;
  batch.deadline = clock_.Now() + seconds(20);
  Search(batch);
  while (sampler_->pending() > 0) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(sampler_->samples(), 1u);
  EXPECT_EQ(last_exact_.count, 1u);
  EXPECT_EQ(last_exact_.queries.size(), 2 * sizeof(float));
  EXPECT_DOUBLE_EQ(sampler_->readings()[0].estimate.ratio, 0.75);
}

TEST_F(RecallSamplerTest, NoMoreThanSoManyASecondAreTaken) {
  Sample({.one_in = 1, .per_second_max = 2, .window = 100});
  for (int i = 0; i < 10; ++i) {
    Search();
    clock_.Advance(milliseconds(-900));  // Search moved it on by a second: ten a second
  }
  EXPECT_EQ(sampler_->samples(), 2u);
  EXPECT_EQ(sampler_->dropped(RecallDrop::kRate), 8u);
}

TEST_F(RecallSamplerTest, ExactSearchesTakeATwentiethOfTheTimeAtMost) {
  Sample({.one_in = 1, .per_second_max = 1000, .window = 100});
  cluster_.shards[0]->on_search = [this](SearchCall call, Deadline, Done<SearchReply> done) {
    if (call.exact) clock_.Advance(seconds(1));
    Answer(std::move(call), std::move(done));
  };
  for (int i = 0; i < 25; ++i) Search();  // a second apart
  EXPECT_EQ(sampler_->samples(), 2u) << "one, and one after twenty seconds";
  EXPECT_EQ(sampler_->dropped(RecallDrop::kRate), 23u);
}

TEST_F(RecallSamplerTest, WhereSearchesWaitForThreadsNothingIsSampled) {
  queue_ns_ = 3'000'000;
  Search();
  EXPECT_EQ(sampler_->dropped(RecallDrop::kOverload), 1u);
  EXPECT_EQ(exact_calls_, 0);
}

TEST_F(RecallSamplerTest, WhereManyCallsAreUnderWayNothingIsSampled) {
  for (size_t i = 0; i <= kRecallCallsInFlightMax; ++i) {
    ASSERT_TRUE(timer_.Add(DeadlineIn(std::chrono::hours(1)), [] {}).has_value());
  }
  Search();
  EXPECT_EQ(sampler_->dropped(RecallDrop::kOverload), 1u);
  EXPECT_EQ(exact_calls_, 0);
}

TEST_F(RecallSamplerTest, ASearchThatTookMostOfItsTimeIsNotSampled) {
  cluster_.shards[0]->on_search = [this](SearchCall call, Deadline, Done<SearchReply> done) {
    clock_.Advance(seconds(11));  // of 20
    Answer(std::move(call), std::move(done));
  };
  Search();
  EXPECT_EQ(sampler_->dropped(RecallDrop::kDeadline), 1u);
  EXPECT_EQ(exact_calls_, 0);
}

TEST_F(RecallSamplerTest, AFullQueueAndSamplesThatWaitedTooLongAreDroppedAndCounted) {
  hold_exact_ = true;
  Search();
  while (exact_calls_ == 0) std::this_thread::sleep_for(milliseconds(1));
  for (size_t i = 0; i < kRecallQueueMax + 3; ++i) Search();
  EXPECT_EQ(sampler_->dropped(RecallDrop::kQueue), 3u);
  hold_exact_ = false;
  held_.set_value();  // the others have waited for more than two seconds of this clock ...
  while (sampler_->pending() > 0) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(sampler_->samples() + sampler_->dropped(RecallDrop::kStale), kRecallQueueMax + 1);
  EXPECT_GE(sampler_->dropped(RecallDrop::kStale), kRecallQueueMax - 2) << "... save the last";
}

TEST_F(RecallSamplerTest, AnExactSearchThatFailsIsCountedAndChangesNoFigure) {
  fail_exact_ = true;
  Search();
  EXPECT_EQ(sampler_->samples(), 0u);
  EXPECT_EQ(sampler_->dropped(RecallDrop::kFailed), 1u);
  EXPECT_TRUE(sampler_->readings().empty());
}

TEST_F(RecallSamplerTest, AnotherIndexVersionBeginsAnotherWindow) {
  Search();
  cluster_.record.serving_version = "v2";
  cluster_.Publish();
  EXPECT_TRUE(sampler_->readings().empty()) << "what v1 found says nothing of v2";
  found_ = 2;
  Search();
  ASSERT_EQ(sampler_->readings().size(), 1u);
  EXPECT_EQ(sampler_->readings()[0].estimate.samples, 1u);
  EXPECT_DOUBLE_EQ(sampler_->readings()[0].estimate.ratio, 0.5);
}

TEST_F(RecallSamplerTest, AStopDoesNotWaitForASilentShard) {
  std::vector<Done<SearchReply>> silent;
  cluster_.shards[0]->on_search = [&](SearchCall call, Deadline, Done<SearchReply> done) {
    if (call.exact) {
      ++exact_calls_;
      silent.push_back(std::move(done));
      return;
    }
    Answer(std::move(call), std::move(done));
  };
  hold_exact_ = true;
  Search();
  while (exact_calls_ == 0) std::this_thread::sleep_for(milliseconds(1));
  const auto begin = std::chrono::steady_clock::now();
  sampler_->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(5));
  silent.front()(absl::UnavailableError("late"));
}

}  // namespace
}  // namespace kith::coordinator
