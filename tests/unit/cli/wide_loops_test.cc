#include "cli/dataset/wide_loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "cli/dataset/random.h"

namespace kith::cli {
namespace {

TEST(WideLoops, GiveTheSameBitsOnEveryMachine) {
  RandomStream random(3, 1, 4);
  constexpr size_t kInputs = 19, kColumns = 3 * WideLoops::kColumns;
  std::vector<float> weights(kInputs * kColumns), bias(kColumns), in(WideLoops::kRows * kInputs);
  for (auto* values : {&weights, &bias, &in}) {
    for (float& value : *values) value = static_cast<float>(random.Normal());
  }
  for (const float* of :
       {static_cast<const float*>(bias.data()), static_cast<const float*>(nullptr)}) {
    std::vector<float> one(WideLoops::kRows * kColumns), other(one.size());
    BaselineWideLoops().apply({weights.data(), of, kInputs, kColumns}, in.data(), one.data());
    BestWideLoops().apply({weights.data(), of, kInputs, kColumns}, in.data(), other.data());
    EXPECT_EQ(std::memcmp(one.data(), other.data(), one.size() * sizeof(float)), 0);
    float sum = of == nullptr ? 0 : of[17];
    for (size_t i = 0; i < kInputs; ++i) sum += weights[i * kColumns + 17] * in[2 * kInputs + i];
    EXPECT_EQ(one[2 * kColumns + 17], sum);
  }
  std::vector<double> squares(101), one(101), other(101);
  for (double& square : squares) square = random.NextPolar().square;
  squares[0] = 1e-300;
  BaselineWideLoops().polar_scales(squares.data(), squares.size(), one.data());
  BestWideLoops().polar_scales(squares.data(), squares.size(), other.data());
  EXPECT_EQ(std::memcmp(one.data(), other.data(), one.size() * sizeof(double)), 0);
  for (size_t i = 0; i < squares.size(); ++i) {
    EXPECT_NEAR(one[i], std::sqrt(-2 * std::log(squares[i]) / squares[i]), 1e-12 * one[i]);
  }
}

TEST(RandomStream, GivesManyNormalsAsItGivesThemOneByOne) {
  RandomStream one(5, 6, 7), many(5, 6, 7);
  std::vector<double> got(300);
  for (const size_t count : {1u, 2u, 5u, 0u, 127u, 128u, 129u, 300u, 3u}) {
    many.Normals(count, got.data(), BestWideLoops().polar_scales);
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(got[i], one.Normal()) << count << " at " << i;
    ASSERT_EQ(one.Uniform(), many.Uniform());
  }
}

}  // namespace
}  // namespace kith::cli
