// What a copy holds in memory once nobody writes to it: no more than after a restart.
#include <gmock/gmock.h>

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
  EXPECT_GT(full.log_memory_bytes, 4 * kMegabyte);
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

}  // namespace
}  // namespace kith::shard
