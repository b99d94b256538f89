#include "index/huge_pages.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace kith::index {
namespace {

constexpr size_t kPage = size_t{2} << 20;

TEST(HugePagesTest, LargeArraysStandOnWholePagesAndKeepTheirBytesAsTheyGrow) {
  HugeBytes bytes;
  for (const size_t size : {size_t{1000}, 4 * kPage - 1, 4 * kPage, 4 * kPage + 1, 9 * kPage}) {
    bytes.resize(size, static_cast<uint8_t>(size));
    if (bytes.capacity() >= 4 * kPage) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes.data()) % kPage, 0u) << size;
    }
    EXPECT_EQ(bytes[999], static_cast<uint8_t>(1000));
    EXPECT_EQ(bytes.back(), static_cast<uint8_t>(size));
  }
  HugeBytes copy = bytes;
  EXPECT_EQ(copy, bytes);
  bytes.clear();
  bytes.shrink_to_fit();
  EXPECT_EQ(copy[999], static_cast<uint8_t>(1000));
}

}  // namespace
}  // namespace kith::index
