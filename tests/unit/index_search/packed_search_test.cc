// A search through packed plane B orders rows as decoding all their codes in doubles does.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "index/encoder.h"
#include "index/plan.h"
#include "index/product_code.h"
#include "index/search.h"
#include "tests/unit/index_train/sample_points.h"

namespace kith::index {
namespace {

constexpr uint32_t kDimension = 21;
constexpr uint32_t kPoints = 2000;

class PackedSearchTest : public ::testing::TestWithParam<Metric> {
 protected:
  void SetUp() override {
    IndexParameters parameters{.dimension = kDimension,
                               .metric = GetParam(),
                               .element_type = ElementType::kF32,
                               .lists = 16,
                               .subspaces = 6,
                               .seed = 4};
    SetPlaneB(11, parameters);
    version_ = *Train(parameters, stored_, 2);
    encoded_ = EncodeRows(*version_, rows_.table(), rows_.All(), 2);
    segments_ = {ListSegment::FromEncoded(*version_, encoded_)};
    Decode();
  }

  // What all codes of each encoded row say.
  void Decode() {
    const ProductCoder coder(version_->codebooks, version_->subspace_begins);
    std::vector<float> decoded(kDimension);
    for (size_t i = 0; i < encoded_.rows.size(); ++i) {
      coder.Decode(&encoded_.plane_a[i * 6], decoded.data());
      for (uint32_t j = 0; j < kDimension; ++j) {
        const double code = version_->packed_layout.CodeAt(&encoded_.plane_b[i * 11], j);
        coded_.push_back(double{version_->Centroid(encoded_.lists[i])[j]} + decoded[j] +
                         version_->refine_min[j] + version_->refine_scale[j] * code);
      }
    }
  }

  double CodedRank(size_t i, const float* query) const {
    double rank = 0;
    for (uint32_t j = 0; j < kDimension; ++j) {
      const double coded = coded_[i * kDimension + j];
      const double difference = query[j] - coded;
      rank += GetParam() == Metric::kInnerProduct ? -query[j] * coded : difference * difference;
    }
    return rank;
  }

  // Far from the origin, so that the byte table's step is wide against what tells rows apart.
  static std::vector<std::byte> Shifted() {
    auto points = ClusteredPoints(kPoints, kDimension, 7);
    for (float& value : points) value += 2;
    return Stored(points, ElementType::kF32);
  }

  const std::vector<std::byte> stored_ = Shifted();
  const Rows rows_{stored_, ElementType::kF32, kDimension};
  std::shared_ptr<const IndexVersion> version_;
  EncodedRows encoded_;
  std::vector<double> coded_;
  std::vector<std::shared_ptr<const ListSegment>> segments_;
};

TEST_P(PackedSearchTest, KeepsTheRowsThatDecodingInFloatsPutsFirst) {
  const IndexView view = {.metric = GetParam(),
                          .element_type = ElementType::kF32,
                          .dimension = kDimension,
                          .rows = rows_.table(),
                          .version = version_.get(),
                          .segments = segments_,
                          .indexed_end = kPoints};
  constexpr uint32_t kKept = 25;
  SearchWorkspace workspace;
  SearchAnswer answer;
  for (uint32_t q = 0; q < 40; ++q) {
    const auto* query = reinterpret_cast<const float*>(rows_.table().Vector(q * 50));
    std::vector<float> compared(query, query + kDimension);
    if (GetParam() == Metric::kCosine) {
      const float scale = InverseNorm({ElementType::kF32, query, kDimension});
      for (float& value : compared) value *= scale;
    }
    ASSERT_TRUE(Search({view, query},
                       {.limit = kKept, .nprobe = 16, .refine = 1000, .rerank = kKept}, workspace,
                       answer)
                    .ok());
    EXPECT_EQ(answer.work.rows_refined, 1000u);
    EXPECT_EQ(answer.work.rows_reranked, kKept);
    std::vector<double> ranks;
    for (size_t i = 0; i < encoded_.rows.size(); ++i) {
      ranks.push_back(CodedRank(i, compared.data()));
    }
    std::vector<double> sorted = ranks;
    std::sort(sorted.begin(), sorted.end());
    const double last = sorted[kKept - 1];
    for (const Hit& hit : answer.hits) {
      const auto at = std::find(encoded_.rows.begin(), encoded_.rows.end(), hit.row);
      if (at == encoded_.rows.end()) continue;  // of the side list
      const double rank = ranks[static_cast<size_t>(at - encoded_.rows.begin())];
      // Corrections are rounded to half a step, of either row.
      EXPECT_LE(rank, last + version_->correction_scale + 2e-5 * (1 + std::abs(last))) << q;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Metrics, PackedSearchTest,
                         ::testing::Values(Metric::kL2, Metric::kInnerProduct, Metric::kCosine),
                         [](const auto& info) {
                           return std::string(info.param == Metric::kL2             ? "L2"
                                              : info.param == Metric::kInnerProduct ? "InnerProduct"
                                                                                    : "Cosine");
                         });

}  // namespace
}  // namespace kith::index
