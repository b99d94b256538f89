// 200 small shards against a plain model in double precision: random writes, updates, deletes,
// restarts and searches, over every element type and metric. Exact search must be what brute force
// says, and the index with every list and unlimited depth must equal exact search, bit for bit.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <random>

#include "tests/support/hooked_file_system.h"
#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {
namespace {

// A disk that syncs nothing: what a crash does is tested elsewhere, and 200 shards sync a lot.
class SyncsNothing final : public test::DiskHooks {
 public:
  int Run(const test::DiskCall& call, const RealOperation& real) override {
    using Kind = test::DiskCall::Kind;
    const bool is_sync = call.kind == Kind::kSyncFile || call.kind == Kind::kSyncDirectory ||
                         call.kind == Kind::kSyncMap;
    return is_sync ? 0 : real();
  }
};

using Vector = std::vector<double>;

struct Found {
  std::vector<uint64_t> ids;
  std::vector<float> scores;
  bool operator==(const Found&) const = default;
};

// One shard and what must be in it.
struct Collection {
  ShardSpec spec;
  bool is_plain = false;  // values whose sums are exact in any order and precision
  std::mt19937 random;
  std::map<uint64_t, Vector> points;
  std::string version;  // empty: not trained

  uint32_t Random(uint32_t below) { return random() % below; }
  double RandomValue();
  Vector RandomVector();
  double Score(const Vector& query, const Vector& stored) const;
  double Tolerance(const Vector& query, const Vector& stored) const;
};

double Collection::RandomValue() {
  if (spec.element_type == ElementType::kU8) return is_plain ? Random(5) : Random(256);
  if (is_plain) return (static_cast<int>(Random(17)) - 8) / 4.0;
  // Eleven significant bits, as a half has them; a float has room for 13 more.
  const double sign = Random(2) == 0 ? 1 : -1;
  const int exponent = static_cast<int>(Random(5)) - 12;
  const double value = sign * std::ldexp(1024 + Random(1024), exponent);
  if (spec.element_type == ElementType::kF16) return value;
  return value * (1 + std::ldexp(Random(8000), -23));
}

Vector Collection::RandomVector() {
  Vector vector(spec.dimension);
  for (double& value : vector) value = RandomValue();
  if (vector[0] == 0) vector[0] = 1;  // no vector is zero
  if (spec.element_type == ElementType::kF32) {
    for (double& value : vector) value = static_cast<float>(value);
  }
  return vector;
}

double Dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double Collection::Score(const Vector& query, const Vector& stored) const {
  switch (spec.metric) {
    case Metric::kInnerProduct:
      return Dot(query, stored);
    case Metric::kCosine:
      return Dot(query, stored) / std::sqrt(Dot(query, query) * Dot(stored, stored));
    case Metric::kL2:
      break;
  }
  double sum = 0;
  for (size_t i = 0; i < query.size(); ++i) sum += (query[i] - stored[i]) * (query[i] - stored[i]);
  return sum;
}

// What float arithmetic may differ by: nothing where every sum is exact.
double Collection::Tolerance(const Vector& query, const Vector& stored) const {
  if (spec.metric == Metric::kCosine) return 2e-6;
  if (is_plain) return 0;
  return 2e-6 * (Dot(query, query) + Dot(stored, stored));
}

// The bits of a half that `value` is exactly.
uint16_t HalfOf(double value) {
  if (value == 0) return 0;
  int exponent = 0;
  const double fraction = std::frexp(std::abs(value), &exponent);  // 0.5 to 1
  const auto mantissa = static_cast<uint16_t>(std::ldexp(fraction, 11)) & 0x3ff;
  return static_cast<uint16_t>((value < 0 ? 0x8000 : 0) | (exponent + 14) << 10 | mantissa);
}

template <typename T>
void Append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string Encoded(ElementType type, const Vector& vector) {
  std::string bytes;
  for (const double value : vector) {
    if (type == ElementType::kU8) Append(bytes, static_cast<uint8_t>(value));
    if (type == ElementType::kF16) Append(bytes, HalfOf(value));
    if (type == ElementType::kF32) Append(bytes, static_cast<float>(value));
  }
  return bytes;
}

class ModelTest : public NodeFixture {
 protected:
  static constexpr uint32_t kAtOnce = 25;
  static constexpr uint32_t kCollections = 200;

  void SetUp() override {
    options_.files = &files_;
    options_.write_buffer_bytes = 256 << 10;
    options_.block_cache_bytes = 1 << 20;
    NodeFixture::SetUp();
  }

  Collection Make(uint32_t number) {
    constexpr Metric kMetrics[] = {Metric::kL2, Metric::kInnerProduct, Metric::kCosine};
    constexpr ElementType kTypes[] = {ElementType::kF32, ElementType::kF16, ElementType::kU8};
    Collection collection;
    collection.random.seed(number);
    collection.spec = Spec(5 + collection.Random(12), kMetrics[number % 3], kTypes[number / 3 % 3]);
    collection.spec.shard = number;
    collection.is_plain = number / 9 % 2 == 0;
    return collection;
  }

  void WriteSome(Collection& collection, uint32_t count) {
    WriteCall call;
    for (uint32_t i = 0; i < count; ++i) {
      const uint64_t id = collection.Random(600);
      call.keys += Key(id);
      if (collection.Random(4) == 0) {
        call.kinds.push_back(WriteKind::kDelete);
        collection.points.erase(id);
      } else {
        call.kinds.push_back(WriteKind::kUpsert);
        collection.points[id] = collection.RandomVector();
        call.vectors += Encoded(collection.spec.element_type, collection.points[id]);
      }
    }
    const auto reply = Write(call);
    ASSERT_TRUE(reply.ok()) << reply.status();
    ASSERT_EQ(reply->live_points, collection.points.size());
  }

  Found SearchFor(const Collection& collection, const Vector& query, uint32_t limit,
                  const std::string& version) {
    SearchCall call = IndexedQuery({}, limit, version);
    const bool is_u8 = collection.spec.element_type == ElementType::kU8;
    call.queries = Encoded(is_u8 ? ElementType::kU8 : ElementType::kF32, query);
    const auto reply = Search(call);
    EXPECT_TRUE(reply.ok()) << reply.status();
    if (!reply.ok()) return {};
    return {Numbers(*reply), reply->scores};
  }

  void ExpectNearest(Collection& collection) {
    const Vector query = collection.RandomVector();
    const uint32_t limit = 1 + collection.Random(30);
    const Found exact = SearchFor(collection, query, limit, "");
    ExpectWhatTheModelSays(collection, query, exact, limit);
    if (collection.version.empty()) return;
    EXPECT_EQ(SearchFor(collection, query, limit, collection.version), exact);
  }

  // Each score is its point's, in order, and nothing nearer was left out.
  static void ExpectWhatTheModelSays(const Collection& collection, const Vector& query,
                                     const Found& found, size_t limit) {
    ASSERT_EQ(found.ids.size(), std::min(limit, collection.points.size()));
    const double sign = collection.spec.metric == Metric::kL2 ? 1 : -1;
    std::map<uint64_t, Vector> others = collection.points;
    for (size_t i = 0; i < found.ids.size(); ++i) {
      const auto point = others.find(found.ids[i]);
      ASSERT_NE(point, others.end()) << "point " << found.ids[i] << " is not there, or twice";
      ASSERT_NEAR(found.scores[i], collection.Score(query, point->second),
                  collection.Tolerance(query, point->second));
      others.erase(point);
      if (i == 0) continue;
      const auto before = std::pair(sign * found.scores[i - 1], found.ids[i - 1]);
      ASSERT_LT(before, std::pair(sign * found.scores[i], found.ids[i]));
    }
    if (found.ids.empty()) return;
    for (const auto& [id, stored] : others) {
      const double rank = sign * collection.Score(query, stored);
      const double last = sign * found.scores.back();
      const double tolerance = collection.Tolerance(query, stored);
      ASSERT_TRUE(rank > last - tolerance || (rank == last && id > found.ids.back()))
          << "point " << id << " is nearer than the last one";
      // Equal ranks: the smaller id comes first.
      if (tolerance == 0) ASSERT_LT(std::pair(last, found.ids.back()), std::pair(rank, id));
    }
  }

  std::string TrainVersion(const Collection& collection) {
    const ShardSpec& spec = collection.spec;
    const auto hashes = node_->SampleHashes({spec.shard, 1, 1000}, Soon());
    if (hashes->size() < 256) return "";
    TrainingChunk chunk{"job", spec.dimension, spec.element_type, {}};
    chunk.sample = *node_->ReadSample({spec.shard, 1, 0, 0, 1 << 20}, Soon());
    EXPECT_TRUE(node_->AddTrainingChunk(std::move(chunk), Soon()).ok());
    const StartTrainingCall start{"job", spec.dimension, spec.metric, spec.element_type, 4, 2, 1};
    EXPECT_TRUE(node_->StartTraining(start, Soon()).ok());
    absl::StatusOr<TrainingState> state = TrainingState();
    EXPECT_TRUE(Within(std::chrono::seconds(30), [&] {
      state = node_->GetTraining("job", Soon());
      return !state.ok() || state->done;
    }));
    (void)node_->CancelTraining("job", Soon());
    if (!state.ok() || !state->error.ok()) return "";  // too few distinct points: stays exact
    EXPECT_TRUE(node_->BuildIndex(spec.shard, state->artifact, Soon()).ok());
    EXPECT_TRUE(Within(std::chrono::seconds(30), [&] { return IsReady(state->artifact); }));
    return state->artifact;
  }

  void BeforeTheRestart(Collection& collection) {
    shard_ = collection.spec.shard;
    const auto created = node_->CreateShard(collection.spec, Soon());
    ASSERT_TRUE(created.ok()) << created;
    WriteSome(collection, 1000);
    ExpectNearest(collection);
    collection.version = TrainVersion(collection);
    trained_ += collection.version.empty() ? 0 : 1;
    for (int i = 0; i < 3; ++i) {
      WriteSome(collection, 60);
      ExpectNearest(collection);
    }
  }

  void AfterTheRestart(Collection& collection) {
    shard_ = collection.spec.shard;
    ExpectNearest(collection);
    WriteSome(collection, 60);
    ExpectNearest(collection);
    ExpectVerified(collection.points.size());
    ASSERT_TRUE(node_->DropShard(shard_, Spec(1).incarnation, Soon()).ok());
  }

  SyncsNothing syncs_nothing_;
  test::HookedFileSystem files_{syncs_nothing_};
  int trained_ = 0;
};

TEST_F(ModelTest, AnswersEqualBruteForceThroughWritesTrainingAndRestarts) {
  for (uint32_t first = 0; first < kCollections; first += kAtOnce) {
    std::vector<Collection> collections;
    for (uint32_t i = 0; i < kAtOnce; ++i) collections.push_back(Make(first + i));
    for (Collection& collection : collections) {
      SCOPED_TRACE(collection.spec.shard);
      BeforeTheRestart(collection);
      if (HasFatalFailure()) return;
    }
    if (first % 50 == 0) {
      ASSERT_TRUE(node_->Close().ok());
    }
    ASSERT_TRUE(Start().ok());
    for (Collection& collection : collections) {
      SCOPED_TRACE(collection.spec.shard);
      AfterTheRestart(collection);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GE(trained_, 180);  // else the index was not what was tested
}

}  // namespace
}  // namespace kith::shard
