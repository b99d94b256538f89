#include "cli/data/element_conversion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "common/base/status.h"

namespace kith::cli {
namespace {

std::string Convert(const std::vector<float>& row, const VectorSchema& schema,
                    std::string* reason) {
  std::string out;
  const absl::Status status =
      AppendConverted(std::as_bytes(std::span(row)), ElementType::kF32, schema, out);
  *reason = ReasonOf(status);
  return out;
}

VectorSchema SchemaFor(ElementType type, Metric metric, uint32_t dimension) {
  return {type, metric, dimension};
}

TEST(HalfFromFloat, RoundsToTheNearestHalfTiesToEven) {
  EXPECT_EQ(HalfFromFloat(0), 0x0000);
  EXPECT_EQ(HalfFromFloat(-0.0f), 0x8000);
  EXPECT_EQ(HalfFromFloat(1), 0x3c00);
  EXPECT_EQ(HalfFromFloat(-2), 0xc000);
  EXPECT_EQ(HalfFromFloat(65504), 0x7bff);
  EXPECT_EQ(HalfFromFloat(65520), 0x7c00);
  EXPECT_EQ(HalfFromFloat(1 + 0x1p-11f), 0x3c00);
  EXPECT_EQ(HalfFromFloat(1 + 3 * 0x1p-11f), 0x3c02);
  EXPECT_EQ(HalfFromFloat(0x1p-24f), 0x0001);
}

TEST(AppendConverted, KeepsFloatsAndBytesAsTheyAre) {
  std::string reason;
  const std::vector<float> row = {1.5f, -2, 0};
  const std::string out = Convert(row, SchemaFor(ElementType::kF32, Metric::kL2, 3), &reason);
  EXPECT_EQ(std::memcmp(out.data(), row.data(), 12), 0);
  const std::vector<uint8_t> bytes = {0, 7, 255};
  std::string u8;
  ASSERT_TRUE(AppendConverted(std::as_bytes(std::span(bytes)), ElementType::kU8,
                              SchemaFor(ElementType::kU8, Metric::kL2, 3), u8)
                  .ok());
  EXPECT_EQ(u8, std::string("\0\7\377", 3));
}

TEST(AppendConverted, WidensBytesIntoFloatsAndHalves) {
  const std::vector<uint8_t> bytes = {0, 255};
  std::string out;
  ASSERT_TRUE(AppendConverted(std::as_bytes(std::span(bytes)), ElementType::kU8,
                              SchemaFor(ElementType::kF32, Metric::kL2, 2), out)
                  .ok());
  float values[2];
  ASSERT_EQ(out.size(), 8u);
  std::memcpy(values, out.data(), 8);
  EXPECT_EQ(values[1], 255);
  out.clear();
  ASSERT_TRUE(AppendConverted(std::as_bytes(std::span(bytes)), ElementType::kU8,
                              SchemaFor(ElementType::kF16, Metric::kL2, 2), out)
                  .ok());
  EXPECT_EQ(out.size(), 4u);
}

TEST(AppendConverted, RefusesWhatTheCollectionWouldRefuseAndLeavesTheOutputAlone) {
  const float nan = std::nanf("");
  const float infinity = std::numeric_limits<float>::infinity();
  struct Case {
    std::vector<float> row;
    ElementType type;
    Metric metric;
    const char* reason;
  };
  const Case cases[] = {
      {{1, nan}, ElementType::kF32, Metric::kL2, "NON_FINITE_VECTOR"},
      {{infinity, 1}, ElementType::kF32, Metric::kL2, "NON_FINITE_VECTOR"},
      {{70'000, 1}, ElementType::kF16, Metric::kL2, "NON_FINITE_VECTOR"},
      {{0, -0.0f}, ElementType::kF32, Metric::kCosine, "ZERO_VECTOR_COSINE"},
      {{1e-9f, 0}, ElementType::kF16, Metric::kCosine, "ZERO_VECTOR_COSINE"},
      {{1, 2.5f}, ElementType::kU8, Metric::kL2, "BAD_VECTOR"},
      {{1, 256}, ElementType::kU8, Metric::kL2, "BAD_VECTOR"},
      {{-1, 0}, ElementType::kU8, Metric::kL2, "BAD_VECTOR"},
  };
  for (const Case& c : cases) {
    std::string reason;
    EXPECT_EQ(Convert(c.row, SchemaFor(c.type, c.metric, 2), &reason), "");
    EXPECT_EQ(reason, c.reason);
  }
  std::string reason;
  Convert({0, 0}, SchemaFor(ElementType::kF32, Metric::kL2, 2), &reason);
  EXPECT_EQ(reason, "") << "zero vectors are fine under l2";
}

TEST(CheckFits, RefusesFloatFilesForByteCollectionsAndOtherDimensions) {
  FileShape shape;
  shape.format = "fbin";
  shape.dimension = 8;
  shape.rows = 1;
  const VectorSchema bytes = SchemaFor(ElementType::kU8, Metric::kL2, 8);
  EXPECT_THAT(std::string(CheckFits("f.fbin", shape, bytes).message()),
              ::testing::HasSubstr("convert the file to .u8bin"));
  shape.rows.reset();
  EXPECT_TRUE(CheckFits("f.jsonl", shape, bytes).ok());
  EXPECT_EQ(ReasonOf(CheckFits("f", shape, SchemaFor(ElementType::kF32, Metric::kL2, 9))),
            "DIMENSION_MISMATCH");
}

}  // namespace
}  // namespace kith::cli
