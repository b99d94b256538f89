// The parts of the kernels by themselves, against the CPU's kernels or the standard library.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "index/gpu/group_packing.h"
#include "index/gpu/lookup_body.h"
#include "index/gpu/select_body.h"
#include "index/gpu/sort_body.h"
#include "index/gpu/table_body.h"
#include "index/kernels/kernel_table.h"
#include "tests/support/gpu/host_block.h"
#include "tests/unit/index_search/fabricated_index.h"

namespace kith::index::gpu {
namespace {

using ::kith::testing::BankCounts;
using ::kith::testing::HostBlock;
using ::kith::testing::HostWarp;
using ::kith::testing::Schedule;

class Bodies : public ::testing::Test {
 protected:
  BlockScratch Scratch(const ScanShape& shape) {
    memory_.assign(ScratchBytes(shape), 0xa5);
    return LayOutScratch(shape, memory_.data());
  }

  // A version of noise and a query, in the host's memory.
  QuantizerView Quantizer(uint32_t subspaces, uint32_t dimension, Metric metric) {
    IndexParameters parameters;
    parameters.dimension = dimension;
    parameters.lists = 2;
    parameters.subspaces = subspaces;
    parameters.metric = metric;
    version_ = NoiseVersion(parameters, random_);
    QuantizerView view;
    view.shape = MakeScanShape(subspaces);
    view.dimension = dimension;
    view.inner_product = metric == Metric::kInnerProduct;
    view.codebook_columns = version_->codebook_columns.data();
    view.subspace_begins = version_->subspace_begins.data();
    query_.resize(dimension);
    std::normal_distribution<float> normal(0, 20);
    for (float& value : query_) value = normal(random_);
    return view;
  }

  std::vector<uint8_t> CpuTable(const QuantizerView& view, ByteTableScale& scale) {
    const KernelTable& kernels = ActiveKernels();
    std::vector<float> floats(size_t{view.shape.subspaces} * 256);
    std::vector<uint8_t> bytes(floats.size());
    const float* queries[] = {query_.data()};
    float* tables[] = {floats.data()};
    kernels.lookup_tables(queries, 1, view.codebook_columns, view.subspace_begins,
                          view.shape.subspaces, view.inner_product ? -1.0f : -2.0f, tables);
    scale = kernels.byte_table(floats.data(), view.shape.subspaces, bytes.data());
    return bytes;
  }

  template <uint32_t kParts, uint32_t kWords>
  void CheckLookups(uint32_t subspaces);

  std::mt19937 random_{7};
  std::vector<uint8_t> memory_;
  std::shared_ptr<IndexVersion> version_;
  std::vector<float> query_;
  BankCounts banks_;
};

TEST_F(Bodies, The_table_of_a_query_has_the_bytes_and_the_scale_of_the_cpu) {
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct}) {
    for (const uint32_t subspaces : {1u, 3u, 16u, 24u, 32u, 33u, 64u}) {
      const QuantizerView view = Quantizer(subspaces, std::max(subspaces, 70u), metric);
      const BlockScratch scratch = Scratch(view.shape);
      HostBlock block(5, banks_, Schedule::kShuffled);
      BuildTable(block, view, query_.data(), scratch);
      ByteTableScale scale;
      const std::vector<uint8_t> expected = CpuTable(view, scale);
      EXPECT_EQ(scratch.scalars->minimum_sum, scale.minimum_sum);
      EXPECT_EQ(scratch.scalars->step, scale.step);
      const uint32_t part_subspaces = view.shape.part_subspaces();
      for (uint32_t part = 0; part < view.shape.parts; ++part) {
        for (uint32_t code = 0; code < kCodes; ++code) {
          for (uint32_t word = 0; word < kTableStride; ++word) {
            const uint32_t m = part * part_subspaces + word % part_subspaces;
            const uint32_t entry = m < subspaces ? expected[m * 256 + code] : 0;
            ASSERT_EQ(scratch.table[TableWord(part, code, word)], entry)
                << subspaces << " code " << code << " word " << word;
          }
        }
      }
    }
  }
  EXPECT_EQ(banks_.lanes_of_a_bank, 1u) << "reads or writes of the table share a bank";
}

TEST_F(Bodies, A_query_whose_table_is_flat_or_not_finite_has_no_entries) {
  for (const float value : {0.0f, std::numeric_limits<float>::infinity()}) {
    const QuantizerView view = Quantizer(8, 16, Metric::kL2);
    std::fill(query_.begin(), query_.end(), value);
    const BlockScratch scratch = Scratch(view.shape);
    HostBlock block(3, banks_);
    BuildTable(block, view, query_.data(), scratch);
    ByteTableScale scale;
    CpuTable(view, scale);
    EXPECT_EQ(scratch.scalars->minimum_sum, scale.minimum_sum);
    EXPECT_EQ(scratch.scalars->step, 0);
    EXPECT_EQ(std::count(scratch.table, scratch.table + view.shape.table_words(), 0u),
              view.shape.table_words());
  }
}

template <uint32_t kParts, uint32_t kWords>
void Bodies::CheckLookups(uint32_t subspaces) {
  // Two queries in the halves of the words.
  const QuantizerView view = Quantizer(subspaces, std::max(subspaces, 40u), Metric::kL2);
  ASSERT_EQ(view.shape.parts, kParts);
  ASSERT_EQ(view.shape.words, kWords);
  const BlockScratch scratch = Scratch(view.shape);
  HostBlock block(4, banks_);
  ByteTableScale scale;
  std::vector<uint8_t> tables[2];
  for (const TableHalf half : {TableHalf::kFirst, TableHalf::kSecond}) {
    for (float& value : query_) value = -value + 1;
    MakeByteTable(block, view, query_.data(), scratch);
    SpreadTable(block, view.shape, scratch, half);
    tables[half == TableHalf::kSecond] = CpuTable(view, scale);
  }
  std::vector<uint8_t> plane_a(32 * subspaces);
  for (uint8_t& code : plane_a) code = static_cast<uint8_t>(random_());
  const std::vector<uint16_t> bias(32);
  std::vector<uint32_t> group(view.shape.group_bytes() / 4);
  PackGroup(view.shape, {plane_a, bias}, reinterpret_cast<uint8_t*>(group.data()));
  HostWarp warp(0, 1, banks_);
  GroupCodes<HostWarp, kParts, kWords> codes;
  LoadGroup<HostWarp, kParts, kWords>(warp, group.data(), codes);
  const auto sums = SumLookups<HostWarp, kParts, kWords>(warp, scratch.table, codes);
  for (uint32_t lane = 0; lane < 32; ++lane) {
    uint32_t expected[2] = {};
    for (uint32_t m = 0; m < subspaces; ++m) {
      for (int i = 0; i < 2; ++i) expected[i] += tables[i][m * 256 + plane_a[lane * subspaces + m]];
    }
    EXPECT_EQ(sums[lane] & 0xffff, expected[0]) << subspaces << " lane " << lane;
    EXPECT_EQ(sums[lane] >> 16, expected[1]) << subspaces << " lane " << lane;
  }
}

TEST_F(Bodies, Lookups_of_two_queries_at_once_are_exact_and_each_lane_has_a_bank_of_its_own) {
  for (uint32_t m = 1; m <= 4; ++m) CheckLookups<1, 1>(m);
  for (uint32_t m = 5; m <= 8; ++m) CheckLookups<1, 2>(m);
  for (uint32_t m = 9; m <= 12; ++m) CheckLookups<1, 3>(m);
  for (uint32_t m = 13; m <= 16; ++m) CheckLookups<1, 4>(m);
  for (uint32_t m = 17; m <= 20; ++m) CheckLookups<1, 5>(m);
  for (uint32_t m = 21; m <= 24; ++m) CheckLookups<1, 6>(m);
  for (uint32_t m = 25; m <= 28; ++m) CheckLookups<1, 7>(m);
  for (uint32_t m = 29; m <= 32; ++m) CheckLookups<1, 8>(m);
  CheckLookups<2, 5>(33);
  CheckLookups<2, 6>(48);
  CheckLookups<2, 7>(50);
  CheckLookups<2, 8>(64);
  EXPECT_EQ(banks_.lanes_of_a_bank, 1u);
}

TEST_F(Bodies, The_greatest_entries_of_both_halves_do_not_run_into_each_other) {
  const ScanShape shape = MakeScanShape(64);
  const BlockScratch scratch = Scratch(shape);
  std::fill_n(scratch.table, shape.table_words(), 255u << 16 | 255u);
  std::vector<uint32_t> group(shape.group_bytes() / 4, 0xffffffffu);
  HostWarp warp(0, 1, banks_);
  GroupCodes<HostWarp, 2, 8> codes;
  LoadGroup<HostWarp, 2, 8>(warp, group.data(), codes);
  const auto sums = SumLookups<HostWarp, 2, 8>(warp, scratch.table, codes);
  EXPECT_EQ(sums[31], 64u * 255 << 16 | 64 * 255);
}

TEST_F(Bodies, The_kth_smallest_is_found_among_any_keys_in_any_schedule) {
  const BlockScratch scratch = Scratch(MakeScanShape(4));
  for (const Schedule schedule : {Schedule::kInOrder, Schedule::kShuffled, Schedule::kThreads}) {
    for (const uint32_t count : {1u, 2u, 31u, 32u, 33u, 1000u}) {
      for (const uint32_t spread : {1u, 3u, 0xffffffffu}) {
        std::vector<uint64_t> entries;
        std::vector<uint32_t> keys;
        for (uint32_t i = 0; i < count; ++i) {
          keys.push_back(spread == 0xffffffffu ? random_() : random_() % spread << 13);
          entries.push_back(uint64_t{keys.back()} << 32 | random_());
        }
        std::sort(keys.begin(), keys.end());
        HostBlock block(3, banks_, schedule);
        for (const uint32_t k : {1u, (count + 1) / 2, count}) {
          EXPECT_EQ(SelectKth(block, EntryKeys{entries.data()}, count, k, scratch), keys[k - 1]);
        }
      }
    }
  }
}

TEST_F(Bodies, Scores_are_selected_with_their_sign) {
  const BlockScratch scratch = Scratch(MakeScanShape(4));
  const int32_t scores[] = {5, -7, 0, std::numeric_limits<int32_t>::max(), -1'000'000};
  HostBlock block(2, banks_);
  const uint32_t order = SelectKth(block, ScoreKeys{scores}, 5, 2, scratch);
  EXPECT_EQ(static_cast<int32_t>(order ^ 0x80000000u), -7);
}

TEST_F(Bodies, A_cut_keeps_all_entries_that_equal_the_last) {
  const BlockScratch scratch = Scratch(MakeScanShape(4));
  std::vector<uint64_t> entries;
  for (uint64_t i = 0; i < 100; ++i) entries.push_back((i % 10) << 32 | i);
  for (const Schedule schedule : {Schedule::kShuffled, Schedule::kThreads}) {
    std::vector<uint64_t> kept(100);
    HostBlock block(3, banks_, schedule);
    const uint32_t count = CopyAtMost(block, entries.data(), 100, 2, kept.data(), scratch);
    ASSERT_EQ(count, 30u);
    kept.resize(count);
    std::sort(kept.begin(), kept.end());
    EXPECT_EQ(std::unique(kept.begin(), kept.end()), kept.end());
    EXPECT_EQ(kept.back() >> 32, 2u);
  }
}

TEST_F(Bodies, Entries_are_sorted_with_ties_in_order_of_what_stands_below) {
  for (const uint32_t count : {0u, 1u, 2u, 3u, 31u, 64u, 65u, 300u}) {
    std::vector<uint64_t> entries(PowerOfTwoFrom(count) + 1, 77);
    for (uint32_t i = 0; i < count; ++i) entries[i] = uint64_t{random_() % 4} << 32 | random_() % 9;
    std::vector<uint64_t> expected(entries.begin(), entries.begin() + count);
    std::sort(expected.begin(), expected.end());
    HostBlock block(3, banks_, Schedule::kThreads);
    SortEntries(block, entries.data(), count);
    EXPECT_EQ(entries.back(), 77u) << "wrote beyond the next power of two";
    entries.resize(count);
    EXPECT_EQ(entries, expected) << count;
  }
}

}  // namespace
}  // namespace kith::index::gpu
