// A shard against a plain model: random writes, deletes, restarts and searches on small
// collections. Exact search must equal brute force, and the index with every list and unlimited
// depth must equal exact search, bit for bit.
#include <algorithm>
#include <map>
#include <random>
#include <thread>

#include "index/search.h"
#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {
namespace {

class ModelTest : public NodeFixture {
 protected:
  using Model = std::map<uint64_t, std::vector<uint8_t>>;  // u8: sums are exact in any order

  std::vector<uint8_t> RandomVector() {
    std::vector<uint8_t> vector(dimension_);
    // Few values: ties and duplicate vectors are common.
    for (uint8_t& value : vector) value = static_cast<uint8_t>(random_() % 5);
    vector[0] = static_cast<uint8_t>(1 + random_() % 3);  // never all zero
    return vector;
  }

  void WriteSome(Model& model) {
    WriteCall call;
    for (int i = 0; i < 60; ++i) {
      const uint64_t id = random_() % 600;
      call.keys += Key(id);
      if (random_() % 4 == 0) {
        call.kinds.push_back(WriteKind::kDelete);
        model.erase(id);
      } else {
        call.kinds.push_back(WriteKind::kUpsert);
        const auto vector = RandomVector();
        call.vectors.append(vector.begin(), vector.end());
        model[id] = vector;
      }
    }
    const auto reply = Write(call);
    ASSERT_TRUE(reply.ok()) << reply.status();
    ASSERT_EQ(reply->live_points, model.size());
  }

  // (rank, id) of the true nearest.
  std::vector<std::pair<float, uint64_t>> BruteForce(const Model& model,
                                                     const std::vector<uint8_t>& query,
                                                     size_t limit) const {
    std::vector<std::pair<float, uint64_t>> all;
    for (const auto& [id, vector] : model) {
      int32_t sum = 0;
      for (uint32_t j = 0; j < dimension_; ++j) {
        const int32_t difference = int32_t{query[j]} - vector[j];
        sum += metric_ == Metric::kL2 ? difference * difference : -int32_t{query[j]} * vector[j];
      }
      all.emplace_back(static_cast<float>(sum), id);
    }
    std::sort(all.begin(), all.end());
    all.resize(std::min(all.size(), limit));
    return all;
  }

  void ExpectNearest(const Model& model, const std::string& version) {
    const auto query = RandomVector();
    const uint32_t limit = 1 + random_() % 30;
    SearchCall call;
    call.count = 1;
    call.queries.assign(query.begin(), query.end());
    call.limit = limit;
    call.index_version = version;
    call.nprobe = 1000;
    call.refine = index::kUnlimited;
    call.rerank = index::kUnlimited;
    const auto reply = Search(call);
    ASSERT_TRUE(reply.ok()) << reply.status();
    std::vector<std::pair<float, uint64_t>> found;
    const auto numbers = Numbers(*reply);
    for (size_t i = 0; i < numbers.size(); ++i) {
      found.emplace_back(RankFromScore(metric_, reply->scores[i]), numbers[i]);
    }
    EXPECT_EQ(found, BruteForce(model, query, limit));
  }

  std::string TrainAndBuild() {
    const auto hashes = node_->SampleHashes({7, 1, 1000}, Soon());
    if (hashes->size() < 256) return "";
    TrainingChunk chunk{"job", dimension_, ElementType::kU8,
                        *node_->ReadSample({7, 1, 0, 0, 1 << 20}, Soon())};
    EXPECT_TRUE(node_->AddTrainingChunk(chunk, Soon()).ok());
    StartTrainingCall start{
        "job", dimension_, metric_, ElementType::kU8, 4, std::min(dimension_, 2u), 1};
    EXPECT_TRUE(node_->StartTraining(start, Soon()).ok());
    auto state = node_->GetTraining("job", Soon());
    while (state.ok() && !state->done) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      state = node_->GetTraining("job", Soon());
    }
    (void)node_->CancelTraining("job", Soon());
    if (!state.ok() || !state->error.ok()) return "";  // too few distinct points: stays exact
    EXPECT_TRUE(node_->BuildIndex(7, state->artifact, Soon()).ok());
    while (true) {
      const auto stat = node_->Stat(7, Soon());
      EXPECT_TRUE(stat.ok());
      for (const IndexState& index : stat->indexes) {
        if (index.version == state->artifact && index.ready) return state->artifact;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  uint32_t dimension_ = 1;
  Metric metric_ = Metric::kL2;
  std::mt19937 random_{1};
};

TEST_F(ModelTest, AnswersEqualBruteForceThroughWritesTrainingAndRestarts) {
  int trained = 0;
  for (uint32_t round = 0; round < 24; ++round) {
    random_.seed(round);
    dimension_ = 5 + random_() % 12;
    metric_ = round % 2 == 0 ? Metric::kL2 : Metric::kInnerProduct;
    const auto created = node_->CreateShard(Spec(dimension_, metric_, ElementType::kU8), Soon());
    ASSERT_TRUE(created.ok()) << created;
    Model model;
    for (int i = 0; i < 12; ++i) WriteSome(model);
    ExpectNearest(model, "");
    const std::string version = TrainAndBuild();
    trained += version.empty() ? 0 : 1;
    for (int i = 0; i < 4; ++i) {
      WriteSome(model);
      ExpectNearest(model, "");
      ExpectNearest(model, version);
    }
    if (round % 3 == 0) {
      ASSERT_TRUE(node_->Close().ok());
    }
    ASSERT_TRUE(Start().ok());
    ExpectNearest(model, "");
    ExpectNearest(model, version);
    ExpectVerified(model.size());
    ASSERT_TRUE(node_->DropShard(7, Spec(1).incarnation, Soon()).ok());
  }
  EXPECT_GE(trained, 12);  // else the index was not what was tested
}

}  // namespace
}  // namespace kith::shard
