// Small collections with real quantizers: what the noise of the property test cannot show is that
// the approximate steps look in the right places.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "index/plan.h"
#include "index/search.h"
#include "index/train.h"
#include "tests/support/memory_rows.h"

namespace kith::index {
namespace {

using ::kith::testing::MemoryRows;

constexpr uint32_t kDimension = 24;

struct Shape {
  const char* name;
  Metric metric;
  ElementType type;
  // Under inner product the longest vectors win wherever they lie, and those of u8 all point one
  // way: a quarter of the lists holds fewer of them.
  double recall_in_a_quarter = 0.97;
  uint32_t plane_b_bytes = kDimension;
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

class SearchTrained : public ::testing::TestWithParam<Shape> {
 protected:
  static constexpr uint32_t kPoints = 3000;

  SearchTrained() : rows_(GetParam().metric, GetParam().type, kDimension, 10) {}

  // Points around sixty centres, so that lists and codes have something to find.
  std::vector<float> Draw() {
    std::normal_distribution<float> wide(0, 25);
    std::normal_distribution<float> narrow(0, 9);
    if (centres_.empty()) {
      for (uint32_t i = 0; i < 60 * kDimension; ++i) centres_.push_back(wide(random_));
    }
    const uint32_t centre = random_() % 60;
    std::vector<float> vector(kDimension);
    for (uint32_t j = 0; j < kDimension; ++j) {
      vector[j] = std::round(centres_[centre * kDimension + j] + narrow(random_));
    }
    return vector;
  }

  static std::vector<std::byte> Store(const std::vector<float>& vector, ElementType type) {
    std::vector<std::byte> bytes(vector.size() * ElementSize(type));
    for (size_t j = 0; j < vector.size(); ++j) {
      if (type == ElementType::kU8) {
        bytes[j] = static_cast<std::byte>(std::clamp(vector[j] + 128, 0.0f, 255.0f));
      } else if (type == ElementType::kF32) {
        std::memcpy(&bytes[4 * j], &vector[j], 4);
      } else {
        const uint16_t half = WholeToHalf(vector[j]);
        std::memcpy(&bytes[2 * j], &half, 2);
      }
    }
    return bytes;
  }

  // Of whole numbers below 2048, which a half holds exactly.
  static uint16_t WholeToHalf(float value) {
    if (value == 0) return 0;
    int exponent;
    const float fraction = std::frexp(std::fabs(value), &exponent);  // in [0.5, 1)
    const auto bits = static_cast<uint16_t>(fraction * 2048) & 1023;
    return static_cast<uint16_t>((value < 0 ? 0x8000 : 0) | (exponent + 14) << 10 | bits);
  }

  void Build() {
    const Shape& shape = GetParam();
    std::vector<std::byte> sample;
    std::vector<uint32_t> indexed;
    for (uint32_t i = 0; i < kPoints; ++i) {
      const std::vector<std::byte> vector = Store(Draw(), shape.type);
      rows_.Add(PointKey::FromNumber(kPoints - i), vector.data());
      sample.insert(sample.end(), vector.begin(), vector.end());
      if (i < kPoints - 100) indexed.push_back(i);
    }
    IndexParameters parameters{.dimension = kDimension,
                               .metric = shape.metric,
                               .element_type = shape.type,
                               .lists = 32,
                               .subspaces = 8,
                               .seed = 1};
    SetPlaneB(shape.plane_b_bytes, parameters);
    auto version = TrainIndexVersion(parameters, {sample.data(), kPoints}, {});
    ASSERT_TRUE(version.ok()) << version.status().message();
    version_ = *version;
    for (const size_t begin : {size_t{0}, size_t{1000}}) {
      const size_t count = begin == 0 ? 1000 : indexed.size() - 1000;
      const EncodedRows encoded =
          EncodeRows(*version_, rows_.table(), std::span(indexed).subspan(begin, count), 1);
      segments_.push_back(ListSegment::FromEncoded(*version_, encoded));
    }
  }

  IndexView View() const {
    return {.metric = GetParam().metric,
            .element_type = GetParam().type,
            .dimension = kDimension,
            .rows = rows_.table(),
            .version = version_.get(),
            .segments = segments_,
            .indexed_end = kPoints - 100};
  }

  std::vector<Hit> Ask(const std::vector<std::byte>& query, const SearchOptions& options) {
    EXPECT_TRUE(Search({View(), query.data()}, options, workspace_, answer_).ok());
    return answer_.hits;
  }

  double Recall(const SearchOptions& options) {
    uint64_t found = 0;
    constexpr uint32_t kQueries = 100;
    for (uint32_t i = 0; i < kQueries; ++i) {
      const auto query = Store(Draw(), QueryType(GetParam().type));
      const auto truth = Ask(query, {.exact = true});
      const auto hits = Ask(query, options);
      for (const Hit& hit : hits) {
        found += std::any_of(truth.begin(), truth.end(),
                             [&](const Hit& t) { return t.row == hit.row && t.rank == hit.rank; });
      }
    }
    return static_cast<double>(found) / (kQueries * 10);
  }

  std::mt19937 random_{5};
  std::vector<float> centres_;
  MemoryRows rows_;
  std::shared_ptr<const IndexVersion> version_;
  std::vector<std::shared_ptr<const ListSegment>> segments_;
  SearchWorkspace workspace_;
  SearchAnswer answer_;
};

// One test, so that each shape is trained once.
TEST_P(SearchTrained, EveryPlaneRanksWellAndNothingIsMissedAtUnlimitedDepth) {
  ASSERT_NO_FATAL_FAILURE(Build());
  const double recall = Recall({.nprobe = 8, .refine = 160, .rerank = 40});
  EXPECT_GT(recall, GetParam().recall_in_a_quarter);
  EXPECT_LT(answer_.work.rows_scanned, kPoints * 2 / 3);
  // Were a plane ranked wrongly (a sign, a scale, a term), the few kept of thousands would be luck.
  EXPECT_GT(Recall({.nprobe = 32, .refine = 60, .rerank = 60}), 0.9);
  const uint32_t rerank = GetParam().plane_b_bytes < kDimension ? 24 : 12;
  EXPECT_GT(Recall({.nprobe = 32, .refine = 400, .rerank = rerank}), 0.95);
  EXPECT_EQ(Recall({.nprobe = 32, .refine = kUnlimited, .rerank = kUnlimited}), 1.0);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, SearchTrained,
    ::testing::Values(Shape{"L2F32", Metric::kL2, ElementType::kF32},
                      Shape{"L2F16", Metric::kL2, ElementType::kF16},
                      Shape{"L2U8", Metric::kL2, ElementType::kU8},
                      Shape{"InnerProductF32", Metric::kInnerProduct, ElementType::kF32},
                      Shape{"InnerProductU8", Metric::kInnerProduct, ElementType::kU8, 0.65},
                      Shape{"CosineF32", Metric::kCosine, ElementType::kF32},
                      Shape{"CosineF16", Metric::kCosine, ElementType::kF16},
                      Shape{"CosineU8", Metric::kCosine, ElementType::kU8},
                      Shape{"L2U8Packed", Metric::kL2, ElementType::kU8, 0.97, 12},
                      Shape{"L2F32Packed", Metric::kL2, ElementType::kF32, 0.97, 12},
                      Shape{"InnerProductF32Packed", Metric::kInnerProduct, ElementType::kF32, 0.97,
                            12},
                      Shape{"CosineU8Packed", Metric::kCosine, ElementType::kU8, 0.97, 12}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace kith::index
