// Two hundred small random collections: the exact search must equal a brute force written here, and
// the indexed search over all lists at unlimited depth must equal both, bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "index/decode.h"
#include "index/kernels/kernel_table.h"
#include "index/parameters.h"
#include "index/plan.h"
#include "index/search.h"
#include "tests/support/memory_rows.h"
#include "tests/support/named_kernels.h"
#include "tests/unit/index_search/fabricated_index.h"

namespace kith::index {
namespace {

using ::kith::testing::MemoryRows;

struct Expected {
  float rank;
  PointKey key;
  uint32_t row;
  auto Order() const { return std::pair(rank, key); }
};

class RandomCollection {
 public:
  // Of a dimension up to 40 where none is given.
  explicit RandomCollection(uint32_t seed, uint32_t dimension = 0)
      : random_(seed),
        metric_(Pick({Metric::kL2, Metric::kInnerProduct, Metric::kCosine})),
        type_(Pick({ElementType::kF32, ElementType::kF16, ElementType::kU8})),
        dimension_(dimension != 0 ? dimension : 1 + random_() % 40),
        rows_(metric_, type_, dimension_) {
    Write();
    Index();
  }

  std::vector<Expected> BruteForce(const std::vector<std::byte>& query) const {
    std::vector<Expected> expected;
    for (const auto& [key, row] : live_) {
      const float rank = Rank(query, rows_.table().Vector(row));
      expected.push_back({rank, key, row});
    }
    std::sort(expected.begin(), expected.end(),
              [](const Expected& a, const Expected& b) { return a.Order() < b.Order(); });
    return expected;
  }

  std::vector<std::byte> RandomQuery() {
    const ElementType type = QueryType(type_);
    std::vector<std::byte> query(dimension_ * ElementSize(type));
    Fill(type, query.data());
    return query;
  }

  IndexView View() const {
    return {.metric = metric_,
            .element_type = type_,
            .dimension = dimension_,
            .rows = rows_.table(),
            .tombstones = &tombstones_,
            .version = version_.get(),
            .segments = segments_,
            .indexed_end = indexed_end_};
  }

  void MergeSegments() { segments_ = {ListSegment::Merge(*version_, segments_, tombstones_)}; }
  std::mt19937& random() { return random_; }
  size_t live() const { return live_.size(); }

 private:
  template <typename T>
  T Pick(std::initializer_list<T> values) {
    return values.begin()[random_() % values.size()];
  }

  // Few distinct values, so that ranks tie; never zero throughout.
  void Fill(ElementType type, std::byte* out) {
    for (uint32_t j = 0; j < dimension_; ++j) {
      const int value = static_cast<int>(random_() % 4) + (j == 0 ? 1 : 0);
      if (type == ElementType::kU8) {
        out[j] = static_cast<std::byte>(value * 60);
      } else if (type == ElementType::kF16) {
        const uint16_t halves[] = {0x0000, 0x3c00, 0xb800, 0x4248, 0x2e66};  // 0 1 -.5 3.14 .1
        std::memcpy(out + 2 * j, &halves[value], 2);
      } else {
        const float floats[] = {0.0f, 1.1f, -0.7f, 3.3f, 0.013f};
        std::memcpy(out + 4 * j, &floats[value], 4);
      }
    }
  }

  PointKey RandomKey() {
    std::string uuid(16, static_cast<char>(random_()));
    uuid[3] = static_cast<char>(random_());
    return random_() % 3 == 0 ? PointKey::FromUuid(uuid) : PointKey::FromNumber(random_() % 100000);
  }

  // Inserts, updates (a new row and a tombstone) and deletes; every third vector was there before.
  void Write() {
    std::vector<std::vector<std::byte>> vectors;
    std::vector<uint32_t> dead;
    const uint32_t writes = random_() % 500;
    for (uint32_t i = 0; i < writes; ++i) {
      std::vector<std::byte> vector(rows_.vector_bytes());
      Fill(type_, vector.data());
      if (!vectors.empty() && random_() % 3 == 0) vector = vectors[random_() % vectors.size()];
      vectors.push_back(vector);
      PointKey key = RandomKey();
      if (!live_.empty() && random_() % 4 == 0) {
        key = std::next(live_.begin(), random_() % live_.size())->first;
      }
      if (live_.contains(key)) dead.push_back(live_[key]);
      live_[key] = rows_.Add(key, vector.data());
      if (random_() % 6 == 0) {
        const auto victim = std::next(live_.begin(), random_() % live_.size());
        dead.push_back(victim->second);
        live_.erase(victim);
      }
    }
    tombstones_ = Tombstones().With(dead);
  }

  void Index() {
    IndexParameters parameters{.dimension = dimension_, .metric = metric_, .element_type = type_};
    parameters.lists = 1 + random_() % 16;
    parameters.subspaces = 1 + random_() % std::min(dimension_, 20u);
    const bool may_be_raw = type_ == ElementType::kU8 && metric_ != Metric::kCosine;
    parameters.plane_b = may_be_raw && random_() % 4 != 0 ? PlaneB::kRawU8 : PlaneB::kResidual;
    if (dimension_ > kMinPackedBytes && random_() % 3 == 0) {
      SetPlaneB(kMinPackedBytes + random_() % (dimension_ - kMinPackedBytes), parameters);
    }
    version_ = NoiseVersion(parameters, random_);
    indexed_end_ = random_() % 4 == 0 ? rows_.row_end() : random_() % (rows_.row_end() + 1);
    std::vector<std::vector<uint32_t>> parts(1 + random_() % 3);
    for (uint32_t row = 0; row < indexed_end_; ++row) {
      // Some dead rows never got a code.
      if (tombstones_.IsDead(row) && random_() % 2 == 0) continue;
      parts[random_() % parts.size()].push_back(row);
    }
    for (const auto& part : parts) {
      segments_.push_back(
          ListSegment::FromEncoded(*version_, NoiseCodes(*version_, rows_.table(), part, random_)));
    }
  }

  float Rank(const std::vector<std::byte>& query, const std::byte* vector) const {
    const KernelTable& kernels = PortableKernels();
    const auto* floats = reinterpret_cast<const float*>(query.data());
    const auto* bytes = reinterpret_cast<const uint8_t*>(query.data());
    const bool l2 = metric_ == Metric::kL2;
    const void* one = vector;
    float score = 0;
    if (type_ == ElementType::kU8) {
      (l2 ? kernels.l2_u8 : kernels.ip_u8)(bytes, &one, 1, dimension_, &score);
    } else if (type_ == ElementType::kF16) {
      (l2 ? kernels.l2_f16 : kernels.ip_f16)(floats, &one, 1, dimension_, &score);
    } else {
      (l2 ? kernels.l2_f32 : kernels.ip_f32)(floats, &one, 1, dimension_, &score);
    }
    if (metric_ == Metric::kCosine) {
      score = score * InverseNorm({type_, vector, dimension_}) *
              InverseNorm({QueryType(type_), query.data(), dimension_});
    }
    return l2 ? score : -score;
  }

  std::mt19937 random_;
  Metric metric_;
  ElementType type_;
  uint32_t dimension_;
  MemoryRows rows_;
  std::map<PointKey, uint32_t> live_;
  Tombstones tombstones_;
  std::shared_ptr<const IndexVersion> version_;
  std::vector<std::shared_ptr<const ListSegment>> segments_;
  uint32_t indexed_end_ = 0;
};

void ExpectSame(const std::vector<Hit>& hits, const std::vector<Expected>& expected) {
  ASSERT_EQ(hits.size(), expected.size());
  for (size_t i = 0; i < hits.size(); ++i) {
    ASSERT_EQ(hits[i].row, expected[i].row) << "hit " << i;
    ASSERT_EQ(std::bit_cast<uint32_t>(hits[i].rank), std::bit_cast<uint32_t>(expected[i].rank));
  }
}

class SearchProperty : public ::testing::Test {
 protected:
  std::vector<Hit> Ask(const IndexView& view, const std::vector<std::byte>& query,
                       const SearchOptions& options) {
    SearchAnswer answer;
    const Status status = Search({view, query.data()}, options, workspace_, answer);
    EXPECT_TRUE(status.ok()) << status.message();
    const SearchWork& work = answer.work;
    EXPECT_EQ(work.codes_done, work.codes_planned);
    EXPECT_EQ(work.codes_done, work.rows_scanned + work.rows_exact);
    return answer.hits;
  }

  // Every way of asking for the truth, against the brute force.
  void CheckOnce(RandomCollection& collection, std::span<const uint64_t> allowed = {}) {
    const std::vector<std::byte> query = collection.RandomQuery();
    std::vector<Expected> expected = collection.BruteForce(query);
    if (!allowed.empty()) {
      std::erase_if(expected, [&](const Expected& one) {
        return (allowed[one.row / 64] >> (one.row % 64) & 1) == 0;
      });
    }
    SearchOptions options{.refine = kUnlimited, .rerank = kUnlimited};
    options.limit = 1 + collection.random()() % (collection.live() * 3 / 2 + 2);
    if (!expected.empty() && collection.random()() % 3 == 0) {
      options.rank_bound = expected[collection.random()() % expected.size()].rank;
      std::erase_if(expected, [&](const Expected& e) { return e.rank > options.rank_bound; });
    }
    expected.resize(std::min<size_t>(expected.size(), options.limit));
    options.nprobe = kUnlimited;
    IndexView view = collection.View();
    view.allowed = allowed;
    std::optional<AllowedLists> lists;
    if (!allowed.empty()) {
      view.allowed_lists = &lists.emplace(allowed, view.segments, view.version->lists());
    }
    ExpectSame(Ask(view, query, options), expected);
    options.exact = true;
    ExpectSame(Ask(view, query, options), expected);
    IndexView flat = view;
    flat.version = nullptr;
    options.exact = false;
    ExpectSame(Ask(flat, query, options), expected);
  }

  SearchWorkspace workspace_;  // one for all: nothing of a search may stay in the next
};

TEST_F(SearchProperty, ExactAndUnlimitedSearchesAreTheBruteForceBitForBit) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    RandomCollection collection(seed);
    for (int i = 0; i < 4; ++i) CheckOnce(collection);
    collection.MergeSegments();
    for (int i = 0; i < 2; ++i) CheckOnce(collection);
    if (HasFatalFailure()) return;
  }
}

TEST_F(SearchProperty, UnderAFilterTheyAreTheBruteForceOfWhatItLetsThrough) {
  for (uint32_t seed = 4000; seed < 4200; ++seed) {
    SCOPED_TRACE(seed);
    RandomCollection collection(seed);
    const IndexView view = collection.View();
    // From nothing to everything, in single bits and in whole words.
    const uint32_t share = collection.random()() % 101;
    std::vector<uint64_t> allowed((view.rows.row_end + 63) / 64);
    for (uint32_t row = 0; row < view.rows.row_end; ++row) {
      const uint32_t draw = seed % 2 == 0 ? collection.random()() : row / 64 * 37 + seed;
      const bool passes = draw % 100 < share && !view.tombstones->IsDead(row);
      if (passes) allowed[row / 64] |= uint64_t{1} << (row % 64);
    }
    for (int i = 0; i < 4; ++i) CheckOnce(collection, allowed);
    collection.MergeSegments();
    CheckOnce(collection, allowed);
    if (HasFatalFailure()) return;
  }
}

TEST_F(SearchProperty, LimitedSearchesGiveLiveRowsWithExactRanksInOrderAndNoneTwice) {
  int exhaustive = 0;
  for (uint32_t seed = 1000; seed < 1060; ++seed) {
    SCOPED_TRACE(seed);
    RandomCollection collection(seed);
    const std::vector<std::byte> query = collection.RandomQuery();
    const std::vector<Expected> truth = collection.BruteForce(query);
    const auto below = [&](uint32_t end) {
      return static_cast<uint32_t>(collection.random()() % end);
    };
    SearchOptions options;
    options.limit = 1 + below(50);
    options.nprobe = 1 + below(8);
    options.refine = below(60);
    options.rerank = below(60);
    const std::vector<Hit> hits = Ask(collection.View(), query, options);
    const bool all_lists = options.nprobe >= collection.View().version->lists();
    EXPECT_LE(hits.size(), options.limit);
    if (all_lists) {
      EXPECT_EQ(hits.size(), std::min<size_t>(options.limit, collection.live()));
    }
    exhaustive += all_lists;
    size_t at = 0;
    for (const Hit& hit : hits) {
      // In the order of the truth, so each at most once.
      while (at < truth.size() && truth[at].row != hit.row) ++at;
      ASSERT_LT(at, truth.size());
      ASSERT_EQ(std::bit_cast<uint32_t>(hit.rank), std::bit_cast<uint32_t>(truth[at].rank));
      ++at;
    }
  }
  EXPECT_GT(exhaustive, 5);
}

TEST_F(SearchProperty, LongVectorsAreNoException) {
  for (const uint32_t dimension : {512u, 768u, 4096u}) {
    for (uint32_t seed = 2000; seed < 2012; ++seed) {
      SCOPED_TRACE(std::to_string(dimension) + " seed " + std::to_string(seed));
      RandomCollection collection(seed, dimension);
      CheckOnce(collection);
      collection.MergeSegments();
      CheckOnce(collection);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(SearchProperty, RunsUnderTheKernelsNamed) { KITH_RUN_UNDER_NAMED_KERNELS(); }

}  // namespace
}  // namespace kith::index
