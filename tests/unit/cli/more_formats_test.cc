#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "cli/data/element_conversion.h"
#include "cli/data/vector_reader.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/unit/cli/command_harness.h"
#include "tests/unit/cli/test_files.h"

namespace kith::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// All elements of a file, as floats.
std::vector<float> Floats(const std::string& path) {
  const auto matrix = LoadVectors(path, 1 << 20);
  EXPECT_TRUE(matrix.ok()) << matrix.status();
  if (!matrix.ok()) return {};
  EXPECT_EQ(matrix->shape.element_type, ElementType::kF32);
  std::vector<float> floats(matrix->bytes.size() / sizeof(float));
  std::memcpy(floats.data(), matrix->bytes.data(), matrix->bytes.size());
  return floats;
}

absl::Status StatusOf(const std::string& path) { return LoadVectors(path, 1 << 20).status(); }

TEST(MoreFormats, ReadsSignedBytesAndHalvesAsFloats) {
  const TestFolder folder;
  WriteText(folder / "a.i8bin", BinBytes(2, 2, BytesOf<int8_t>({-128, 127, 0, -1})));
  EXPECT_THAT(Floats(folder / "a.i8bin"), ElementsAre(-128, 127, 0, -1));
  WriteText(folder / "a.f16bin",
            BinBytes(1, 3, BytesOf<_Float16>({_Float16(0.5f), _Float16(-2), _Float16(65504)})));
  EXPECT_THAT(Floats(folder / "a.f16bin"), ElementsAre(0.5f, -2, 65504));
}

TEST(MoreFormats, ReadsBvecsAsBytesAndIvecsAsFloats) {
  const TestFolder folder;
  WriteText(folder / "a.bvecs",
            BytesOf<int32_t>({2}) + "\x01\xff" + BytesOf<int32_t>({2}) + "\x02\x03");
  const auto bytes = LoadVectors(folder / "a.bvecs", 9);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(bytes->shape.element_type, ElementType::kU8);
  EXPECT_EQ(bytes->rows, 2u);
  EXPECT_EQ(static_cast<uint8_t>(bytes->bytes[1]), 255);
  WriteText(folder / "a.ivecs", BytesOf<int32_t>({2, -7, 1 << 24, 2, 0, 5}));
  EXPECT_THAT(Floats(folder / "a.ivecs"), ElementsAre(-7, 1 << 24, 0, 5));
}

TEST(MoreFormats, GoesOnFromAnEarlierEndInEveryFormat) {
  const TestFolder folder;
  WriteText(folder / "a.i8bin", BinBytes(4, 1, BytesOf<int8_t>({0, 1, 2, 3})));
  WriteText(folder / "a.ivecs", BytesOf<int32_t>({1, 0, 1, 1, 1, 2, 1, 3}));
  WriteText(folder / "a.npy", NpyArray("<f8", "(4, 1)", BytesOf<double>({0, 1, 2, 3})));
  for (const char* name : {"a.i8bin", "a.ivecs", "a.npy"}) {
    auto reader = OpenVectorFile(folder / name, 0);
    ASSERT_TRUE(reader.ok()) << reader.status();
    RowBatch batch;
    ASSERT_TRUE((*reader)->Next({3}, batch).ok());
    const FilePosition end = batch.end;
    EXPECT_EQ(end.row, 3u);
    ASSERT_TRUE((*reader)->Next({3}, batch).ok());
    EXPECT_EQ(batch.end.byte, ReadText(folder / name).size()) << name;
    ASSERT_TRUE((*reader)->Seek(end).ok());
    ASSERT_TRUE((*reader)->Next({3}, batch).ok());
    float value = 0;
    std::memcpy(&value, batch.vectors.data(), sizeof(value));
    EXPECT_EQ(value, 3) << name;
    ASSERT_TRUE((*reader)->Next({3}, batch).ok());
    EXPECT_TRUE(batch.at_end());
    EXPECT_EQ((*reader)->Seek({5, 0}).code(), absl::StatusCode::kOutOfRange);
  }
}

TEST(MoreFormats, RefusesAWholeNumberThatAFloatCannotHoldNamingItsPlace) {
  const TestFolder folder;
  WriteText(folder / "a.ivecs", BytesOf<int32_t>({2, 1, 2, 2, 3, (1 << 24) + 1}));
  const absl::Status status = StatusOf(folder / "a.ivecs");
  EXPECT_EQ(ReasonOf(status), reason::kBadVector);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("a.ivecs"), HasSubstr("element 1 of row 1"), HasSubstr("byte 12")));
  const int64_t last = std::numeric_limits<int64_t>::max();
  WriteText(folder / "b.npy",
            NpyArray("<i8", "(1, 2)", BytesOf<int64_t>({int64_t{1} << 40, last})));
  EXPECT_THAT(std::string(StatusOf(folder / "b.npy").message()), HasSubstr("element 1 of row 0"));
  WriteText(
      folder / "c.npy",
      NpyArray("<i8", "(1, 2)",
               BytesOf<int64_t>({-(int64_t{1} << 40), std::numeric_limits<int64_t>::min() + 1})));
  EXPECT_THAT(std::string(StatusOf(folder / "c.npy").message()), HasSubstr("element 1 of row 0"));
}

TEST(MoreFormats, RefusesDamagedFilesOfEachFormatByName) {
  const TestFolder folder;
  const auto message_of = [&](const std::string& name, const std::string& content) {
    WriteText(folder / name, content);
    return std::string(StatusOf(folder / name).message());
  };
  EXPECT_THAT(message_of("a.i8bin", BinBytes(2, 2, "abc")),
              AllOf(HasSubstr("a.i8bin"), HasSubstr("1 whole rows"), HasSubstr("cut off")));
  EXPECT_THAT(message_of("a.i8bin", BinBytes(2, 2, "abcde")), HasSubstr("too long"));
  EXPECT_THAT(message_of("a.i8bin", BinBytes(2, 0, "")), HasSubstr("dimension 0"));
  EXPECT_THAT(message_of("a.f16bin", BinBytes(0, 2, "")), HasSubstr("0 rows"));
  EXPECT_THAT(message_of("a.ivecs", BytesOf<int32_t>({-1, 1})), HasSubstr("dimension -1"));
  EXPECT_THAT(message_of("a.ivecs", BytesOf<int32_t>({0, 1})), HasSubstr("dimension 0"));
  EXPECT_THAT(message_of("a.bvecs", BytesOf<int32_t>({5000})), HasSubstr("dimension 5000"));
  EXPECT_THAT(message_of("a.bvecs", BytesOf<int32_t>({4}) + "abc"), HasSubstr("cut off"));
  EXPECT_THAT(message_of("a.bvecs", ""), HasSubstr("too few"));
  EXPECT_THAT(
      message_of("a.bvecs", BytesOf<int32_t>({4}) + "abcd" + BytesOf<int32_t>({3}) + "abcd"),
      AllOf(HasSubstr("row 1 (byte 8) says dimension 3"), HasSubstr("first row said 4")));
}

TEST(MoreFormats, WholeNumbersMayGoIntoACollectionOfBytesAndFractionsMayNot) {
  const TestFolder folder;
  const VectorSchema bytes{ElementType::kU8, Metric::kL2, 2};
  WriteText(folder / "a.i8bin", BinBytes(1, 2, BytesOf<int8_t>({5, -5})));
  auto reader = OpenVectorFile(folder / "a.i8bin", 0);
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(CheckFits("a.i8bin", (*reader)->shape(), bytes).ok());
  RowBatch batch;
  ASSERT_TRUE((*reader)->Next({1}, batch).ok());
  std::string out;
  const absl::Status refused = AppendConverted(batch.vectors, ElementType::kF32, bytes, out);
  EXPECT_EQ(ReasonOf(refused), reason::kBadVector) << "-5 is no byte";
  WriteText(folder / "a.f16bin", BinBytes(1, 2, "abcd"));
  reader = OpenVectorFile(folder / "a.f16bin", 0);
  EXPECT_EQ(ReasonOf(CheckFits("a.f16bin", (*reader)->shape(), bytes)), reason::kBadVector);
}

TEST(MoreFormats, TruthIsMadeOfAnyFormatAndRefusesWhatIsNotFinite) {
  const TestFolder folder;
  WriteText(folder / "base.npy", NpyArray("<f4", "(3, 2)", BytesOf<float>({0, 0, 1, 1, 9, 9})));
  WriteText(folder / "query.i8bin", BinBytes(1, 2, BytesOf<int8_t>({8, 8})));
  const auto truth = [&](const std::string& base, const std::string& queries) {
    return RunKith({"dataset", "truth", "--base", folder / base, "--queries", folder / queries,
                    "--k", "2", "--metric", "l2", "--out", folder / "t.ivecs"});
  };
  const Ran ran = truth("base.npy", "query.i8bin");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ReadText(folder / "t.ivecs"), BytesOf<int32_t>({2, 2, 1}));
  WriteText(folder / "nan.npy", NpyArray("<f4", "(3, 2)", BytesOf<float>({0, 0, 1, NAN, 9, 9})));
  EXPECT_THAT(truth("nan.npy", "query.i8bin").err, HasSubstr("element 1 of row 1 is nan"));
  WriteText(folder / "inf.npy", NpyArray("<f4", "(1, 2)", BytesOf<float>({INFINITY, 0})));
  EXPECT_THAT(truth("base.npy", "inf.npy").err, HasSubstr("element 0 of query 0 is inf"));
}

}  // namespace
}  // namespace kith::cli
