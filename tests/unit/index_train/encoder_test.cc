#include "index/encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "index/content_hash.h"
#include "index/plan.h"
#include "tests/support/named_kernels.h"
#include "tests/unit/index_train/sample_points.h"

namespace kith::index {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Shape {
  uint32_t dimension;
  ElementType type;
  Metric metric;
};

IndexParameters ParametersOf(const Shape& shape) {
  return {.dimension = shape.dimension,
          .metric = shape.metric,
          .element_type = shape.type,
          .lists = shape.dimension > 1000 ? 4u : 16u,
          .subspaces = AutoSubspaces(shape.dimension),
          .plane_b = AutoPlaneB(shape.type, shape.metric),
          .plane_b_bytes = shape.dimension,
          .seed = 3};
}

// A trained version, rows that training did not see, and what the encoder makes of them.
struct Encoded {
  explicit Encoded(const Shape& shape)
      : parameters(ParametersOf(shape)),
        rows(Stored(ClusteredPoints(300, shape.dimension, 5), shape.type), shape.type,
             shape.dimension) {
    const size_t points = shape.dimension > 1000 ? 260 : 900;
    const auto sample = Stored(ClusteredPoints(points, shape.dimension, 5), shape.type);
    const auto trained = Train(parameters, sample, 2);
    EXPECT_TRUE(trained.ok()) << trained.status().message();
    version = *trained;
    codes = EncodeRows(*version, rows.table(), rows.All(), 1);
  }

  std::vector<float> Vector(uint32_t row) const {
    std::vector<float> vector(parameters.dimension);
    const bool cosine = parameters.metric == Metric::kCosine;
    DecodeVector({parameters.element_type, rows.table().Vector(row), vector.size()},
                 cosine ? rows.table().Header(row).inverse_norm : 1, vector.data());
    return vector;
  }
  // r̂ of the i-th encoded row.
  std::vector<float> Decoded(size_t i) const {
    std::vector<float> decoded;
    for (uint32_t m = 0; m < version->subspaces(); ++m) {
      const size_t code = codes.plane_a[i * version->subspaces() + m];
      for (uint32_t j = version->subspace_begins[m]; j < version->subspace_begins[m + 1]; ++j) {
        decoded.push_back(version->codebooks[code * parameters.dimension + j]);
      }
    }
    return decoded;
  }

  IndexParameters parameters;
  Rows rows;
  std::shared_ptr<const IndexVersion> version;
  EncodedRows codes;
};

double SquaredDistance(const std::vector<float>& a, const float* b) {
  double sum = 0;
  for (size_t j = 0; j < a.size(); ++j) sum += (double{a[j]} - b[j]) * (double{a[j]} - b[j]);
  return sum;
}

class EncoderTest : public ::testing::TestWithParam<Shape> {
 protected:
  // Trained once a shape: every test only reads it.
  const Encoded& Shared() {
    static std::map<std::tuple<uint32_t, ElementType, Metric>, Encoded> made;
    const Shape& shape = GetParam();
    return made.try_emplace({shape.dimension, shape.type, shape.metric}, shape).first->second;
  }
};

TEST_P(EncoderTest, OneTableAQueryAndTheBiasGiveTheDistance) {
  const Encoded& encoded = Shared();
  if (encoded.parameters.metric == Metric::kInnerProduct) GTEST_SKIP() << "it has no bias";
  const uint32_t n = encoded.parameters.dimension;
  const auto query = encoded.Vector(7);
  ASSERT_GT(encoded.codes.rows.size(), 200u);
  for (size_t i = 0; i < encoded.codes.rows.size(); ++i) {
    const float* centroid = encoded.version->Centroid(encoded.codes.lists[i]);
    const auto decoded = encoded.Decoded(i);
    std::vector<float> rebuilt;
    double product = 0;
    for (uint32_t j = 0; j < n; ++j) {
      rebuilt.push_back(centroid[j] + decoded[j]);
      product += double{query[j]} * decoded[j];
    }
    const double bias =
        encoded.version->bias_min + double{encoded.version->bias_scale} * encoded.codes.bias[i];
    const double direct = SquaredDistance(query, rebuilt.data());
    const double identity = SquaredDistance(query, centroid) + bias - 2 * product;
    EXPECT_NEAR(identity, direct, 0.51 * encoded.version->bias_scale + 1e-5 * (1 + direct));
  }
}

TEST_P(EncoderTest, PicksTheNearestList) {
  const Encoded& encoded = Shared();
  const IndexVersion& version = *encoded.version;
  for (size_t i = 0; i < encoded.codes.rows.size(); i += 7) {
    const auto vector = encoded.Vector(encoded.codes.rows[i]);
    const double found = SquaredDistance(vector, version.Centroid(encoded.codes.lists[i]));
    for (uint32_t list = 0; list < version.lists(); ++list) {
      EXPECT_LE(found, SquaredDistance(vector, version.Centroid(list)) * (1 + 1e-4) + 1e-4);
    }
  }
}

// The widest dimension of a sub-space's codewords.
float WidestOf(const IndexVersion& version, uint32_t m) {
  const uint32_t n = version.dimension();
  float widest = 0;
  for (uint32_t j = version.subspace_begins[m]; j < version.subspace_begins[m + 1]; ++j) {
    float least = version.codebooks[j];
    float most = least;
    for (size_t k = 1; k < 256; ++k) {
      least = std::min(least, version.codebooks[k * n + j]);
      most = std::max(most, version.codebooks[k * n + j]);
    }
    widest = std::max(widest, most - least);
  }
  return widest;
}

// Codewords are chosen by bytes: what that adds to the error must be small against it, or against a
// byte's step where sub-spaces of a dimension leave next to none.
TEST_P(EncoderTest, PicksCodewordsAsGoodAsTheNearest) {
  const Encoded& encoded = Shared();
  const IndexVersion& version = *encoded.version;
  const uint32_t n = encoded.parameters.dimension;
  double chosen_sum = 0;
  double least_sum = 0;
  double steps = 0;
  for (size_t i = 0; i < encoded.codes.rows.size(); ++i) {
    const auto vector = encoded.Vector(encoded.codes.rows[i]);
    const uint32_t m = static_cast<uint32_t>(i % version.subspaces());
    const float* centroid = version.Centroid(encoded.codes.lists[i]);
    double least = 1e30;
    for (size_t k = 0; k < 256; ++k) {
      double distance = 0;
      for (uint32_t j = version.subspace_begins[m]; j < version.subspace_begins[m + 1]; ++j) {
        const double difference = vector[j] - centroid[j] - version.codebooks[k * n + j];
        distance += difference * difference;
      }
      least = std::min(least, distance);
      if (k == encoded.codes.plane_a[i * version.subspaces() + m]) chosen_sum += distance;
    }
    least_sum += least;
    const double step = WidestOf(version, m) / 100;
    steps += step * step;
  }
  EXPECT_LE(chosen_sum, 1.02 * least_sum + steps);
}

TEST_P(EncoderTest, PlaneBHoldsTheResidualToHalfAStepOrTheVectorItself) {
  const Encoded& encoded = Shared();
  const IndexVersion& version = *encoded.version;
  const uint32_t n = encoded.parameters.dimension;
  for (size_t i = 0; i < encoded.codes.rows.size(); ++i) {
    const uint32_t row = encoded.codes.rows[i];
    const uint8_t* codes = &encoded.codes.plane_b[i * n];
    if (encoded.parameters.plane_b == PlaneB::kRawU8) {
      EXPECT_EQ(std::memcmp(codes, encoded.rows.table().Vector(row), n), 0);
      continue;
    }
    const auto vector = encoded.Vector(row);
    const float* centroid = version.Centroid(encoded.codes.lists[i]);
    for (uint32_t j = 0; j < n; ++j) {
      const float coded = version.refine_min[j] + version.refine_scale[j] * codes[j];
      ASSERT_NEAR(coded, vector[j] - centroid[j], 0.5001f * version.refine_scale[j] + 1e-4f);
    }
  }
}

TEST_P(EncoderTest, GivesTheSameBytesForAnyNumberOfThreads) {
  const Encoded& encoded = Shared();
  for (int threads : {2, 3}) {
    const EncodedRows shared =
        EncodeRows(*encoded.version, encoded.rows.table(), encoded.rows.All(), threads);
    EXPECT_EQ(shared.rows, encoded.codes.rows);
    EXPECT_EQ(shared.lists, encoded.codes.lists);
    EXPECT_EQ(shared.plane_a, encoded.codes.plane_a);
    EXPECT_EQ(shared.bias, encoded.codes.bias);
    EXPECT_EQ(shared.plane_b, encoded.codes.plane_b);
    EXPECT_EQ(shared.side_rows, encoded.codes.side_rows);
  }
}

constexpr Shape kShapes[] = {
    {1, ElementType::kF32, Metric::kL2},       {3, ElementType::kF32, Metric::kL2},
    {3, ElementType::kF16, Metric::kCosine},   {80, ElementType::kF32, Metric::kInnerProduct},
    {80, ElementType::kU8, Metric::kCosine},   {80, ElementType::kF16, Metric::kL2},
    {128, ElementType::kU8, Metric::kL2},      {128, ElementType::kU8, Metric::kInnerProduct},
    {128, ElementType::kF32, Metric::kCosine}, {128, ElementType::kF16, Metric::kInnerProduct},
    {513, ElementType::kF32, Metric::kL2},     {4096, ElementType::kF32, Metric::kCosine},
    {4096, ElementType::kU8, Metric::kL2},
};
INSTANTIATE_TEST_SUITE_P(Shapes, EncoderTest, ::testing::ValuesIn(kShapes), [](const auto& info) {
  const Shape& shape = info.param;
  const char* type = shape.type == ElementType::kF32   ? "F32"
                     : shape.type == ElementType::kF16 ? "F16"
                                                       : "U8";
  const char* metric = shape.metric == Metric::kL2       ? "L2"
                       : shape.metric == Metric::kCosine ? "Cosine"
                                                         : "InnerProduct";
  return std::string(type) + metric + std::to_string(shape.dimension);
});

std::string HashOf(const EncodedRows& codes) {
  std::string bytes;
  const auto add = [&](const auto& values) {
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
  };
  add(codes.rows);
  add(codes.lists);
  add(codes.plane_a);
  add(codes.bias);
  add(codes.plane_b);
  add(codes.side_rows);
  return HexDigits(HashContent(bytes));
}

// The figures are the same under every kernel table: CMakeLists.txt runs this under each.
TEST(EncodedBytesTest, AreThoseWrittenDownHere) {
  KITH_RUN_UNDER_NAMED_KERNELS();
  const Encoded floats({128, ElementType::kF32, Metric::kL2});
  EXPECT_EQ(HashOf(floats.codes), "1d4c99a7334468dce6c0a61eddaec06f");
  const Encoded bytes({80, ElementType::kU8, Metric::kCosine});
  EXPECT_EQ(HashOf(bytes.codes), "e469b67d82f9f0da66ce0f1f2533c24d");
}

TEST(SideRowsTest, RowsBeyondTheRangesGoToTheSideListAndTheOthersKeepTheirOrder) {
  const auto points = ClusteredPoints(1000, 16, 8);
  IndexParameters parameters = ParametersOf({16, ElementType::kF32, Metric::kL2});
  const auto version = *Train(parameters, Stored(points, ElementType::kF32), 1);
  std::vector<float> drifted(points.begin(), points.begin() + 200 * 16);
  drifted[5 * 16 + 3] += 4;
  drifted[150 * 16] -= 4;
  const Rows rows(Stored(drifted, ElementType::kF32), ElementType::kF32, 16);
  const EncodedRows codes = EncodeRows(*version, rows.table(), rows.All(), 2);
  EXPECT_THAT(codes.side_rows, ElementsAre(5, 150));
  ASSERT_EQ(codes.rows.size(), 198u);
  EXPECT_TRUE(std::is_sorted(codes.rows.begin(), codes.rows.end()));
  EXPECT_EQ(codes.plane_a.size(), 198 * version->subspaces());
  // The row behind the first gap has the codes it has alone.
  const std::vector<uint32_t> alone = {6};
  const EncodedRows single = EncodeRows(*version, rows.table(), alone, 1);
  EXPECT_EQ(codes.rows[5], 6u);
  EXPECT_EQ(codes.lists[5], single.lists[0]);
  EXPECT_EQ(codes.bias[5], single.bias[0]);
  EXPECT_TRUE(std::equal(single.plane_a.begin(), single.plane_a.end(),
                         codes.plane_a.begin() + 5 * version->subspaces()));
  EXPECT_TRUE(
      std::equal(single.plane_b.begin(), single.plane_b.end(), codes.plane_b.begin() + 5 * 16));
}

TEST(SideRowsTest, FreshRowsOfTheSameKindStayInsideTheRanges) {
  const Encoded encoded({128, ElementType::kF32, Metric::kL2});
  EXPECT_LE(encoded.codes.side_rows.size(), 3u);
}

TEST(SideRowsTest, AVectorThatIsNotFiniteGoesToTheSideList) {
  IndexParameters parameters = ParametersOf({16, ElementType::kF32, Metric::kL2});
  auto points = ClusteredPoints(1000, 16, 8);
  const auto version = *Train(parameters, Stored(points, ElementType::kF32), 1);
  points[18] = std::numeric_limits<float>::quiet_NaN();
  points[35] = std::numeric_limits<float>::infinity();
  const Rows rows(Stored(points, ElementType::kF32), ElementType::kF32, 16);
  EXPECT_THAT(EncodeRows(*version, rows.table(), rows.All(), 1).side_rows, ElementsAre(1, 2));
}

TEST(EncodeRowsTest, NoRowsGiveNoCodes) {
  const Encoded encoded({3, ElementType::kF32, Metric::kL2});
  const EncodedRows codes = EncodeRows(*encoded.version, encoded.rows.table(), {}, 2);
  EXPECT_THAT(codes.rows, IsEmpty());
  EXPECT_THAT(codes.plane_a, IsEmpty());
}

}  // namespace
}  // namespace kith::index
