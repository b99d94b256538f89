#include "common/base/memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace kith {
namespace {

// Far more than what other threads of a test could change meanwhile.
constexpr size_t kMuch = 32 << 20;

size_t ResidentBytes() {
  size_t pages = 0;
  size_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

class Memory : public ::testing::Test {
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "the sanitizer's allocator stands in for it";
#endif
  }
};

TEST_F(Memory, WhatIsUsedCountsHoweverTheAllocatorGotIt) {
  const AllocatorBytes before = ReadAllocator();
  const auto mapped = std::make_unique<std::string>(kMuch, 'x');
  EXPECT_GE(ReadAllocator().used, before.used + kMuch);
  std::vector<std::unique_ptr<std::string>> small;
  for (size_t i = 0; i < kMuch / 1024; ++i)
    small.push_back(std::make_unique<std::string>(1024, 'x'));
  EXPECT_GE(ReadAllocator().used, before.used + 2 * kMuch);
}

TEST_F(Memory, WhatWasFreedBetweenUsedBlocksIsFreeNotUsed) {
  std::vector<std::unique_ptr<std::string>> blocks;
  for (size_t i = 0; i < 2 * kMuch / 2048; ++i) {
    blocks.push_back(std::make_unique<std::string>(2048, 'x'));
  }
  const AllocatorBytes full = ReadAllocator();
  for (size_t i = 0; i < blocks.size(); i += 2) blocks[i] = nullptr;
  const AllocatorBytes holed = ReadAllocator();
  EXPECT_LE(holed.used, full.used - kMuch / 2);
  EXPECT_GE(holed.free, full.free + kMuch / 2);
}

TEST_F(Memory, WhatIsFreeGoesBackWhenAskedFor) {
  ReturnFreeMemory();
  const size_t before = ResidentBytes();
  std::vector<std::unique_ptr<std::string>> blocks;
  for (size_t i = 0; i < 2 * kMuch / 2048; ++i) {
    blocks.push_back(std::make_unique<std::string>(2048, 'x'));
  }
  blocks.clear();
  EXPECT_GE(ResidentBytes(), before + kMuch);
  ReturnFreeMemory();
  EXPECT_LE(ResidentBytes(), before + kMuch / 2);
}

}  // namespace
}  // namespace kith
