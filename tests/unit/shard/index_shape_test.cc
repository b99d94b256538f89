// Several index versions of one copy: all take up writes, and Stat tells how their lists lie.
#include <gtest/gtest.h>

#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {
namespace {

using std::chrono::seconds;

class IndexShapeTest : public NodeFixture {
 protected:
  void SetUp() override {
    NodeFixture::SetUp();
    ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  }
  IndexState StateOf(const std::string& version) const {
    const auto stat = node_->Stat(7, Soon());
    EXPECT_TRUE(stat.ok()) << stat.status();
    for (const IndexState& index : stat->indexes) {
      if (index.version == version) return index;
    }
    ADD_FAILURE() << version << " is not there";
    return {};
  }
  bool IsUpToDate(const std::string& version) const {
    const IndexState state = StateOf(version);
    return state.ready && state.indexed_rows == state.total_rows;
  }
};

TEST_F(IndexShapeTest, EveryVersionTakesUpWritesAndAnswersWithThem) {
  Fill(0, 20'000);
  std::string old_version;
  std::string new_version;
  TrainAndBuild(16, old_version);
  TrainAndBuild(32, new_version);
  Fill(20'000, 20'000);
  ASSERT_TRUE(Write(Put(7, {123'456, -7})).ok()) << "replaced: its old row dies in both";
  ASSERT_TRUE(Write(Remove(8)).ok());
  ASSERT_TRUE(Within(seconds(60), [&] { return IsUpToDate(old_version); }));
  ASSERT_TRUE(Within(seconds(60), [&] { return IsUpToDate(new_version); }));
  for (const std::string& version : {old_version, new_version}) {
    for (const std::vector<float>& query : {std::vector<float>{123'456, -7}, {30'000, 1}, {1, 1}}) {
      const auto found = Search(IndexedQuery(query, 20, version));
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_EQ(Numbers(*found), Numbers(*Search(Query(query, 20)))) << version;
    }
  }
  ExpectVerified(39'999);
  ASSERT_TRUE(node_->DropIndex(7, new_version, Soon()).ok());
  EXPECT_TRUE(Search(IndexedQuery({1, 1}, 5, old_version)).ok());
  EXPECT_FALSE(Search(IndexedQuery({1, 1}, 5, new_version)).ok());
}

TEST_F(IndexShapeTest, AVersionKeptForARollbackIsReadyAfterARestartToo) {
  Fill(0, 5'000);
  std::string old_version;
  std::string new_version;
  TrainAndBuild(16, old_version);
  TrainAndBuild(32, new_version);
  Fill(5'000, 1'000);
  ASSERT_TRUE(node_->Close().ok());
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(IsReady(old_version));
  EXPECT_TRUE(IsReady(new_version));
  const auto found = Search(IndexedQuery({5'500, 1}, 20, old_version));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(Numbers(*found), Numbers(*Search(Query({5'500, 1}, 20))));
}

TEST_F(IndexShapeTest, StatTellsHowTheRowsLieInTheLists) {
  Fill(0, 4'000);
  std::string version;
  TrainAndBuild(16, version);
  const IndexState even = StateOf(version);
  EXPECT_EQ(even.lists, 16u);
  EXPECT_EQ(even.list_rows + even.out_of_range_rows, 4'000u);
  EXPECT_GE(even.list_rows_max, 4'000u / 16);
  EXPECT_LT(even.list_rows_max, 1'000u);
  EXPECT_EQ(even.large_list_rows, 0u);
  EXPECT_EQ(even.dead_rows, 0u);

  // Ten thousand points where one of the lists is: it outgrows four times the mean.
  WriteCall crowd;
  for (uint64_t id = 100'000; id < 110'000; ++id) {
    crowd.kinds.push_back(WriteKind::kUpsert);
    crowd.keys += Key(id);
    crowd.vectors += Bytes({1'000, static_cast<float>(id % 10)});
  }
  ASSERT_TRUE(Write(std::move(crowd)).ok());
  ASSERT_TRUE(Within(seconds(60), [&] { return IsUpToDate(version); }));
  const IndexState crowded = StateOf(version);
  EXPECT_EQ(crowded.list_rows + crowded.out_of_range_rows, 14'000u);
  EXPECT_GE(crowded.list_rows_max, 10'000u);
  EXPECT_GE(crowded.large_list_rows, 10'000u);
  EXPECT_LT(crowded.large_list_rows, crowded.list_rows);
}

TEST_F(IndexShapeTest, RowsThatDieInTheIndexAreCountedAndThoseOfTheTailAreNot) {
  Fill(0, 4'000);
  std::string version;
  TrainAndBuild(16, version);
  for (uint64_t id = 0; id < 100; ++id) ASSERT_TRUE(Write(Remove(id)).ok());
  EXPECT_EQ(StateOf(version).dead_rows, 100u);
  // New rows stay in the tail for a second; those that die there are no rows of the index.
  WriteCall call;
  call.kinds = {WriteKind::kUpsert, WriteKind::kUpsert, WriteKind::kDelete};
  call.keys = Key(9'000) + Key(9'001) + Key(9'000);
  call.vectors = Bytes({1, 1, 1, 1});
  ASSERT_TRUE(Write(std::move(call)).ok());
  EXPECT_EQ(StateOf(version).dead_rows, 100u);
  ASSERT_TRUE(Write(Put(200, {1, 1})).ok()) << "its row in the index dies";
  EXPECT_EQ(StateOf(version).dead_rows, 101u);
}

TEST_F(IndexShapeTest, PointsOutsideWhatWasTrainedForAreDrift) {
  Fill(0, 4'000);
  std::string version;
  TrainAndBuild(16, version);
  const uint64_t before = StateOf(version).out_of_range_rows;
  for (uint64_t id = 0; id < 10; ++id) {
    ASSERT_TRUE(Write(Put(50'000 + id, {1e9f, static_cast<float>(id)})).ok());
  }
  ASSERT_TRUE(Within(seconds(60), [&] { return IsUpToDate(version); }));
  EXPECT_EQ(StateOf(version).out_of_range_rows, before + 10);
}

}  // namespace
}  // namespace kith::shard
