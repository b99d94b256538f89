#include "shard/storage/checked_text.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::storage {
namespace {

std::string Example() {
  CheckedText text("kith-example");
  text.Put("number", 42);
  text.Put("name", "two\nlines = one value");
  return text.Encode();
}

TEST(CheckedTextTest, AWrittenFileReadsBack) {
  const auto text = CheckedText::Parse("kith-example", "/data/EXAMPLE", Example());
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text->Number("number"), 42);
  EXPECT_EQ(*text->Text("name"), "two\nlines = one value");
}

TEST(CheckedTextTest, EveryFlippedBitIsDetected) {
  const std::string good = Example();
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    const auto text = CheckedText::Parse("kith-example", "/data/EXAMPLE", bad);
    EXPECT_EQ(text.status().code(), absl::StatusCode::kDataLoss) << "bit " << bit;
  }
}

TEST(CheckedTextTest, EveryTruncationIsDetected) {
  const std::string good = Example();
  for (size_t size = 0; size < good.size(); ++size) {
    const auto text = CheckedText::Parse("kith-example", "/data/EXAMPLE", good.substr(0, size));
    EXPECT_EQ(text.status().code(), absl::StatusCode::kDataLoss) << "size " << size;
  }
}

TEST(CheckedTextTest, AnotherKindOfFileIsRefused) {
  const auto text = CheckedText::Parse("kith-other", "/data/EXAMPLE", Example());
  EXPECT_EQ(ReasonOf(text.status()), reason::kCorruption);
}

TEST(CheckedTextTest, AFileForNewerReadersNamesBothVersions) {
  const std::string body = "kith-example\nformat_version=9\noldest_reader=8\n";
  const std::string bytes =
      fmt::format("{}checksum={:016x}\n", body, XXH3_64bits(body.data(), body.size()));
  const auto text = CheckedText::Parse("kith-example", "/data/EXAMPLE", bytes);
  EXPECT_EQ(text.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(text.status()), reason::kFormatVersion);
  const std::string message(text.status().message());
  EXPECT_THAT(message, testing::HasSubstr("format version 9"));
  EXPECT_THAT(message, testing::HasSubstr("reads version 1"));
}

TEST(CheckedTextTest, AMissingOrWrongValueIsNamed) {
  const auto text = CheckedText::Parse("kith-example", "/data/EXAMPLE", Example());
  ASSERT_TRUE(text.ok());
  EXPECT_THAT(std::string(text->Number("absent").status().message()), testing::HasSubstr("absent"));
  EXPECT_EQ(text->Number("name").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(text->Id("name").status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace kith::storage
