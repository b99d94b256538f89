// The life of index versions and live recall, over the real port with a real shard node behind it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "kith/v1/collections.grpc.pb.h"
#include "kith/v1/operations.grpc.pb.h"
#include "kith/v1/points.grpc.pb.h"
#include "kith/v1/search.grpc.pb.h"
#include "tests/integration/kithd/real_cluster.h"

namespace kith::kithd {
namespace {

using std::chrono::seconds;
using Collections = v1::Collections::Stub;

constexpr uint32_t kDimension = 8;
constexpr uint64_t kPoints = 4'000;

class IndexLifeTest : public RealCluster {
 protected:
  void SetUp() override {
    config_.recall = {1, 1000, 1000};
    RealCluster::SetUp();
  }
  static std::vector<float> VectorOf(uint64_t n) {
    std::mt19937 random(static_cast<uint32_t>(n));
    std::normal_distribution<float> normal;
    std::vector<float> vector(kDimension);
    for (float& value : vector) value = normal(random);
    return vector;
  }
  void Write(const std::string& collection, uint64_t first, uint64_t count) {
    v1::UpsertRequest upsert;
    upsert.set_collection(collection);
    for (uint64_t n = first; n < first + count; ++n) {
      upsert.mutable_columns()->add_numbers(n);
      const std::vector<float> vector = VectorOf(n);
      upsert.mutable_columns()->mutable_vectors()->append(
          reinterpret_cast<const char*>(vector.data()), kDimension * sizeof(float));
    }
    v1::UpsertResponse written;
    const absl::Status status = Call(*points_, &v1::Points::Stub::Upsert, upsert, &written);
    ASSERT_TRUE(status.ok()) << status;
  }
  void Create(const std::string& collection, uint32_t shards, uint32_t plane_b_bytes = 0) {
    v1::CreateCollectionRequest create;
    create.mutable_index()->set_plane_b_bytes(plane_b_bytes);
    create.set_collection(collection);
    create.set_dimension(kDimension);
    create.set_metric(v1::METRIC_L2);
    create.set_element_type(v1::ELEMENT_TYPE_F32);
    create.set_shards(shards);
    v1::Collection made;
    ASSERT_TRUE(Call(*collections_, &Collections::CreateCollection, create, &made).ok());
    Write(collection, 0, kPoints);
  }
  v1::Operation Train(const std::string& collection, uint64_t seed, uint32_t plane_b_bytes = 0) {
    v1::TrainIndexRequest train;
    train.mutable_index()->set_plane_b_bytes(plane_b_bytes);
    train.set_collection(collection);
    train.mutable_index()->set_lists(32);
    train.set_seed(seed);
    train.set_min_recall_gain(-0.5);  // what chance makes of 400 queries decides nothing here
    v1::Operation operation;
    const absl::Status started = Call(*collections_, &Collections::TrainIndex, train, &operation);
    EXPECT_TRUE(started.ok()) << started;
    v1::GetOperationRequest get;
    get.set_id(operation.id());
    for (int i = 0; i < 6000 && operation.state() == v1::Operation::STATE_RUNNING; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      (void)Call(*operations_, &v1::Operations::Stub::GetOperation, get, &operation);
    }
    EXPECT_EQ(operation.state(), v1::Operation::STATE_SUCCEEDED) << operation.DebugString();
    return operation;
  }
  absl::StatusOr<v1::SearchResponse> Search(const std::string& collection, uint64_t near,
                                            uint32_t nprobe) {
    v1::SearchRequest request;
    request.set_collection(collection);
    const std::vector<float> vector = VectorOf(near);
    request.mutable_vector()->mutable_values()->Add(vector.begin(), vector.end());
    request.mutable_parameters()->set_nprobe(nprobe);
    v1::SearchResponse response;
    KITH_RETURN_IF_ERROR(Call(*search_, &v1::Search::Stub::Search, request, &response));
    return response;
  }
  absl::StatusOr<std::string> Rollback() {
    v1::RollbackIndexVersionRequest request;
    request.set_collection("c");
    v1::ListIndexVersionsResponse versions;
    KITH_RETURN_IF_ERROR(
        Call(*collections_, &Collections::RollbackIndexVersion, request, &versions));
    return versions.versions(0).version();
  }
  absl::Status Promote(const std::string& version) {
    v1::PromoteIndexVersionRequest request;
    request.set_collection("c");
    request.set_version(version);
    v1::ListIndexVersionsResponse versions;
    return Call(*collections_, &Collections::PromoteIndexVersion, request, &versions);
  }
  absl::Status Drop(const std::string& version) {
    v1::DropIndexVersionRequest request;
    request.set_collection("c");
    request.set_version(version);
    v1::ListIndexVersionsResponse versions;
    return Call(*collections_, &Collections::DropIndexVersion, request, &versions);
  }
  // The value of a series, -1 where it is not there.
  double Metric(const std::string& series) const {
    const std::string text = "\n" + metrics_.Text();
    const size_t at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
  }
};

// Searches on several threads until it is told to stop.
class Searchers {
 public:
  using Find = std::function<absl::StatusOr<v1::SearchResponse>(uint64_t near)>;

  Searchers(int threads, Find find) : find_(std::move(find)) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, i] { Run(static_cast<uint64_t>(i)); });
    }
  }
  ~Searchers() { Stop(); }
  void Stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  // Waits for so many more answers.
  void AwaitMore(int answers) const {
    const int end = answered_ + answers;
    while (answered_ < end && failed_ == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  int answered() const { return answered_; }
  int failed() const { return failed_; }
  std::string failure() const {
    std::lock_guard lock(mutex_);
    return failure_;
  }
  std::set<std::string> versions() const {
    std::lock_guard lock(mutex_);
    return versions_;
  }

 private:
  void Run(uint64_t near) {
    while (!stopping_) {
      const auto found = find_(near += 7);
      std::lock_guard lock(mutex_);
      const bool is_whole = found.ok() && found->hits_size() == 10 && found->degraded_size() == 0 &&
                            found->coverage().ratio() == 1;
      if (is_whole) {
        versions_.insert(found->index_version());
        ++answered_;
      } else {
        failure_ = found.ok() ? found->DebugString() : found.status().ToString();
        ++failed_;
      }
    }
  }

  const Find find_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> answered_{0};
  std::atomic<int> failed_{0};
  mutable std::mutex mutex_;
  std::string failure_;
  std::set<std::string> versions_;
  std::vector<std::thread> threads_;
};

TEST_F(IndexLifeTest, SearchesGoOnThroughRetrainingPromotionRollbackAndDrop) {
  Create("c", 2);
  const std::string first = Train("c", 1).result();
  Searchers searchers(3, [&](uint64_t near) { return Search("c", near % kPoints, 8); });
  searchers.AwaitMore(50);
  const v1::Operation retrained = Train("c", 2);
  const std::string second = retrained.result();
  ASSERT_NE(first, second);
  EXPECT_TRUE(retrained.promoted()) << retrained.not_promoted_reason();
  EXPECT_EQ(retrained.comparison().serving().version(), first);
  EXPECT_GT(retrained.comparison().serving().recall_at_10(), 0.5);
  EXPECT_GT(retrained.comparison().trained().scanned_share(), 0);
  for (int round = 0; round < 10; ++round) {
    searchers.AwaitMore(20);
    const auto back = Rollback();
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, first);
    EXPECT_EQ(Search("c", 1, 8)->index_version(), first) << "from the answer on";
    searchers.AwaitMore(20);
    ASSERT_TRUE(Promote(second).ok());
    EXPECT_EQ(Search("c", 1, 8)->index_version(), second);
  }
  ASSERT_TRUE(Drop(first).ok());
  searchers.AwaitMore(50);
  EXPECT_EQ(ReasonOf(Drop(second)), reason::kIndexVersionServing);
  EXPECT_EQ(ReasonOf(Rollback().status()), reason::kIndexVersionNotFound);
  searchers.Stop();
  EXPECT_EQ(searchers.failed(), 0) << searchers.failure();
  EXPECT_GT(searchers.answered(), 400);
  EXPECT_EQ(searchers.versions(), (std::set<std::string>{first, second}));
}

TEST_F(IndexLifeTest, WhatIsWrittenAfterAPromotionIsThereAfterTheRollback) {
  Create("c", 2);
  const std::string first = Train("c", 1).result();
  (void)Train("c", 2);
  Write("c", 50'000, 200);
  const auto back = Rollback();
  ASSERT_TRUE(back.ok()) << back.status();
  ASSERT_EQ(*back, first);
  for (uint64_t n = 50'000; n < 50'200; n += 20) {
    const auto found = Search("c", n, 32);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->index_version(), first);
    EXPECT_EQ(found->hits(0).id().number(), n);
  }
  v1::ListIndexVersionsRequest list;
  list.set_collection("c");
  v1::ListIndexVersionsResponse versions;
  ASSERT_TRUE(Call(*collections_, &Collections::ListIndexVersions, list, &versions).ok());
  ASSERT_EQ(versions.versions_size(), 2);
  EXPECT_EQ(versions.versions(0).state(), v1::IndexVersion::STATE_SERVING);
  EXPECT_EQ(versions.versions(0).trained_points(), kPoints);
  EXPECT_NEAR(versions.versions(0).health().growth_ratio(), 0.05, 1e-9);
  EXPECT_GE(versions.versions(0).health().imbalance_ratio(), 1);
  EXPECT_EQ(versions.versions(1).state(), v1::IndexVersion::STATE_WAITING);
  ASSERT_EQ(versions.versions(1).shards_size(), 2);
  EXPECT_TRUE(versions.versions(1).shards(1).ready());
}

TEST_F(IndexLifeTest, PlaneBTakesTheBytesThatTheCollectionOrATrainingAsksFor) {
  Create("c", 2, 6);
  const auto collection = [&] {
    v1::GetCollectionRequest get;
    get.set_collection("c");
    v1::Collection found;
    EXPECT_TRUE(Call(*collections_, &Collections::GetCollection, get, &found).ok());
    return found;
  };
  EXPECT_EQ(collection().index().plane_b_bytes(), 6u);
  (void)Train("c", 1);
  EXPECT_EQ(collection().index().plane_b_bytes(), 6u);
  EXPECT_GE(collection().memory().refine(), kPoints * 6 * 97 / 100) << "but for the side lists";
  EXPECT_LE(collection().memory().refine(), kPoints * 6);
  uint32_t own = 0;
  for (uint64_t n = 0; n < kPoints; n += 40) {
    const auto found = Search("c", n, 32);
    ASSERT_TRUE(found.ok()) << found.status();
    own += found->hits_size() == 10 && found->hits(0).id().number() == n;
  }
  EXPECT_EQ(own, kPoints / 40);
  (void)Train("c", 2, kDimension);
  v1::ListIndexVersionsRequest list;
  list.set_collection("c");
  v1::ListIndexVersionsResponse versions;
  ASSERT_TRUE(Call(*collections_, &Collections::ListIndexVersions, list, &versions).ok());
  ASSERT_EQ(versions.versions_size(), 2);
  std::set<uint32_t> bytes;
  for (const v1::IndexVersion& version : versions.versions()) {
    bytes.insert(version.index().plane_b_bytes());
  }
  EXPECT_EQ(bytes, (std::set<uint32_t>{6, kDimension}));
}

TEST_F(IndexLifeTest, LiveRecallShowsAnNprobeThatIsTooSmall) {
  Create("bad", 1);
  Create("good", 1);
  (void)Train("bad", 1);
  (void)Train("good", 1);
  const std::string of_bad = "{collection=\"bad\",depth=\"request\"}";
  const std::string of_good = "{collection=\"good\",depth=\"request\"}";
  const auto enough = [&] {
    return Metric("kith_recall_window_samples" + of_bad) >= 40 &&
           Metric("kith_recall_window_samples" + of_good) >= 40;
  };
  const Deadline end = DeadlineIn(seconds(60));
  for (uint64_t n = 0; !enough() && std::chrono::steady_clock::now() < end; ++n) {
    ASSERT_TRUE(Search("bad", 1'000'000 + n, 1).ok());
    ASSERT_TRUE(Search("good", 1'000'000 + n, 32).ok());
  }
  ASSERT_TRUE(enough()) << metrics_.Text();
  const double bad = Metric("kith_recall_ratio" + of_bad);
  const double good = Metric("kith_recall_ratio" + of_good);
  EXPECT_LT(bad, 0.7);
  EXPECT_GT(bad, 0.05) << "one list of 32 finds some";
  EXPECT_GT(good, 0.95);
  EXPECT_LT(Metric("kith_recall_ratio_low" + of_bad), bad);
  EXPECT_GT(Metric("kith_recall_ratio_high" + of_bad), bad);
  EXPECT_LT(Metric("kith_recall_ratio_high" + of_bad),
            Metric("kith_target_recall_ratio{collection=\"bad\"}"))
      << "what the alert looks at";
  EXPECT_GE(Metric("kith_recall_samples_total"), 80);
  EXPECT_GE(Metric("kith_recall_samples_dropped_total{reason=\"rate\"}"), 0);
  for (int i = 0; i < 500 && Metric("kith_index_growth_ratio{collection=\"bad\"}") < 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_DOUBLE_EQ(Metric("kith_index_growth_ratio{collection=\"bad\"}"), 0);
  EXPECT_GE(Metric("kith_index_imbalance_ratio{collection=\"bad\",shard=\"1\"}"), 1);
  EXPECT_GE(Metric("kith_index_drift_ratio{collection=\"bad\",shard=\"1\"}"), 0);
  EXPECT_DOUBLE_EQ(Metric("kith_index_dead_ratio{collection=\"bad\",shard=\"1\"}"), 0);
}

}  // namespace
}  // namespace kith::kithd
