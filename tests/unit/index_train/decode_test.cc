#include "index/decode.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "common/vector/half.h"

namespace kith::index {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// As decode.h words it, term by term.
double LaneSquares(const std::vector<double>& values) {
  double lane[16] = {};
  for (size_t j = 0; j < values.size(); ++j) lane[j % 16] += values[j] * values[j];
  double t[4];
  for (int i = 0; i < 4; ++i) t[i] = (lane[i] + lane[i + 8]) + (lane[i + 4] + lane[i + 12]);
  return (t[0] + t[2]) + (t[1] + t[3]);
}

float FloatInverse(const std::vector<float>& values) {
  return InverseNorm({ElementType::kF32, values.data(), values.size()});
}

TEST(InverseNormTest, HasTheBitsOfItsSixteenLanesForEveryTypeAndLength) {
  std::mt19937 bits(7);
  for (size_t n : {1, 3, 15, 16, 17, 31, 32, 100, 128, 513, 4096}) {
    SCOPED_TRACE("n " + std::to_string(n));
    std::vector<float> floats(n);
    std::vector<uint16_t> halves(n);
    std::vector<uint8_t> bytes(n);
    std::vector<double> of_floats, of_halves, of_bytes;
    for (size_t j = 0; j < n; ++j) {
      floats[j] = static_cast<float>(bits()) * 0x1p-31f - 1;
      halves[j] = FloatToHalf(floats[j]);
      bytes[j] = static_cast<uint8_t>(1 + bits() % 255);
      of_floats.push_back(floats[j]);
      of_halves.push_back(HalfToFloat(halves[j]));
      of_bytes.push_back(bytes[j]);
    }
    const auto expect = [n](ElementType type, const void* elements,
                            const std::vector<double>& values) {
      const double squares = LaneSquares(values);
      EXPECT_EQ(SquaredLength({type, elements, n}), squares);
      EXPECT_EQ(InverseNorm({type, elements, n}), static_cast<float>(1 / std::sqrt(squares)));
    };
    expect(ElementType::kF32, floats.data(), of_floats);
    expect(ElementType::kF16, halves.data(), of_halves);
    expect(ElementType::kU8, bytes.data(), of_bytes);
  }
}

TEST(InverseNormTest, IsZeroWithoutADirectionAndRightFarBeyondTheSquaresOfFloats) {
  EXPECT_EQ(FloatInverse({0, -0.0f, 0}), 0);
  EXPECT_EQ(FloatInverse({1, std::nanf(""), 0}), 0);
  EXPECT_EQ(FloatInverse({1, kInfinity}), 0);
  EXPECT_EQ(FloatInverse({1e-40f, 0}), 0) << "1 / 1e-40 is no float";
  EXPECT_FLOAT_EQ(FloatInverse({0, 1e20f}), 1e-20f);
  EXPECT_FLOAT_EQ(FloatInverse({3e38f, 4e37f}), 1 / std::hypot(3e38f, 4e37f));
  EXPECT_FLOAT_EQ(FloatInverse({1e-30f, 0}), 1e30f);
}

TEST(DecodeVectorTest, GivesEveryTypesElementsScaled) {
  const float floats[3] = {1.5f, -2, 0};
  const uint16_t halves[3] = {0x3e00, 0xc000, 0x0001};
  const uint8_t bytes[3] = {0, 7, 255};
  float out[3];
  DecodeVector({ElementType::kF32, floats, 3}, 2, out);
  EXPECT_EQ(std::vector<float>(out, out + 3), (std::vector<float>{3, -4, 0}));
  DecodeVector({ElementType::kF16, halves, 3}, 2, out);
  EXPECT_EQ(std::vector<float>(out, out + 3), (std::vector<float>{3, -4, 0x1p-23f}));
  DecodeVector({ElementType::kU8, bytes, 3}, 0.5f, out);
  EXPECT_EQ(std::vector<float>(out, out + 3), (std::vector<float>{0, 3.5f, 127.5f}));
}

}  // namespace
}  // namespace kith::index
