#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "index/kernels/kernel_choice.h"
#include "index/kernels/kernel_table.h"
#include "tests/unit/index_train/guarded_bytes.h"

namespace kith::index {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The order of summation as kernel_table.h words it, term by term.
float LaneSum(const std::vector<float>& terms) {
  float lane[16] = {};
  for (size_t j = 0; j < terms.size(); ++j) lane[j % 16] += terms[j];
  float t[4];
  for (int i = 0; i < 4; ++i) t[i] = (lane[i] + lane[i + 8]) + (lane[i + 4] + lane[i + 12]);
  return (t[0] + t[2]) + (t[1] + t[3]);
}

// Straight from the definition of IEEE binary16.
float HalfValue(uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int fraction = half & 1023;
  float magnitude = std::ldexp(static_cast<float>(fraction), -24);
  if (exponent != 0) magnitude = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  if (exponent == 31) {
    magnitude = fraction == 0 ? std::numeric_limits<float>::infinity()
                              : std::numeric_limits<float>::quiet_NaN();
  }
  return half >> 15 ? -magnitude : magnitude;
}

std::vector<size_t> Lengths() {
  std::vector<size_t> lengths;
  for (size_t n = 0; n <= 257; ++n) lengths.push_back(n);
  for (size_t n : {513, 768, 1000, 4095, 4096}) lengths.push_back(n);
  return lengths;
}

class KernelsTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    table_ = FindKernels(GetParam());
    if (table_ == nullptr) GTEST_SKIP() << "this machine has no " << GetParam();
  }

  std::vector<float> Floats(size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(bits_()) * 0x1p-31f - 1;
    return values;
  }
  std::vector<uint8_t> Bytes(size_t count) {
    std::vector<uint8_t> values(count);
    for (uint8_t& value : values) value = static_cast<uint8_t>(bits_());
    return values;
  }
  std::vector<uint16_t> Halves(size_t count) {
    std::vector<uint16_t> values(count);
    // Finite ones of moderate size, subnormal ones among them.
    for (uint16_t& value : values)
      value = static_cast<uint16_t>(bits_() % 0x4400 | bits_() % 2 << 15);
    return values;
  }

  // Expects `kernel` to give the bits of LaneSum over term(i, j) for seven vectors of every length.
  // Seven: a group of four and a rest of three.
  template <class Element, class Query, class Kernel, class Term>
  void ExpectSums(Kernel kernel, const std::vector<Query>& queries,
                  const std::vector<Element>& elements, Term term) {
    constexpr size_t kVectors = 7;
    for (size_t n : Lengths()) {
      SCOPED_TRACE("n " + std::to_string(n));
      const GuardedCopy<Query> query(queries, n);
      const GuardedCopy<Element> rows(elements, kVectors * n);
      std::vector<const void*> vectors;
      for (size_t i = 0; i < kVectors; ++i) vectors.push_back(rows.data() + i * n);
      std::vector<float> out(kVectors, -1);
      kernel(query.data(), vectors.data(), kVectors, n, out.data());
      for (size_t i = 0; i < kVectors; ++i) {
        std::vector<float> terms;
        for (size_t j = 0; j < n; ++j) terms.push_back(term(queries[j], elements[i * n + j]));
        ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), std::bit_cast<uint32_t>(LaneSum(terms))) << i;
      }
    }
  }

  const KernelTable* table_ = nullptr;
  std::mt19937 bits_{20};
};

TEST_P(KernelsTest, FloatScoresHaveTheBitsOfTheLaneOrder) {
  const auto query = Floats(4096);
  const auto rows = Floats(7 * 4096);
  ExpectSums<float>(table_->l2_f32, query, rows,
                    [](float q, float x) { return (q - x) * (q - x); });
  ExpectSums<float>(table_->ip_f32, query, rows, [](float q, float x) { return q * x; });
}

TEST_P(KernelsTest, HalfScoresHaveTheBitsOfTheLaneOrder) {
  const auto query = Floats(4096);
  const auto rows = Halves(7 * 4096);
  ExpectSums<uint16_t>(table_->l2_f16, query, rows,
                       [](float q, uint16_t x) { return (q - HalfValue(x)) * (q - HalfValue(x)); });
  ExpectSums<uint16_t>(table_->ip_f16, query, rows,
                       [](float q, uint16_t x) { return q * HalfValue(x); });
}

TEST_P(KernelsTest, EveryHalfIsReadAsItsValue) {
  const float one = 1;
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const void* vector = &half;
    float out = 0;
    table_->ip_f16(&one, &vector, 1, 1, &out);
    if (std::isnan(HalfValue(half))) {
      ASSERT_TRUE(std::isnan(out)) << bits;
    } else {
      ASSERT_EQ(out, HalfValue(half)) << bits;
    }
  }
}

TEST_P(KernelsTest, ByteScoresAreExactIntegers) {
  const auto query = Bytes(4096);
  const auto rows = Bytes(7 * 4096);
  for (size_t n : Lengths()) {
    const GuardedCopy<uint8_t> guarded(rows, 7 * n);
    std::vector<const void*> vectors;
    for (size_t i = 0; i < 7; ++i) vectors.push_back(guarded.data() + i * n);
    float l2[7];
    float ip[7];
    table_->l2_u8(query.data(), vectors.data(), 7, n, l2);
    table_->ip_u8(query.data(), vectors.data(), 7, n, ip);
    for (size_t i = 0; i < 7; ++i) {
      int64_t distance = 0;
      int64_t product = 0;
      for (size_t j = 0; j < n; ++j) {
        const int q = query[j];
        const int x = rows[i * n + j];
        distance += (q - x) * (q - x);
        product += q * x;
      }
      ASSERT_EQ(l2[i], static_cast<float>(distance)) << n;
      ASSERT_EQ(ip[i], static_cast<float>(product)) << n;
    }
  }
}

TEST_P(KernelsTest, TheFarthestBytesOfTheLargestDimensionDoNotOverflow) {
  const std::vector<uint8_t> zeros(4096, 0);
  const std::vector<uint8_t> ones(4096, 255);
  const void* vector = ones.data();
  float out = 0;
  table_->l2_u8(zeros.data(), &vector, 1, 4096, &out);
  EXPECT_EQ(out, 4096.0f * 255 * 255);
  table_->ip_u8(ones.data(), &vector, 1, 4096, &out);
  EXPECT_EQ(out, 4096.0f * 255 * 255);
}

TEST_P(KernelsTest, RefineHasTheBitsOfTheLaneOrder) {
  const auto scale = Floats(4096);
  const auto offsets = Floats(5 * 4096);
  const auto codes = Bytes(5 * 4096);
  for (size_t n : Lengths()) {
    SCOPED_TRACE("n " + std::to_string(n));
    const GuardedCopy<float> guarded_scale(scale, n);
    const GuardedCopy<float> guarded_offsets(offsets, 5 * n);
    const GuardedCopy<uint8_t> guarded_codes(codes, 5 * n);
    const float* offset_rows[5];
    const uint8_t* code_rows[5];
    for (size_t i = 0; i < 5; ++i) {
      offset_rows[i] = guarded_offsets.data() + i * n;
      code_rows[i] = guarded_codes.data() + i * n;
    }
    float l2[5];
    float ip[5];
    table_->refine_l2(offset_rows, guarded_scale.data(), code_rows, 5, n, l2);
    table_->refine_ip(guarded_scale.data(), code_rows, 5, n, ip);
    for (size_t i = 0; i < 5; ++i) {
      std::vector<float> squares;
      std::vector<float> products;
      for (size_t j = 0; j < n; ++j) {
        const float product = scale[j] * static_cast<float>(codes[i * n + j]);
        const float difference = offsets[i * n + j] - product;
        squares.push_back(difference * difference);
        products.push_back(product);
      }
      ASSERT_EQ(l2[i], LaneSum(squares));
      ASSERT_EQ(ip[i], LaneSum(products));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, KernelsTest, ::testing::Values("portable", "avx2", "avx512"),
                         [](const auto& info) { return std::string(info.param); });

TEST(KernelChoiceTest, ScalarIsAnotherNameOfPortable) {
  EXPECT_EQ(FindKernels("scalar"), &PortableKernels());
  EXPECT_EQ(FindKernels("portable"), &PortableKernels());
  EXPECT_EQ(FindKernels("avx1024"), nullptr);
}

TEST(KernelChoiceTest, AnUnknownNameIsReportedWithTheOnesThereAre) {
  setenv("KITH_KERNELS", "avx1024", 1);
  EXPECT_THAT(CheckKernelChoice(), HasSubstr("avx1024"));
  EXPECT_THAT(CheckKernelChoice(), HasSubstr("portable"));
  setenv("KITH_KERNELS", "portable", 1);
  EXPECT_THAT(CheckKernelChoice(), IsEmpty());
  unsetenv("KITH_KERNELS");
  EXPECT_THAT(CheckKernelChoice(), IsEmpty());
}

}  // namespace
}  // namespace kith::index
