// A copy whose index has plane B in half a byte a dimension: built, searched, written to, reopened.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {
namespace {

using std::chrono::seconds;

constexpr uint32_t kDimension = 16;
constexpr uint32_t kPlaneB = 8;

class PackedPlaneTest : public NodeFixture {
 protected:
  void SetUp() override {
    NodeFixture::SetUp();
    ASSERT_TRUE(node_->CreateShard(Spec(kDimension), Soon()).ok());
    FillClusters(0, 6'000);
    StartTrainingCall start{"job", kDimension, Metric::kL2, ElementType::kF32, 16, 8, 1};
    start.plane_b_bytes = kPlaneB;
    version_ = Train(start);
    ASSERT_TRUE(node_->BuildIndex(7, version_, Soon()).ok());
    ASSERT_TRUE(Within(seconds(60), [&] { return IsReady(version_); }));
  }
  // Of thirty clusters.
  static std::vector<float> VectorOf(uint64_t id) {
    std::mt19937 centre(static_cast<uint32_t>(id % 30));
    std::mt19937 own(static_cast<uint32_t>(id + 1'000));
    std::normal_distribution<float> wide(0, 4);
    std::normal_distribution<float> narrow(0, 1);
    std::vector<float> vector(kDimension);
    for (float& value : vector) value = wide(centre) + narrow(own);
    return vector;
  }
  void FillClusters(uint64_t first, uint32_t count) {
    WriteCall call;
    for (uint64_t id = first; id < first + count; ++id) {
      call.kinds.push_back(WriteKind::kUpsert);
      call.keys += Key(id);
      call.vectors += Bytes(VectorOf(id));
    }
    const auto reply = Write(std::move(call));
    ASSERT_TRUE(reply.ok()) << reply.status();
  }
  bool IsUpToDate() const {
    const auto stat = node_->Stat(7, Soon());
    return stat.ok() && stat->indexes.size() == 1 && stat->indexes[0].ready &&
           stat->indexes[0].indexed_rows == stat->indexes[0].total_rows;
  }
  // Few rows are compared exactly, so plane B decides which.
  void ExpectFinds() {
    uint32_t found = 0;
    for (uint64_t q = 0; q < 50; ++q) {
      const auto query = VectorOf(500'000 + q);
      const auto truth = Numbers(*Search(Query(query)));
      SearchCall call = IndexedQuery(query, 10, version_);
      call.refine = 400;
      call.rerank = 30;
      const auto reply = Search(call);
      ASSERT_TRUE(reply.ok()) << reply.status();
      EXPECT_EQ(reply->work.rows_reranked, 30u);
      const auto hits = Numbers(*reply);
      found += std::count_if(hits.begin(), hits.end(), [&](uint64_t id) {
        return std::find(truth.begin(), truth.end(), id) != truth.end();
      });
    }
    EXPECT_GE(found, 490u) << "of 500";
  }
  void ExpectPlaneBTakes(uint64_t points) {
    const auto stat = node_->Stat(7, Soon());
    ASSERT_TRUE(stat.ok());
    EXPECT_LE(stat->memory.refine, points * kPlaneB);
    EXPECT_GE(stat->memory.refine, points * kPlaneB * 98 / 100) << "but for the side list";
  }

  std::string version_;
};

TEST_F(PackedPlaneTest, FindsNeighboursInHalfTheMemory) {
  ExpectFinds();
  ExpectPlaneBTakes(6'000);
}

TEST_F(PackedPlaneTest, TakesUpWritesAndDeletes) {
  FillClusters(6'000, 3'000);
  ASSERT_TRUE(Write(Put(7, VectorOf(700'000))).ok());
  ASSERT_TRUE(Write(Remove(8)).ok());
  ASSERT_TRUE(Within(seconds(60), [&] { return IsUpToDate(); }));
  ExpectFinds();
  EXPECT_EQ(Numbers(*Search(IndexedQuery(VectorOf(700'000), 1, version_))),
            std::vector<uint64_t>{7});
  for (const uint64_t id : {8, 4'000, 8'000}) {
    const auto query = VectorOf(id);
    EXPECT_EQ(Numbers(*Search(IndexedQuery(query, 20, version_))),
              Numbers(*Search(Query(query, 20))));
  }
  ExpectVerified(8'999);
}

TEST_F(PackedPlaneTest, IsThereAfterACleanStopAndAfterAKill) {
  ASSERT_TRUE(node_->Close().ok());
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(Within(seconds(60), [&] { return IsReady(version_); }));
  ExpectFinds();
  ExpectPlaneBTakes(6'000);
  FillClusters(6'000, 500);
  ASSERT_TRUE(Start().ok()) << "without Close";
  ASSERT_TRUE(Within(seconds(60), [&] { return IsUpToDate(); }));
  ExpectFinds();
  ExpectVerified(6'500);
}

}  // namespace
}  // namespace kith::shard
