#include "coordinator/search/vector_input.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/vector/half.h"

namespace kith::coordinator {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

template <typename T>
std::string Bytes(const std::vector<T>& elements) {
  return {reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T)};
}

VectorShape Shape(uint32_t dimension, ElementType type, Metric metric = Metric::kL2) {
  return {dimension, metric, type};
}

std::string Stored(const VectorShape& shape, const VectorInput& input) {
  std::string out = "x";
  EXPECT_TRUE(AppendVector(shape, input, VectorUse::kStored, out).ok());
  return out.substr(1);
}

// The reason for which the vector is refused; the output must be as before.
std::string Refusal(const VectorShape& shape, const VectorInput& input,
                    VectorUse use = VectorUse::kStored) {
  std::string out = "before";
  const absl::Status status = AppendVector(shape, input, use, out);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(out, "before");
  return ReasonOf(status);
}

TEST(VectorInput, KeepsTheBytesOfTheCollectionsOwnType) {
  const std::string f32 = Bytes<float>({1.5f, -2});
  EXPECT_EQ(Stored(Shape(2, ElementType::kF32), {f32, {}}), f32);
  const std::string f16 = Bytes<uint16_t>({FloatToHalf(1.5f), FloatToHalf(-2)});
  EXPECT_EQ(Stored(Shape(2, ElementType::kF16), {f16, {}}), f16);
  EXPECT_EQ(Stored(Shape(3, ElementType::kU8), {std::string("\x00\xff\x07", 3), {}}),
            std::string("\x00\xff\x07", 3));
}

TEST(VectorInput, ConvertsFloatsToTheCollectionsType) {
  const std::vector<float> values = {1.5f, 3};
  EXPECT_EQ(Stored(Shape(2, ElementType::kF32), {{}, values}), Bytes(values));
  EXPECT_EQ(Stored(Shape(2, ElementType::kF16), {{}, values}),
            Bytes<uint16_t>({FloatToHalf(1.5f), FloatToHalf(3)}));
  EXPECT_EQ(Stored(Shape(2, ElementType::kU8), {{}, std::vector<float>{0, 255}}),
            std::string("\x00\xff", 2));
}

TEST(VectorInput, MakesAQueryOfHalfVectorsExactFloats) {
  const std::vector<uint16_t> halves = {FloatToHalf(0.1f), 0x0001, 0x8000};
  std::string out;
  ASSERT_TRUE(
      AppendVector(Shape(3, ElementType::kF16), {Bytes(halves), {}}, VectorUse::kQuery, out).ok());
  EXPECT_EQ(out, Bytes<float>({HalfToFloat(halves[0]), 0x1p-24f, -0.0f}));
}

TEST(VectorInput, DoesNotRoundAFloatQueryOfAHalfCollection) {
  const std::vector<float> values = {0.1f, 70000};
  std::string out;
  ASSERT_TRUE(AppendVector(Shape(2, ElementType::kF16), {{}, values}, VectorUse::kQuery, out).ok());
  EXPECT_EQ(out, Bytes(values));
}

TEST(VectorInput, RefusesAMissingOrDoubleVector) {
  const std::vector<float> values = {1, 2};
  EXPECT_EQ(Refusal(Shape(2, ElementType::kF32), {}), reason::kBadVector);
  EXPECT_EQ(Refusal(Shape(2, ElementType::kF32), {Bytes(values), values}), reason::kBadVector);
}

TEST(VectorInput, RefusesAnotherDimension) {
  const VectorShape shape = Shape(3, ElementType::kF32);
  EXPECT_EQ(Refusal(shape, {{}, std::vector<float>{1, 2}}), reason::kDimensionMismatch);
  EXPECT_EQ(Refusal(shape, {Bytes<float>({1, 2}), {}}), reason::kDimensionMismatch);
  EXPECT_EQ(Refusal(shape, {std::string(11, 'a'), {}}), reason::kDimensionMismatch);
  EXPECT_EQ(Refusal(shape, {std::string(13, 'a'), {}}), reason::kDimensionMismatch);
}

TEST(VectorInput, RefusesNanAndInfinityAtEveryPlaceAndInEveryForm) {
  for (size_t place = 0; place < 9; ++place) {
    for (const float bad : {kNan, kInf, -kInf}) {
      std::vector<float> values(9, 1);
      values[place] = bad;
      const VectorShape f32 = Shape(9, ElementType::kF32);
      EXPECT_EQ(Refusal(f32, {{}, values}), reason::kNonFiniteVector);
      EXPECT_EQ(Refusal(f32, {Bytes(values), {}}), reason::kNonFiniteVector);
      EXPECT_EQ(Refusal(f32, {Bytes(values), {}}, VectorUse::kQuery), reason::kNonFiniteVector);
      const VectorShape f16 = Shape(9, ElementType::kF16);
      EXPECT_EQ(Refusal(f16, {{}, values}), reason::kNonFiniteVector);
      EXPECT_EQ(Refusal(Shape(9, ElementType::kU8), {{}, values}), reason::kNonFiniteVector);
      std::vector<uint16_t> halves(9, FloatToHalf(1));
      halves[place] = FloatToHalf(bad);
      EXPECT_EQ(Refusal(f16, {Bytes(halves), {}}), reason::kNonFiniteVector);
      EXPECT_EQ(Refusal(f16, {Bytes(halves), {}}, VectorUse::kQuery), reason::kNonFiniteVector);
    }
  }
}

TEST(VectorInput, NamesTheElementThatIsNotANumber) {
  std::string out;
  const absl::Status status = AppendVector(
      Shape(3, ElementType::kF32), {{}, std::vector<float>{1, 2, kNan}}, VectorUse::kStored, out);
  EXPECT_NE(std::string(status.message()).find("element 2 is NaN"), std::string::npos) << status;
  EXPECT_EQ(FactOf(AtField(status, "points[7].vector"), kFieldFact), "points[7].vector");
}

TEST(VectorInput, RefusesWhatTheTypeCannotHold) {
  const VectorShape u8 = Shape(1, ElementType::kU8);
  for (const float bad : {-1.0f, 256.0f, 0.5f, 1e9f}) {
    EXPECT_EQ(Refusal(u8, {{}, std::vector<float>{bad}}), reason::kBadVector) << bad;
  }
  const VectorShape f16 = Shape(1, ElementType::kF16);
  EXPECT_EQ(Refusal(f16, {{}, std::vector<float>{65520}}), reason::kBadVector);
  EXPECT_EQ(Stored(f16, {{}, std::vector<float>{65519}}).size(), 2u);
}

// Were they longer, inner products near 1e38 would be inf, and inf - inf is no score.
TEST(VectorInput, RefusesFloatsSoLongThatAScoreCouldOverflow) {
  const std::vector<float> just(4, 0.4999e18f);   // squares add up to 0.9996e36
  const std::vector<float> above(4, 0.5001e18f);  // to 1.0004e36
  const std::vector<float> huge = {3e38f, 0, 0, 0};
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
    const VectorShape shape = Shape(4, ElementType::kF32, metric);
    EXPECT_EQ(Stored(shape, {{}, just}).size(), 16u);
    EXPECT_EQ(Refusal(shape, {{}, above}), reason::kBadVector);
    EXPECT_EQ(Refusal(shape, {Bytes(above), {}}), reason::kBadVector);
    EXPECT_EQ(Refusal(shape, {Bytes(huge), {}}, VectorUse::kQuery), reason::kBadVector);
    const VectorShape half = Shape(4, ElementType::kF16, metric);
    EXPECT_EQ(Refusal(half, {{}, huge}, VectorUse::kQuery), reason::kBadVector)
        << "queries of f16 collections are floats";
  }
  // The bound is low enough: neither distance nor product of the longest overflows.
  EXPECT_LT(4 * limits::kSquaredNormMax, double{std::numeric_limits<float>::max()});
}

TEST(VectorInput, RefusesAVectorWithoutDirectionUnderCosineOnly) {
  const std::vector<float> zero(4, 0);
  const std::vector<float> tiny(4, 1e-30f);
  const std::vector<float> huge(4, 1e25f);
  const VectorShape cosine = Shape(4, ElementType::kF32, Metric::kCosine);
  EXPECT_EQ(Refusal(cosine, {{}, zero}), reason::kZeroVectorCosine);
  EXPECT_EQ(Refusal(cosine, {Bytes(zero), {}}, VectorUse::kQuery), reason::kZeroVectorCosine);
  EXPECT_EQ(Refusal(cosine, {{}, tiny}), reason::kZeroVectorCosine);
  EXPECT_EQ(Refusal(cosine, {{}, huge}), reason::kBadVector);
  EXPECT_EQ(Refusal(Shape(4, ElementType::kU8, Metric::kCosine), {std::string(4, '\0'), {}}),
            reason::kZeroVectorCosine);
  EXPECT_EQ(Refusal(Shape(2, ElementType::kF16, Metric::kCosine), {std::string(4, '\0'), {}}),
            reason::kZeroVectorCosine);
  // A number that half cannot hold becomes zero: the direction is lost on the way.
  EXPECT_EQ(Refusal(Shape(4, ElementType::kF16, Metric::kCosine), {{}, tiny}),
            reason::kZeroVectorCosine);
  EXPECT_EQ(Stored(Shape(4, ElementType::kF32), {{}, zero}), Bytes(zero));
  EXPECT_EQ(Stored(cosine, {{}, std::vector<float>{0, 0, 0, 1}}).size(), 16u);
}

}  // namespace
}  // namespace kith::coordinator
