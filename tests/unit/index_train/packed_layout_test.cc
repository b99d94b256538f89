// Codes of 0 to 8 bits: packed and read back, and multiplied under every table of kernels.
#include "index/packed_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "tests/unit/index_train/guarded_bytes.h"

namespace kith::index {
namespace {

// Bits of each dimension, random but for a fixed width; the row ends with the last code's byte.
struct Row {
  Row(std::vector<uint8_t> of_dimensions, size_t first)
      : bits(std::move(of_dimensions)), first_byte(first) {
    const size_t total = std::accumulate(bits.begin(), bits.end(), size_t{0});
    bytes = std::max<size_t>(first_byte + (total + 7) / 8, 2);
    layout = PackedLayout(bits, first_byte, bytes);
  }

  std::vector<uint8_t> Codes(std::mt19937& random) const {
    std::vector<uint8_t> codes;
    for (const uint8_t width : bits) {
      codes.push_back(static_cast<uint8_t>(random() & ((1u << width) - 1)));
    }
    return codes;
  }

  std::vector<uint8_t> bits;
  size_t first_byte;
  size_t bytes;
  PackedLayout layout;
};

std::vector<Row> Rows(std::mt19937& random) {
  std::vector<Row> rows;
  for (const size_t dimension : {1, 2, 5, 15, 16, 17, 31, 33, 80, 127, 128, 513, 4096}) {
    for (uint8_t width = 0; width <= 8; ++width) {
      for (const size_t first : {0, 2}) rows.push_back({std::vector(dimension, width), first});
    }
    for (int i = 0; i < 3; ++i) {
      std::vector<uint8_t> bits(dimension);
      for (uint8_t& width : bits) width = static_cast<uint8_t>(random() % 9);
      rows.push_back({bits, i == 0 ? size_t{0} : size_t{2}});
    }
  }
  return rows;
}

TEST(PackedLayoutTest, CodesComeBackAndWhatLiesBeforeThemStays) {
  std::mt19937 random(1);
  for (const Row& row : Rows(random)) {
    const auto codes = row.Codes(random);
    std::vector<uint8_t> packed(row.bytes, 0xa5);
    row.layout.Pack(codes.data(), packed.data());
    for (size_t j = 0; j < codes.size(); ++j) {
      ASSERT_EQ(row.layout.CodeAt(packed.data(), j), codes[j]) << codes.size() << " " << j;
    }
    for (size_t i = 0; i < row.first_byte; ++i) EXPECT_EQ(packed[i], 0xa5);
  }
}

// One code after the other from the lowest bit up: what docs/formats.md says.
TEST(PackedLayoutTest, BitsStandWhereTheFormatPutsThem) {
  const Row row({3, 0, 7, 1, 8, 2}, 2);
  ASSERT_EQ(row.bytes, 5u);
  std::vector<uint8_t> packed(5, 0);
  const uint8_t codes[] = {0b101, 0, 0b1000001, 1, 0b11000011, 0b10};
  row.layout.Pack(codes, packed.data());
  // 10 | 11000011 | 1 | 1000001 | 101, read from the right.
  EXPECT_EQ(packed[2], 0b00001101);
  EXPECT_EQ(packed[3], 0b00011110);
  EXPECT_EQ(packed[4], 0b00010110);
}

class PackedProductsTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    table_ = FindKernels(GetParam());
    if (table_ == nullptr) GTEST_SKIP() << "this machine has no " << GetParam();
  }
  const KernelTable* table_ = nullptr;
};

TEST_P(PackedProductsTest, AreTheSumOfWeightsTimesCodesAndTheBitsOfThePortableTable) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  for (const Row& row : Rows(random)) {
    const PackedCodes codes = row.layout.view();
    std::vector<float> weights(codes.count);
    for (size_t j = 0; j < row.bits.size(); ++j) weights[j] = normal(random);
    for (const size_t count : {1, 7, 8, 19}) {
      std::vector<uint8_t> packed(count * row.bytes);
      std::vector<double> expected(count);
      std::vector<double> sizes(count);
      for (size_t i = 0; i < count; ++i) {
        const auto values = row.Codes(random);
        row.layout.Pack(values.data(), &packed[i * row.bytes]);
        for (size_t j = 0; j < values.size(); ++j) {
          expected[i] += double{weights[j]} * values[j];
          sizes[i] += std::abs(double{weights[j]} * values[j]);
        }
      }
      // The last row ends where readable memory does.
      const GuardedCopy<uint8_t> guarded(packed, packed.size());
      std::vector<const uint8_t*> rows;
      for (size_t i = 0; i < count; ++i) rows.push_back(guarded.data() + i * row.bytes);
      std::vector<float> out(count);
      table_->packed_products(codes, weights.data(), rows.data(), count, out.data());
      std::vector<float> portable(count);
      PortableKernels().packed_products(codes, weights.data(), rows.data(), count, portable.data());
      for (size_t i = 0; i < count; ++i) {
        ASSERT_NEAR(out[i], expected[i], 1e-5 * (sizes[i] + 1e-3));
        ASSERT_EQ(std::memcmp(&out[i], &portable[i], 4), 0) << row.bits.size() << " " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, PackedProductsTest,
                         ::testing::Values("portable", "avx2", "avx512"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace kith::index
