#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "cli/data/line_scanner.h"
#include "cli/data/neighbour_file.h"
#include "cli/data/output_file.h"
#include "cli/data/vector_reader.h"
#include "common/base/status.h"
#include "tests/unit/cli/test_files.h"

namespace kith::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string MessageOf(const std::string& path) {
  return std::string(OpenVectorFile(path, 3).status().message());
}

float FloatIn(const RowBatch& batch, size_t element) {
  float value;
  std::memcpy(&value, batch.vectors.data() + 4 * element, 4);
  return value;
}

// Row numbers of all batches, and the last batch's end.
std::vector<uint64_t> ReadAll(VectorReader& reader, size_t rows) {
  std::vector<uint64_t> numbers;
  RowBatch batch;
  do {
    EXPECT_TRUE(reader.Next({rows}, batch).ok());
    numbers.insert(numbers.end(), batch.row_numbers.begin(), batch.row_numbers.end());
  } while (!batch.at_end());
  return numbers;
}

TEST(BinReader, ReadsRowsInBatchesAndGoesOnFromAnEarlierEnd) {
  const TestFolder folder;
  WriteFbin(folder / "a.fbin", CountingRows(10, 3));
  auto reader = OpenVectorFile(folder / "a.fbin", 0);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->shape().rows, 10u);
  RowBatch batch;
  ASSERT_TRUE((*reader)->Next({4}, batch).ok());
  EXPECT_EQ(batch.rows(), 4u);
  const FilePosition end = batch.end;
  EXPECT_EQ(end, (FilePosition{4, 8 + 4 * 12}));
  EXPECT_EQ(ReadAll(**reader, 4), (std::vector<uint64_t>{4, 5, 6, 7, 8, 9}));
  ASSERT_TRUE((*reader)->Seek(end).ok());
  ASSERT_TRUE((*reader)->Next({1}, batch).ok());
  EXPECT_EQ(FloatIn(batch, 0), 4);
  EXPECT_EQ(FloatIn(batch, 2), 6);
}

TEST(BinReader, KeepsABatchWithinItsBytesButGivesAtLeastOneRow) {
  const TestFolder folder;
  WriteFbin(folder / "a.fbin", CountingRows(10, 3));
  auto reader = OpenVectorFile(folder / "a.fbin", 0);
  RowBatch batch;
  ASSERT_TRUE((*reader)->Next({100, 36}, batch).ok());
  EXPECT_EQ(batch.rows(), 3u);
  ASSERT_TRUE((*reader)->Next({100, 1}, batch).ok());
  EXPECT_EQ(batch.rows(), 1u);
}

TEST(BinReader, RefusesACutOffFileNamingItsSizes) {
  const TestFolder folder;
  WriteText(folder / "a.fbin", BinBytes(10, 3, std::string(10 * 12 - 5, 'x')));
  EXPECT_THAT(MessageOf(folder / "a.fbin"),
              AllOf(HasSubstr("a.fbin"), HasSubstr("10 rows of 3"), HasSubstr("128 bytes"),
                    HasSubstr("123 bytes"), HasSubstr("9 whole rows"), HasSubstr("cut off")));
}

TEST(BinReader, RefusesAFileLongerThanItsHeaderSays) {
  const TestFolder folder;
  WriteText(folder / "a.u8bin", BinBytes(2, 3, std::string(7, 'x')));
  EXPECT_THAT(MessageOf(folder / "a.u8bin"),
              AllOf(HasSubstr("14 bytes"), HasSubstr("15 bytes"), HasSubstr("too long")));
}

TEST(BinReader, RefusesAbsurdHeaders) {
  const TestFolder folder;
  const uint32_t huge = std::numeric_limits<uint32_t>::max();
  WriteText(folder / "dimension.fbin", BinBytes(1, huge, "xxxx"));
  EXPECT_THAT(MessageOf(folder / "dimension.fbin"), HasSubstr("dimension 4294967295"));
  WriteText(folder / "rows.fbin", BinBytes(huge, 4096, "xxxx"));
  EXPECT_THAT(MessageOf(folder / "rows.fbin"), HasSubstr("70368744161288 bytes"));
  WriteText(folder / "none.fbin", BinBytes(0, 3, ""));
  EXPECT_THAT(MessageOf(folder / "none.fbin"), HasSubstr("0 rows"));
  WriteText(folder / "short.fbin", "abc");
  EXPECT_THAT(MessageOf(folder / "short.fbin"), HasSubstr("has 3 bytes"));
}

TEST(BinReader, ReportsAFileThatShrinksWhileItIsRead) {
  const TestFolder folder;
  WriteFbin(folder / "a.fbin", CountingRows(10, 3));
  auto reader = OpenVectorFile(folder / "a.fbin", 0);
  WriteText(folder / "a.fbin", BinBytes(10, 3, "x"));
  RowBatch batch;
  const absl::Status status = (*reader)->Next({10}, batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("it was 128 bytes"));
}

TEST(VecsReader, ReadsRowsWithoutTheirDimensions) {
  const TestFolder folder;
  WriteFvecs(folder / "a.fvecs", CountingRows(5, 2));
  auto reader = OpenVectorFile(folder / "a.fvecs", 0);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->shape().dimension, 2u);
  EXPECT_EQ((*reader)->shape().rows, 5u);
  ASSERT_TRUE((*reader)->Seek({3, 36}).ok());
  RowBatch batch;
  ASSERT_TRUE((*reader)->Next({9}, batch).ok());
  EXPECT_EQ(batch.rows(), 2u);
  EXPECT_EQ(FloatIn(batch, 0), 3);
  EXPECT_EQ(FloatIn(batch, 3), 5);
}

TEST(VecsReader, StopsAtARowOfAnotherDimensionNamingIt) {
  const TestFolder folder;
  WriteFvecs(folder / "a.fvecs", {{1, 2, 3}, {4, 5}, {6, 7, 8, 9}});
  auto reader = OpenVectorFile(folder / "a.fvecs", 0);
  ASSERT_TRUE(reader.ok()) << reader.status();
  RowBatch batch;
  ASSERT_TRUE((*reader)->Next({9}, batch).ok()) << "the rows before it come first";
  EXPECT_EQ(batch.rows(), 1u);
  EXPECT_EQ(batch.end, (FilePosition{1, 16}));
  const absl::Status status = (*reader)->Next({9}, batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("row 1"), HasSubstr("byte 16")));
}

TEST(VecsReader, RefusesACutOffFile) {
  const TestFolder folder;
  WriteFvecs(folder / "a.fvecs", CountingRows(5, 2));
  WriteText(folder / "b.fvecs", ReadText(folder / "a.fvecs").substr(0, 50));
  EXPECT_THAT(MessageOf(folder / "b.fvecs"), AllOf(HasSubstr("multiple of 12"), HasSubstr("50")));
}

TEST(JsonlReader, ReadsNumbersUuidsAndPayloads) {
  const TestFolder folder;
  WriteText(folder / "a.jsonl",
            "{\"id\": 7, \"vector\": [1, 2.5, -3], \"payload\": {\"b\": 1, \"a\": [true]}}\r\n"
            "\n"
            "{\"vector\": [4,5,6], \"id\": \"00000000-0000-0000-0000-0000000000ff\"}");
  auto reader = OpenVectorFile(folder / "a.jsonl", 3);
  ASSERT_TRUE(reader.ok()) << reader.status();
  RowBatch batch;
  ASSERT_TRUE((*reader)->Next({9}, batch).ok());
  ASSERT_EQ(batch.rows(), 2u);
  EXPECT_EQ(batch.rejects.size(), 0u);
  EXPECT_EQ(batch.keys[0], PointKey::FromNumber(7));
  EXPECT_FALSE(batch.keys[1].is_number());
  EXPECT_EQ(FloatIn(batch, 1), 2.5f);
  EXPECT_EQ(batch.payloads[0], "{\"b\":1,\"a\":[true]}");
  EXPECT_EQ(batch.payloads[1], "");
  EXPECT_EQ(batch.row_numbers, (std::vector<uint64_t>{0, 2}));
}

TEST(JsonlReader, ALineOfTooManyMembersIsARejectBeforeTheyAreCompared) {
  const TestFolder folder;
  const auto line_of = [](size_t members) {
    std::string line = R"({"id": 1, "vector": [1, 2, 3], "payload": {"a:b": 0)";  // 4
    for (size_t i = 4; i < members; ++i) line += fmt::format(",\"{}\":0", i % 4000);
    return line + "}}\n";
  };
  WriteText(folder / "a.jsonl", line_of(10'000) + line_of(10'001));
  auto reader = OpenVectorFile(folder / "a.jsonl", 3);
  RowBatch batch;
  ASSERT_TRUE((*reader)->Next({9}, batch).ok());
  EXPECT_EQ(batch.row_numbers, (std::vector<uint64_t>{0}));
  ASSERT_EQ(batch.rejects.size(), 1u);
  EXPECT_EQ(batch.rejects[0].reason, "BAD_JSON");
  EXPECT_THAT(batch.rejects[0].message, HasSubstr("more than 10000 members"));
}

TEST(JsonlReader, TurnsEachBadLineIntoARejectAndReadsOn) {
  const TestFolder folder;
  const std::string lines[] = {
      "{\"id\": 1, \"vector\": [1, 2, 3]}",
      "{\"id\": 2, \"vector\": [1, 2]}",
      "not json",
      "{\"id\": -3, \"vector\": [1, 2, 3]}",
      "{\"id\": \"zz\", \"vector\": [1, 2, 3]}",
      "{\"id\": 5, \"vector\": [1, \"x\", 3]}",
      "{\"id\": 6}",
      "{\"id\": 7, \"vector\": [1, 2, 3], \"paylod\": 1}",
      "{\"id\": 8, \"vector\": [1, 2, 3], \"payload\": \"" + std::string(70'000, 'x') + "\"}",
      "[" + std::string(100, '[') + std::string(101, ']'),
      "{\"id\": 10, \"vector\": [NaN, 2, 3]}",
      "{\"id\": 11, \"vector\": [9, 9, 9]}"};
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  WriteText(folder / "a.jsonl", text);
  auto reader = OpenVectorFile(folder / "a.jsonl", 3);
  RowBatch batch;
  ASSERT_TRUE((*reader)->Next({100}, batch).ok());
  EXPECT_EQ(batch.row_numbers, (std::vector<uint64_t>{0, 11}));
  std::vector<std::string> reasons;
  for (const RejectedRow& reject : batch.rejects) reasons.push_back(reject.reason);
  EXPECT_EQ(reasons, (std::vector<std::string>{"DIMENSION_MISMATCH", "BAD_JSON", "BAD_ID", "BAD_ID",
                                               "BAD_VECTOR", "BAD_VECTOR", "BAD_JSON",
                                               "PAYLOAD_TOO_LARGE", "BAD_JSON", "BAD_JSON"}));
  EXPECT_EQ(batch.rejects[0].row, 1u);
  EXPECT_EQ(batch.rejects[0].id, "2");
}

TEST(LineScanner, SkipsALineThatIsTooLongInBoundedMemory) {
  const TestFolder folder;
  WriteText(folder / "a",
            "first\n" + std::string(9'000'000, 'x') + "\nlast\n" + std::string(300'000, 'y'));
  auto file = ReadOnlyFile::Open(folder / "a");
  ASSERT_TRUE(file.ok());
  LineScanner lines(*std::move(file));
  EXPECT_EQ((*lines.Next())->text, "first");
  auto line = lines.Next();
  EXPECT_TRUE((*line)->too_long);
  EXPECT_EQ((*lines.Next())->text, "last");
  EXPECT_EQ(lines.offset(), 6u + 9'000'001 + 5);
  EXPECT_EQ((*lines.Next())->text.size(), 300'000u);
  EXPECT_FALSE((*lines.Next()).has_value());
}

TEST(OpenVectorFile, NamesTheEndingsItKnows) {
  const TestFolder folder;
  WriteText(folder / "a.txt", "x");
  EXPECT_THAT(MessageOf(folder / "a.txt"),
              HasSubstr(".fbin, .u8bin, .i8bin, .f16bin, .fvecs, .bvecs, .ivecs, .npy, .jsonl"));
  WriteText(folder / "a.hdf5", "x");
  EXPECT_THAT(MessageOf(folder / "a.hdf5"), HasSubstr("convert_hdf5.py"));
  WriteText(folder / "a.npz", "x");
  EXPECT_THAT(MessageOf(folder / "a.npz"), HasSubstr("numpy.save"));
  WriteText(folder / "none", "x");
  EXPECT_THAT(MessageOf(folder / "none"), HasSubstr("names no known format"));
  EXPECT_THAT(MessageOf(folder / "missing.fbin"), HasSubstr("No such file"));
  EXPECT_THAT(MessageOf(folder.path()), HasSubstr("regular file"));
}

TEST(NeighbourFile, ReadsWhatItWroteWithAndWithoutScores) {
  const TestFolder folder;
  const NeighbourTable with{2, 3, {1, 2, 3, 4, 5, 6}, {.1f, .2f, .3f, .4f, .5f, .6f}};
  ASSERT_TRUE(WriteNeighbours(folder / "a.ibin", with).ok());
  auto read = ReadNeighbours(folder / "a.ibin");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->ids, with.ids);
  EXPECT_EQ(read->scores, with.scores);
  NeighbourTable without = with;
  without.scores.clear();
  ASSERT_TRUE(WriteNeighbours(folder / "b.ibin", without).ok());
  read = ReadNeighbours(folder / "b.ibin");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->Ids(1)[2], 6u);
  EXPECT_TRUE(read->scores.empty());
}

TEST(NeighbourFile, RefusesAFileOfAnotherSizeNamingBothThatItCouldHave) {
  const TestFolder folder;
  WriteText(folder / "a.ibin", BinBytes(2, 3, std::string(30, 'x')));
  const absl::Status status = ReadNeighbours(folder / "a.ibin").status();
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("32 bytes"), HasSubstr("56 bytes"), HasSubstr("38 bytes")));
  WriteText(folder / "b.ibin", "x");
  EXPECT_FALSE(ReadNeighbours(folder / "b.ibin").ok());
}

TEST(NeighbourFile, ReadsAndWritesIvecsByItsName) {
  const TestFolder folder;
  const NeighbourTable table{2, 3, {1, 2, 3, 4, 5, 6}, {}};
  ASSERT_TRUE(WriteNeighbours(folder / "a.ivecs", table).ok());
  EXPECT_EQ(ReadText(folder / "a.ivecs"), BytesOf<uint32_t>({3, 1, 2, 3, 3, 4, 5, 6}));
  const auto read = ReadNeighbours(folder / "a.ivecs");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->queries, 2u);
  EXPECT_EQ(read->depth, 3u);
  EXPECT_EQ(read->ids, table.ids);
  NeighbourTable scored = table;
  scored.scores.assign(6, 0.5f);
  EXPECT_THAT(std::string(WriteNeighbours(folder / "b.ivecs", scored).message()),
              HasSubstr("no place for distances"));
}

TEST(NeighbourFile, RefusesIvecsWhoseQueriesDifferOrThatIsCutOff) {
  const TestFolder folder;
  const auto message_of = [&](const std::vector<int32_t>& words) {
    WriteText(folder / "a.ivecs", BytesOf(words));
    return std::string(ReadNeighbours(folder / "a.ivecs").status().message());
  };
  EXPECT_THAT(message_of({2, 7, 8, 1, 9, 3}), HasSubstr("query 1 has 1 neighbours"));
  EXPECT_THAT(message_of({2, 7, 8, 2, 9}), HasSubstr("cut off"));
  EXPECT_THAT(message_of({0, 1}), HasSubstr("dimension 0"));
  EXPECT_THAT(message_of({-2, 1}), HasSubstr("dimension -2"));
}

TEST(NeighbourFile, RefusesAnIdThatNamesNoRowInEitherFormat) {
  const TestFolder folder;
  WriteText(folder / "a.ivecs", BytesOf<int32_t>({2, 7, 8, 2, 9, -1}));
  WriteText(folder / "a.ibin", BytesOf<int32_t>({2, 2, 7, 8, 9, -1}));
  for (const char* name : {"a.ivecs", "a.ibin"}) {
    EXPECT_THAT(std::string(ReadNeighbours(folder / name).status().message()),
                AllOf(HasSubstr(name), HasSubstr("neighbour 1 of query 1 is -1")));
  }
}

TEST(OutputFile, RefusesASecondWriterOfTheSameFileUntilTheFirstIsDone) {
  const TestFolder folder;
  {
    auto first = OutputFile::Create(folder / "a");
    ASSERT_TRUE(first.ok());
    const absl::Status second = OutputFile::Create(folder / "a").status();
    EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(second.message()), HasSubstr("another process"));
    ASSERT_TRUE(first->WriteAt(0, std::as_bytes(std::span("abc", 3))).ok());
    ASSERT_TRUE(first->Commit().ok());
  }
  EXPECT_EQ(ReadText(folder / "a"), "abc");
  EXPECT_TRUE(OutputFile::Create(folder / "a").ok());
}

TEST(OutputFile, LeavesNothingBehindUnlessCommitted) {
  const TestFolder folder;
  {
    auto file = OutputFile::Create(folder / "a");
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->WriteAt(0, std::as_bytes(std::span("abc", 3))).ok());
  }
  EXPECT_FALSE(Exists(folder / "a"));
  EXPECT_FALSE(Exists(folder / "a.partial"));
  EXPECT_FALSE(OutputFile::Create(folder / "no/such/folder").ok());
  EXPECT_FALSE(OutputFile::Create("/dev/null").ok());
}

}  // namespace
}  // namespace kith::cli
