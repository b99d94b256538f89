// What a copy holds in memory once nobody writes to it: no more than after a restart.
#include <gmock/gmock.h>

#include "index/plan.h"
#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {
namespace {

using std::chrono::seconds;

constexpr uint64_t kMegabyte = 1 << 20;

class MemoryTest : public NodeFixture {
 protected:
  // Checkpoints come from nothing but what is tested.
  void SetUp() override {
    options_.tick_every = std::chrono::milliseconds(5);
    options_.write_buffer_bytes = 64 * kMegabyte;
    options_.checkpoint_log_bytes = uint64_t{1} << 40;
    options_.checkpoint_seconds = 1'000'000;
    NodeFixture::SetUp();
    ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  }
};

TEST_F(MemoryTest, AnIdleNodeGivesBackItsWriteBuffersAndCachedBlocks) {
  Fill(0, 100'000);
  const NodeHealth full = node_->health();
  EXPECT_GT(full.memory.write_buffers, 8 * kMegabyte);
  EXPECT_GT(full.log_memory_bytes, 2 * kMegabyte);
  EXPECT_TRUE(Within(seconds(30),
                     [&] {
                       const NodeHealth now = node_->health();
                       return now.memory.write_buffers < 4 * kMegabyte &&
                              now.log_memory_bytes < kMegabyte &&
                              now.memory.block_cache < kMegabyte;
                     }))
      << node_->health().memory.write_buffers << " bytes of write buffers, "
      << node_->health().log_memory_bytes << " of the log, " << node_->health().memory.block_cache
      << " of blocks";
  ExpectVerified(100'000);
}

TEST_F(MemoryTest, WhatACopySaysOfItsPartsIsWhatAPlanPredicts) {
  constexpr uint32_t kPoints = 150'000;  // two steps of encoding: one segment once they are merged
  Fill(0, kPoints);
  std::string version;
  TrainAndBuild(256, version);
  clock_.Advance(seconds(2));  // quiet
  ASSERT_TRUE(Within(seconds(60), [&] {
    return node_->Stat(7, Soon())->indexes[0].indexed_rows == kPoints &&
           node_->health().upkeep.segments == 1;
  }));
  index::IndexParameters parameters{.dimension = 2, .lists = 256, .subspaces = 1};
  index::SetPlaneB(0, parameters);
  const index::PlannedBytes plan = index::PlanBytes(parameters, kPoints, 1);
  const MemoryByPart memory = node_->Stat(7, Soon())->memory;
  const auto expect_near = [](uint64_t held, uint64_t planned) {
    EXPECT_NEAR(static_cast<double>(held), static_cast<double>(planned),
                0.03 * static_cast<double>(planned));
  };
  expect_near(memory.codes, plan.codes);
  expect_near(memory.refine, plan.refine);
  expect_near(memory.rows, plan.rows);
  EXPECT_GT(memory.quantizer, plan.quantizer * 9 / 10) << "the images made of it, too";
  expect_near(memory.codes + memory.refine + memory.quantizer,
              plan.codes + plan.refine + plan.quantizer);
}

}  // namespace
}  // namespace kith::shard
