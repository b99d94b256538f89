// Plane B in fewer bytes than dimensions: how its bits are dealt out, trained and filled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "index/content_hash.h"
#include "index/encoder.h"
#include "index/packed_coder.h"
#include "index/packed_training.h"
#include "index/plan.h"
#include "index/product_code.h"
#include "tests/support/named_kernels.h"
#include "tests/unit/index_train/sample_points.h"

namespace kith::index {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Le;

size_t SumOf(const std::vector<uint8_t>& bits) {
  return std::accumulate(bits.begin(), bits.end(), size_t{0});
}

// Of a value that is coded ever better: a quarter of the error a bit.
ErrorsByBits Quartering(double variance) {
  ErrorsByBits errors;
  for (double& error : errors) {
    error = variance;
    variance /= 4;
  }
  return errors;
}

TEST(AllocateBitsTest, DealsOutTheWholeBudgetByVariance) {
  const std::vector<ErrorsByBits> errors = {Quartering(1), Quartering(16), Quartering(4)};
  EXPECT_THAT(AllocateBits(errors, 9), ElementsAre(2, 4, 3));
  for (size_t total = 0; total <= 24; ++total) {
    const auto bits = AllocateBits(errors, total);
    EXPECT_EQ(SumOf(bits), total);
    EXPECT_THAT(bits, Each(Le(8)));
  }
  EXPECT_THAT(AllocateBits(errors, 1000), ElementsAre(8, 8, 8)) << "no more than eight each";
}

TEST(AllocateBitsTest, WhatDoesNotVaryGetsNone) {
  const std::vector<ErrorsByBits> errors = {Quartering(0), Quartering(1e-12), Quartering(0)};
  EXPECT_THAT(AllocateBits(errors, 20), ElementsAre(0, 8, 0));
}

TEST(AllocateBitsTest, OfEqualsTheLowestDimensionComesFirst) {
  const std::vector<ErrorsByBits> errors(5, Quartering(3));
  EXPECT_THAT(AllocateBits(errors, 7), ElementsAre(2, 2, 1, 1, 1));
}

struct Shape {
  const char* name;
  uint32_t dimension;
  uint32_t bytes;
  ElementType type;
  Metric metric;
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

IndexParameters ParametersOf(const Shape& shape) {
  IndexParameters parameters = {.dimension = shape.dimension,
                                .metric = shape.metric,
                                .element_type = shape.type,
                                .lists = 16,
                                .subspaces = AutoSubspaces(shape.dimension),
                                .seed = 3};
  SetPlaneB(shape.bytes, parameters);
  return parameters;
}

// A trained version, and rows that training did not see, encoded.
struct Encoded {
  explicit Encoded(const Shape& shape)
      : parameters(ParametersOf(shape)),
        sample(Stored(ClusteredPoints(1200, shape.dimension, 5), shape.type)),
        rows(Stored(ClusteredPoints(300, shape.dimension, 5), shape.type), shape.type,
             shape.dimension) {
    const auto trained = Train(parameters, sample, 2);
    EXPECT_TRUE(trained.ok()) << trained.status().message();
    version = *trained;
    codes = EncodeRows(*version, rows.table(), rows.All(), 1);
  }

  const uint8_t* PlaneB(size_t i) const { return &codes.plane_b[i * parameters.plane_b_bytes]; }
  // The vector of the i-th encoded row, less its centroid and r̂.
  std::vector<double> Left(size_t i) const {
    const uint32_t n = parameters.dimension;
    const uint32_t row = codes.rows[i];
    const bool cosine = parameters.metric == Metric::kCosine;
    std::vector<float> vector(n);
    DecodeVector({parameters.element_type, rows.table().Vector(row), n},
                 cosine ? rows.table().Header(row).inverse_norm : 1, vector.data());
    const std::vector<float> decoded = PlaneA(i);
    std::vector<double> left;
    for (uint32_t j = 0; j < n; ++j) {
      left.push_back(double{vector[j]} - version->Centroid(codes.lists[i])[j] - decoded[j]);
    }
    return left;
  }
  std::vector<float> PlaneA(size_t i) const {
    std::vector<float> decoded(parameters.dimension);
    ProductCoder(version->codebooks, version->subspace_begins)
        .Decode(&codes.plane_a[i * version->subspaces()], decoded.data());
    return decoded;
  }
  double Coded(size_t i, uint32_t j) const {
    const double code = version->packed_layout.CodeAt(PlaneB(i), j);
    return version->refine_min[j] + version->refine_scale[j] * code;
  }

  IndexParameters parameters;
  std::vector<std::byte> sample;
  Rows rows;
  std::shared_ptr<const IndexVersion> version;
  EncodedRows codes;
};

class PackedPlaneTest : public ::testing::TestWithParam<Shape> {
 protected:
  const Encoded encoded_{GetParam()};
  const IndexVersion& version_ = *encoded_.version;
  const uint32_t dimension_ = GetParam().dimension;
};

TEST_P(PackedPlaneTest, BitsFillTheRowAndEveryDimensionIsWithinItsBits) {
  EXPECT_EQ(version_.parameters.plane_b, PlaneB::kPackedResidual);
  const size_t room = 8 * (GetParam().bytes - CorrectionBytes(GetParam().metric));
  EXPECT_EQ(SumOf(version_.refine_bits), std::min<size_t>(room, 8 * dimension_));
  EXPECT_EQ(encoded_.codes.plane_b.size(), encoded_.codes.rows.size() * GetParam().bytes);
  EXPECT_GE(encoded_.codes.rows.size(), 295u) << "rows like the sample stay inside its ranges";
}

TEST_P(PackedPlaneTest, WhatPlaneALeavesIsHeldToHalfAStepOrAtTheEndOfItsRange) {
  size_t clipped = 0;
  for (size_t i = 0; i < encoded_.codes.rows.size(); ++i) {
    const auto left = encoded_.Left(i);
    double error = 0;
    for (uint32_t j = 0; j < dimension_; ++j) {
      const double scale = version_.refine_scale[j];
      const double most = std::exp2(version_.refine_bits[j]) - 1;
      const double low = version_.refine_min[j] - scale / 2;
      const double high = version_.refine_min[j] + scale * (most + 0.5);
      const double coded = encoded_.Coded(i, j);
      const double tolerance = 1e-5 * (1 + std::abs(left[j])) * (scale > 1 ? scale : 1);
      error += (left[j] - coded) * (left[j] - coded);
      if (version_.refine_bits[j] == 0) continue;
      const bool outside = left[j] < low || left[j] > high;
      clipped += outside;
      const double nearest = left[j] < low ? version_.refine_min[j] : high - scale / 2;
      if (outside) {
        ASSERT_NEAR(coded, nearest, tolerance + scale * 1e-3) << j;
      } else {
        ASSERT_NEAR(coded, left[j], scale / 2 + tolerance) << j;
      }
    }
    ASSERT_LE(error, version_.coding_error_max * 1.001 + 1e-9);
  }
  EXPECT_LT(clipped, encoded_.codes.rows.size() * dimension_ / 8);
}

TEST_P(PackedPlaneTest, PlaneAsRankTheCorrectionAndAProductGiveTheDistanceToWhatIsCoded) {
  if (GetParam().metric == Metric::kInnerProduct) GTEST_SKIP() << "it has no correction";
  for (size_t i = 0; i < encoded_.codes.rows.size(); ++i) {
    const float* centroid = version_.Centroid(encoded_.codes.lists[i]);
    const auto decoded = encoded_.PlaneA(i);
    uint16_t code;
    std::memcpy(&code, encoded_.PlaneB(i), 2);
    const double bias = version_.bias_min + double{version_.bias_scale} * encoded_.codes.bias[i];
    double by_identity = bias + version_.correction_min + double{version_.correction_scale} * code;
    double direct = 0;
    for (uint32_t j = 0; j < dimension_; ++j) {
      const double query = 0.3 + 0.01 * j;
      const double to_centroid = query - centroid[j];
      const double coded = encoded_.Coded(i, j);
      by_identity += to_centroid * to_centroid - 2 * query * (decoded[j] + coded);
      const double difference = to_centroid - decoded[j] - coded;
      direct += difference * difference;
    }
    ASSERT_NEAR(by_identity, direct,
                0.51 * version_.correction_scale + 1e-5 * (1 + std::abs(direct)));
  }
}

TEST_P(PackedPlaneTest, TrainsAndEncodesToTheSameBytesForAnyNumberOfThreads) {
  const std::string artifact = SerializeIndexVersion(version_);
  for (const int threads : {1, 3}) {
    const auto again = Train(encoded_.parameters, encoded_.sample, threads);
    EXPECT_EQ(SerializeIndexVersion(**again), artifact);
    EXPECT_EQ(EncodeRows(version_, encoded_.rows.table(), encoded_.rows.All(), threads).plane_b,
              encoded_.codes.plane_b);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, PackedPlaneTest,
    ::testing::Values(Shape{"Least", 5, 4, ElementType::kF32, Metric::kL2},
                      Shape{"OddF32", 21, 11, ElementType::kF32, Metric::kL2},
                      Shape{"HalfU8", 80, 40, ElementType::kU8, Metric::kL2},
                      Shape{"AlmostWholeF16", 33, 32, ElementType::kF16, Metric::kL2},
                      Shape{"InnerProduct", 40, 17, ElementType::kF32, Metric::kInnerProduct},
                      Shape{"InnerProductU8", 40, 20, ElementType::kU8, Metric::kInnerProduct},
                      Shape{"Cosine", 64, 24, ElementType::kF16, Metric::kCosine},
                      Shape{"CosineU8", 48, 24, ElementType::kU8, Metric::kCosine}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(PackedTrainingTest, DimensionsThatVaryMoreGetMoreBitsAndConstantOnesNone) {
  Shape shape{"", 24, 10, ElementType::kF32, Metric::kL2};
  auto points = ClusteredPoints(1200, 24, 9);
  for (size_t i = 0; i < points.size(); i += 24) {
    points[i] = 0.5f;
    points[i + 7] = 0;
    for (size_t j = 16; j < 24; ++j) points[i + j] *= 8;
  }
  const auto version = *Train(ParametersOf(shape), Stored(points, ElementType::kF32), 1);
  EXPECT_EQ(version->refine_bits[0], 0);
  EXPECT_EQ(version->refine_bits[7], 0);
  for (size_t wide = 16; wide < 24; ++wide) {
    for (size_t narrow = 0; narrow < 16; ++narrow) {
      EXPECT_GT(version->refine_bits[wide], version->refine_bits[narrow]);
    }
  }
}

TEST(PackedTrainingTest, PointsThatAreAllOnCodewordsCanBeTrained) {
  // 256 different points: plane A leaves nothing.
  std::vector<float> points;
  const auto different = ClusteredPoints(256, 8, 3);
  for (int i = 0; i < 4; ++i) points.insert(points.end(), different.begin(), different.end());
  const Shape shape{"", 8, 4, ElementType::kF32, Metric::kL2};
  const auto stored = Stored(points, ElementType::kF32);
  const auto trained = Train(ParametersOf(shape), stored, 1);
  ASSERT_TRUE(trained.ok()) << trained.status().message();
  const Rows rows(stored, ElementType::kF32, 8);
  EXPECT_LE(EncodeRows(**trained, rows.table(), rows.All(), 1).side_rows.size(), 20u);
}

TEST(PackedTrainingTest, RowsThatAreCodedBadlyGoToTheSideList) {
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct}) {
    const Shape shape{"", 16, 8, ElementType::kF32, metric};
    auto points = ClusteredPoints(1000, 16, 8);
    const auto version = *Train(ParametersOf(shape), Stored(points, ElementType::kF32), 1);
    points[5 * 16 + 3] += 4;
    points[150 * 16] = std::numeric_limits<float>::quiet_NaN();
    const Rows rows(Stored(points, ElementType::kF32), ElementType::kF32, 16);
    const auto side = EncodeRows(*version, rows.table(), rows.All(), 1).side_rows;
    EXPECT_THAT(side, ::testing::IsSupersetOf({5u, 150u}));
    EXPECT_LE(side.size(), 6u);
  }
}

TEST(PackedTrainingTest, RowsWhoseCorrectionHasNoCodeGoToTheSideList) {
  const Shape shape{"", 16, 8, ElementType::kF32, Metric::kL2};
  const auto stored = Stored(ClusteredPoints(1000, 16, 8), ElementType::kF32);
  IndexVersion narrow = **Train(ParametersOf(shape), stored, 1);
  narrow.correction_scale = 1e-9f;
  const Rows rows(stored, ElementType::kF32, 16);
  EXPECT_GE(EncodeRows(narrow, rows.table(), rows.All(), 1).side_rows.size(), 990u);
}

// The same under every kernel table: CMakeLists.txt runs this under each.
TEST(PackedBytesTest, AreThoseWrittenDownHere) {
  KITH_RUN_UNDER_NAMED_KERNELS();
  const Encoded encoded({"", 80, 40, ElementType::kU8, Metric::kCosine});
  EXPECT_EQ(encoded.version->hash, "898d59aca51617dc5b13127ef0134174");
  const auto& bytes = encoded.codes.plane_b;
  EXPECT_EQ(HexDigits(HashContent({reinterpret_cast<const char*>(bytes.data()), bytes.size()})),
            "723099d6b46cdce86978d32bf19dc4bf");
}

}  // namespace
}  // namespace kith::index
