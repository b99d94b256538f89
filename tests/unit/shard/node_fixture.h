#ifndef KITH_TESTS_UNIT_SHARD_NODE_FIXTURE_H_
#define KITH_TESTS_UNIT_SHARD_NODE_FIXTURE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/limits.h"
#include "shard/node.h"

namespace kith::shard {

// A node over a temporary directory that can be closed (cleanly or not) and opened again, with
// blocking calls on its shard 7.
class NodeFixture : public ::testing::Test {
 protected:
  // The real clock, that a test may put forward.
  class ShiftedClock final : public Clock {
   public:
    Deadline Now() const override { return std::chrono::steady_clock::now() + shift_.load(); }
    uint64_t UnixMs() const override { return SystemClock().UnixMs(); }
    void Advance(std::chrono::nanoseconds span) { shift_ = shift_.load() + span; }

   private:
    std::atomic<std::chrono::nanoseconds> shift_{std::chrono::nanoseconds(0)};
  };

  void SetUp() override;
  void TearDown() override;

  static NodeOptions SmallOptions();
  // Ends what runs, as a kill would, and opens the directory again.
  absl::Status Start();

  static ShardSpec Spec(uint32_t dimension, Metric metric = Metric::kL2,
                        ElementType type = ElementType::kF32);
  static Deadline Soon() { return DeadlineIn(std::chrono::seconds(30)); }

  absl::StatusOr<WriteReply> Write(WriteCall call);
  absl::StatusOr<SearchReply> Search(SearchCall call);
  absl::StatusOr<GetReply> Get(const std::string& keys);
  absl::StatusOr<ScrollReply> Scroll(ScrollCall call);
  absl::StatusOr<FacetReply> Facet(FacetCall call);
  // The numbers of all points of a scroll, page by page.
  std::vector<uint64_t> ScrollAll(ScrollCall call);

  static std::string Key(uint64_t number) {
    return std::string(PointKey::FromNumber(number).view());
  }
  static std::string Bytes(const std::vector<float>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
  }
  static WriteCall Put(uint64_t id, const std::vector<float>& vector,
                       const std::string& payload = "");
  static WriteCall Remove(uint64_t id);
  static SearchCall Query(const std::vector<float>& vector, uint32_t limit = 10);
  // All lists, unlimited depth.
  static SearchCall IndexedQuery(const std::vector<float>& vector, uint32_t limit,
                                 const std::string& version);
  static std::vector<uint64_t> Numbers(const SearchReply& reply);

  // `count` points on a spiral, ids from `first`, in calls of 10,000 at most.
  void Fill(uint64_t first, uint32_t count);
  // Trains two-dimensional L2 lists on all points and answers the version.
  std::string Train(uint32_t lists);
  // The same as the call says; its job is "job".
  std::string Train(const StartTrainingCall& start);
  bool IsReady(const std::string& version) const;
  void TrainAndBuild(uint32_t lists, std::string& version);

  // Where the copy of a shard lies, and the files of one of its folders whose names end like this.
  std::string ShardPath(ShardId shard = 7) const;
  std::vector<std::string> FilesIn(const std::string& folder, const std::string& ending) const;

  template <typename Condition>
  static bool Within(std::chrono::seconds span, Condition condition) {
    const Deadline end = DeadlineIn(span);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  void ExpectVerified(uint64_t live_points);

  ShardId shard_ = 7;  // of the calls
  std::string directory_;
  std::unique_ptr<storage::FileSystem> real_files_;
  ShiftedClock clock_;
  NodeOptions options_ = SmallOptions();  // of the next Start
  std::unique_ptr<Node> node_;
};

}  // namespace kith::shard

#endif  // KITH_TESTS_UNIT_SHARD_NODE_FIXTURE_H_
