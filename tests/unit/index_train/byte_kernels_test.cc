// The kernels that work on bytes and integers, each against its definition in plain loops, under
// every table: so all tables agree to the bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "index/kernels/kernel_table.h"
#include "tests/unit/index_train/guarded_bytes.h"

namespace kith::index {
namespace {

constexpr int32_t kNever = std::numeric_limits<int32_t>::max();

class ByteKernelsTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    table_ = FindKernels(GetParam());
    if (table_ == nullptr) GTEST_SKIP() << "this machine has no " << GetParam();
  }

  template <class Element>
  std::vector<Element> Noise(size_t count) {
    std::vector<Element> values(count);
    for (Element& value : values) value = static_cast<Element>(bits_());
    return values;
  }

  const KernelTable* table_ = nullptr;
  std::mt19937 bits_{21};
};

// ---- Byte products ----

struct Panels {
  size_t width;
  std::vector<uint8_t> bytes;
  std::vector<int32_t> bias;

  size_t vectors() const { return bias.size(); }
  int32_t Score(size_t vector, const int8_t* query) const {
    int32_t score = bias[vector];
    for (size_t j = 0; j < width; ++j) {
      const size_t panel = vector / 64 * 64 * width;
      score += bytes[panel + j / 4 * 256 + vector % 64 * 4 + j % 4] * query[j];
    }
    return score;
  }
};

TEST_P(ByteKernelsTest, PanelScoresAreBiasPlusProduct) {
  for (const size_t width : {4, 8, 20, 128, 768}) {
    // So many of the widest do not stay in a cache together.
    for (const size_t panels : {1, 3, 12}) {
      Panels all{width, Noise<uint8_t>(panels * 64 * width), Noise<int32_t>(panels * 64)};
      for (int32_t& bias : all.bias) bias /= 4;
      const GuardedCopy<uint8_t> bytes(all.bytes, all.bytes.size());
      for (const size_t count : {1, 3, 4, 9}) {
        const auto queries = Noise<int8_t>(count * width);
        const GuardedCopy<int8_t> guarded(queries, queries.size());
        std::vector<std::vector<int32_t>> out(count, std::vector<int32_t>(all.vectors()));
        std::vector<const int8_t*> each;
        std::vector<int32_t*> outs;
        for (size_t i = 0; i < count; ++i) {
          each.push_back(guarded.data() + i * width);
          outs.push_back(out[i].data());
        }
        table_->panel_scores({bytes.data(), all.bias.data(), panels, width}, each.data(), count,
                             outs.data());
        for (size_t i = 0; i < count; ++i) {
          for (size_t v = 0; v < all.vectors(); ++v) {
            ASSERT_EQ(out[i][v], all.Score(v, each[i])) << width << " " << i << " " << v;
          }
        }
      }
    }
  }
}

TEST_P(ByteKernelsTest, TheFarthestBytesOfTheLargestDimensionDoNotOverflow) {
  const size_t width = 4096;
  const std::vector<uint8_t> bytes(64 * width, 255);
  const std::vector<int32_t> bias(64, 0);
  const std::vector<int8_t> query(width, -128);
  const int8_t* code = query.data();
  std::vector<int32_t> out(64);
  int32_t* scores = out.data();
  table_->panel_scores({bytes.data(), bias.data(), 1, width}, &code, 1, &scores);
  for (const int32_t score : out) EXPECT_EQ(score, -128 * 255 * 4096);
}

TEST_P(ByteKernelsTest, PanelNearestIsTheFirstOfTheSmallestScores) {
  for (const size_t width : {4, 12, 128}) {
    for (const size_t panels : {1, 2, 33, 100}) {
      Panels all{width, Noise<uint8_t>(panels * 64 * width), Noise<int32_t>(panels * 64)};
      // Few different scores: many tie.
      for (uint8_t& byte : all.bytes) byte &= 1;
      for (int32_t& bias : all.bias) bias %= 7;
      for (size_t v = all.vectors() - 20; v < all.vectors(); ++v) all.bias[v] = kNever - 1000;
      for (const size_t count : {1, 5, 6, 7, 65, 400}) {
        auto queries = Noise<int8_t>(count * width);
        for (int8_t& element : queries) element %= 2;
        const GuardedCopy<int8_t> guarded(queries, queries.size());
        std::vector<uint32_t> nearest(count, 77);
        table_->panel_nearest({all.bytes.data(), all.bias.data(), panels, width}, guarded.data(),
                              count, nearest.data());
        for (size_t i = 0; i < count; ++i) {
          size_t best = 0;
          for (size_t v = 1; v < all.vectors(); ++v) {
            const int8_t* query = &queries[i * width];
            if (all.Score(v, query) < all.Score(best, query)) best = v;
          }
          ASSERT_EQ(nearest[i], best) << width << " " << panels << " " << count << " " << i;
        }
      }
    }
  }
}

// ---- Selection ----

TEST_P(ByteKernelsTest, KthSmallestIsThatOfTheSortedValues) {
  for (const size_t count : {1, 2, 15, 16, 17, 100, 1000}) {
    for (const int spread : {1, 3, 1000, 0}) {
      auto values = Noise<int32_t>(count);
      if (spread != 0) {
        for (int32_t& value : values) value %= spread;
      }
      std::vector<int32_t> sorted = values;
      std::sort(sorted.begin(), sorted.end());
      const GuardedCopy<int32_t> guarded(values, count);
      for (const size_t k : {size_t{1}, count / 3 + 1, count}) {
        ASSERT_EQ(table_->kth_smallest(guarded.data(), count, k), sorted[k - 1])
            << count << " " << spread << " " << k;
      }
    }
  }
  const std::vector<int32_t> ends = {kNever, std::numeric_limits<int32_t>::min(), kNever};
  EXPECT_EQ(table_->kth_smallest(ends.data(), 3, 1), std::numeric_limits<int32_t>::min());
  EXPECT_EQ(table_->kth_smallest(ends.data(), 3, 2), kNever);
}

TEST_P(ByteKernelsTest, WhatIsAtMostALimitIsCollectedInOrder) {
  for (const size_t count : {0, 1, 15, 16, 17, 40, 1000}) {
    const auto values = Noise<int32_t>(count);
    auto belongings = Noise<uint64_t>(count);
    for (const int32_t limit : {std::numeric_limits<int32_t>::min(), 0, kNever}) {
      std::vector<int32_t> kept;
      std::vector<uint32_t> indices;
      std::vector<uint64_t> kept_belongings;
      for (size_t i = 0; i < count; ++i) {
        if (values[i] > limit) continue;
        kept.push_back(values[i]);
        indices.push_back(static_cast<uint32_t>(i));
        kept_belongings.push_back(belongings[i]);
      }
      const GuardedCopy<int32_t> guarded(values, count);
      std::vector<int32_t> out(count);
      std::vector<uint32_t> out_indices(count);
      const size_t found =
          table_->collect_at_most(guarded.data(), count, limit, out.data(), out_indices.data());
      ASSERT_EQ(found, kept.size());
      out.resize(found);
      out_indices.resize(found);
      EXPECT_EQ(out, kept);
      EXPECT_EQ(out_indices, indices);

      std::vector<int32_t> in_place = values;
      std::vector<uint64_t> with_it = belongings;
      ASSERT_EQ(table_->keep_at_most(in_place.data(), with_it.data(), count, limit), found);
      in_place.resize(found);
      with_it.resize(found);
      EXPECT_EQ(in_place, kept);
      EXPECT_EQ(with_it, kept_belongings);
    }
  }
}

// ---- Look-ups ----

std::vector<uint32_t> Begins(size_t n, size_t subspaces) {
  std::vector<uint32_t> begins;
  for (size_t m = 0; m <= subspaces; ++m)
    begins.push_back(static_cast<uint32_t>(m * n / subspaces));
  return begins;
}

std::vector<float> TableOf(const float* query, const std::vector<float>& columns,
                           const std::vector<uint32_t>& begins) {
  std::vector<float> table;
  for (size_t m = 0; m + 1 < begins.size(); ++m) {
    for (size_t k = 0; k < 256; ++k) {
      float sum = 0;
      for (size_t j = begins[m]; j < begins[m + 1]; ++j) {
        sum += (-2 * query[j]) * columns[j * 256 + k];
      }
      table.push_back(sum);
    }
  }
  return table;
}

TEST_P(ByteKernelsTest, LookupTablesAddDimensionsInAscendingOrder) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (const size_t n : {1, 3, 8, 100, 128, 768}) {
    for (const size_t subspaces : {1, 3, 16, 64}) {
      if (subspaces > n) continue;
      std::vector<float> columns(n * 256);
      for (float& value : columns) value = uniform(bits_);
      const auto begins = Begins(n, subspaces);
      const GuardedCopy<float> guarded_columns(columns, columns.size());
      for (const size_t count : {1, 4, 7}) {
        std::vector<float> queries(count * n);
        for (float& value : queries) value = uniform(bits_);
        const GuardedCopy<float> guarded_queries(queries, queries.size());
        std::vector<std::vector<float>> out(count, std::vector<float>(subspaces * 256));
        std::vector<const float*> each;
        std::vector<float*> outs;
        for (size_t i = 0; i < count; ++i) {
          each.push_back(guarded_queries.data() + i * n);
          outs.push_back(out[i].data());
        }
        table_->lookup_tables(each.data(), count, guarded_columns.data(), begins.data(), subspaces,
                              -2, outs.data());
        for (size_t i = 0; i < count; ++i) {
          EXPECT_EQ(out[i], TableOf(each[i], columns, begins)) << n << " " << subspaces << " " << i;
        }
      }
    }
  }
}

TEST_P(ByteKernelsTest, AByteTableIsWithinHalfAStepOfTheFloats) {
  std::normal_distribution<float> normal(3, 20);
  for (const size_t subspaces : {1, 2, 16, 64}) {
    std::vector<float> table(subspaces * 256);
    for (float& value : table) value = normal(bits_);
    std::vector<uint8_t> bytes(table.size());
    const ByteTableScale scale = table_->byte_table(table.data(), subspaces, bytes.data());
    float minimum_sum = 0;
    for (size_t m = 0; m < subspaces; ++m) {
      const float least = *std::min_element(&table[m * 256], &table[m * 256] + 256);
      minimum_sum += least;
      for (size_t k = 0; k < 256; ++k) {
        const float value = least + scale.step * static_cast<float>(bytes[m * 256 + k]);
        ASSERT_NEAR(value, table[m * 256 + k], scale.step * 0.5001f);
      }
    }
    EXPECT_EQ(scale.minimum_sum, minimum_sum);
    EXPECT_EQ(*std::max_element(bytes.begin(), bytes.end()), 255);
    EXPECT_EQ(*std::min_element(bytes.begin(), bytes.end()), 0);
    // As the portable table has it, to the bit.
    std::vector<uint8_t> portable(bytes.size());
    const ByteTableScale same =
        PortableKernels().byte_table(table.data(), subspaces, portable.data());
    EXPECT_EQ(portable, bytes);
    EXPECT_EQ(same.step, scale.step);
  }
}

TEST_P(ByteKernelsTest, ATableWithoutSpanOrWithoutNumbersIsZero) {
  for (const float value : {0.0f, 7.0f, std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> table(512, value);
    std::vector<uint8_t> bytes(512, 9);
    EXPECT_EQ(table_->byte_table(table.data(), 2, bytes.data()).step, 0) << value;
    EXPECT_EQ(bytes, std::vector<uint8_t>(512, 0)) << value;
  }
}

// ---- Plane A ----

struct List {
  uint32_t count;
  uint32_t subspaces;
  std::vector<uint8_t> codes;  // of vector i, sub-space m: codes[i * subspaces + m]
  std::vector<uint16_t> biases;

  static uint32_t Lanes(uint32_t left) { return left >= 64 ? 64 : (left + 15) / 16 * 16; }

  // As list_segment.h words it; what pads is noise.
  std::vector<uint8_t> Blocks(std::mt19937& random) const {
    std::vector<uint8_t> blocks;
    for (uint32_t first = 0; first < count; first += 64) {
      const uint32_t lanes = Lanes(count - first);
      const size_t begin = blocks.size();
      blocks.resize(begin + lanes * (subspaces + 2));
      for (size_t i = begin; i < blocks.size(); ++i) blocks[i] = static_cast<uint8_t>(random());
      for (uint32_t lane = 0; lane < std::min(lanes, count - first); ++lane) {
        for (uint32_t m = 0; m < subspaces; ++m) {
          blocks[begin + m * lanes + lane] = codes[(first + lane) * subspaces + m];
        }
        const size_t at = lanes * subspaces + 2 * (lane % 2 * lanes / 2 + lane / 2);
        std::memcpy(&blocks[begin + at], &biases[first + lane], 2);
      }
    }
    return blocks;
  }
  uint32_t Sum(const std::vector<uint8_t>& table, uint32_t i) const {
    uint32_t sum = 0;
    for (uint32_t m = 0; m < subspaces; ++m) sum += table[m * 256 + codes[i * subspaces + m]];
    return sum;
  }
};

TEST_P(ByteKernelsTest, AScanFindsTheVectorsThatReachTheThreshold) {
  for (const uint32_t subspaces : {1u, 2u, 16u, 20u, 33u, 64u}) {
    for (const uint32_t count :
         {1u, 2u, 15u, 16u, 17u, 63u, 64u, 65u, 127u, 128u, 191u, 193u, 255u, 256u}) {
      const List list{count, subspaces, Noise<uint8_t>(size_t{count} * subspaces),
                      Noise<uint16_t>(count)};
      const auto blocks = list.Blocks(bits_);
      const GuardedCopy<uint8_t> guarded(blocks, blocks.size());
      const auto table = Noise<uint8_t>(size_t{subspaces} * 256);
      for (const uint32_t factor : {0u, 3000u, 65'535u}) {
        for (const uint32_t threshold : {0u, subspaces * 110, 30'000u, 65'535u}) {
          ByteScan scan{guarded.data(), count, subspaces, table.data()};
          scan.bias_factor = static_cast<uint16_t>(factor);
          scan.threshold = static_cast<uint16_t>(threshold);
          Survivor out[ByteScan::kMaxCount];
          const size_t found = table_->scan_bytes(scan, out);
          size_t next = 0;
          for (uint32_t i = 0; i < count; ++i) {
            const uint32_t bias = list.biases[i];
            const uint32_t sum = list.Sum(table, i);
            if (std::min(65'535u, sum + bias * factor / 65'536) > threshold) continue;
            ASSERT_LT(next, found) << count << " " << subspaces;
            ASSERT_EQ(out[next].position, i) << count << " " << subspaces;
            ASSERT_EQ(out[next].sum, sum);
            ASSERT_EQ(out[next].bias, bias);
            ++next;
          }
          ASSERT_EQ(next, found) << count << " " << subspaces << " " << threshold;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, ByteKernelsTest, ::testing::Values("portable", "avx2", "avx512"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace kith::index
