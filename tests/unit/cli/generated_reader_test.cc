#include "cli/dataset/generated_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/dataset/exact_neighbours.h"
#include "cli/dataset/truth_checkpoint.h"
#include "tests/unit/cli/command_harness.h"
#include "tests/unit/cli/fake_server.h"
#include "tests/unit/cli/test_files.h"

namespace kith::cli {
namespace {

using ::testing::HasSubstr;

class Generated : public ::testing::Test {
 protected:
  // The same data twice: as a file and as a description.
  void Make(const std::string& dtype) {
    for (const char* form : {"--describe", "--seed"}) {
      std::vector<std::string> words = {
          "dataset",   "make", folder_ / "d", "--count", "5000",       "--dimension", "12",
          "--queries", "20",   "--dtype",     dtype,     "--clusters", "50"};
      words.push_back(form);
      if (words.back() == "--seed") words.push_back("1");
      ASSERT_EQ(RunKith(words).code, 0);
    }
  }
  static std::vector<std::byte> ReadAll(VectorReader& reader, size_t rows_a_batch) {
    std::vector<std::byte> all;
    RowBatch batch;
    for (uint64_t row = reader.shape().rows.value();;) {
      EXPECT_TRUE(reader.Next({rows_a_batch, 32 << 20}, batch).ok());
      if (batch.at_end()) return all;
      EXPECT_EQ(batch.rows(), batch.end.row - batch.begin.row);
      EXPECT_LE(batch.end.row, row);
      all.insert(all.end(), batch.vectors.begin(), batch.vectors.end());
    }
  }

  TestFolder folder_;
};

TEST_F(Generated, ReadsTheBytesThatTheFileWouldHold) {
  for (const std::string dtype : {"u8", "f32"}) {
    Make(dtype);
    const std::string file = folder_ / ("d.base." + std::string(dtype == "u8" ? "u8bin" : "fbin"));
    auto written = OpenVectors(file, 0);
    ASSERT_TRUE(written.ok());
    const std::vector<std::byte> expected = ReadAll(**written, 5000);
    for (const uint32_t threads : {1u, 3u}) {
      auto drawn = GeneratedReader::Open(folder_ / "d.base.kgen", threads);
      ASSERT_TRUE(drawn.ok()) << drawn.status();
      EXPECT_EQ((*drawn)->shape().bytes, (*written)->shape().bytes);
      EXPECT_TRUE(ReadAll(**drawn, 700) == expected) << dtype << " on " << threads;
    }
  }
}

TEST_F(Generated, GoesOnFromAnyRow) {
  Make("u8");
  auto reader = GeneratedReader::Open(folder_ / "d.base.kgen", 2);
  ASSERT_TRUE(reader.ok());
  const std::vector<std::byte> all = ReadAll(**reader, 999);
  for (const uint64_t row : {uint64_t{0}, uint64_t{1023}, uint64_t{1024}, uint64_t{4999}}) {
    ASSERT_TRUE((*reader)->Seek({row, 0}).ok());
    RowBatch batch;
    ASSERT_TRUE((*reader)->Next({2, 1 << 20}, batch).ok());
    ASSERT_GE(batch.rows(), 1u);
    EXPECT_EQ(batch.row_numbers[0], row);
    EXPECT_TRUE(std::equal(batch.vectors.begin(), batch.vectors.end(), all.begin() + 12 * row));
  }
  EXPECT_TRUE((*reader)->Seek({5000, 0}).ok());
  RowBatch end;
  ASSERT_TRUE((*reader)->Next({2, 1 << 20}, end).ok());
  EXPECT_TRUE(end.at_end());
  EXPECT_FALSE((*reader)->Seek({5001, 0}).ok());
}

TEST_F(Generated, IsImportedAsAFileIs) {
  Make("u8");
  FakeServer server;
  server.Add("c", 12, v1::METRIC_L2, v1::ELEMENT_TYPE_U8);
  const Ran ran =
      RunKith({"import", "c", folder_ / "d.base.kgen", "--endpoint", server.endpoint()});
  ASSERT_EQ(ran.code, 0) << ran.err;
  ASSERT_EQ(server.at("c").rows.size(), 5000u);
  auto written = OpenVectors(folder_ / "d.base.u8bin", 0);
  const std::vector<std::byte> all = ReadAll(**written, 5000);
  const std::string& row = server.at("c").rows.at("n4321").vector;
  EXPECT_EQ(row, std::string(reinterpret_cast<const char*>(all.data()) + 12 * 4321, 12));
}

TEST_F(Generated, RefusesADescriptionThatMakesNoSense) {
  Make("u8");
  const std::string good = ReadText(folder_ / "d.base.kgen");
  const auto told = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    if (!from.empty()) {
      EXPECT_NE(text.find(from), std::string::npos) << from;
      text.replace(text.find(from), from.size(), to);
    } else {
      text = to;
    }
    WriteText(folder_ / "bad.kgen", text);
    return std::string(OpenVectors(folder_ / "bad.kgen", 0).status().message());
  };
  EXPECT_THAT(told("", "{"), HasSubstr("not a JSON object"));
  EXPECT_THAT(told("kith-generated-1", "kith-generated-9"), HasSubstr("\"format\""));
  EXPECT_THAT(told("\"rows\": 5000", "\"rows\": 0"), HasSubstr("\"rows\" must be"));
  EXPECT_THAT(told("\"dimension\": 12", "\"dimension\": \"x\""),
              HasSubstr("\"dimension\" must be"));
  EXPECT_THAT(told("\"u8\"", "\"f16\""), HasSubstr("\"dtype\""));
  EXPECT_THAT(told("\"noise\": 0.05", "\"noise\": -1"), HasSubstr("\"noise\""));
}

// Counts the rows that pass.
class CountingReader final : public VectorReader {
 public:
  explicit CountingReader(std::unique_ptr<VectorReader> reader) : reader_(std::move(reader)) {}
  const FileShape& shape() const override { return reader_->shape(); }
  absl::Status Seek(FilePosition position) override { return reader_->Seek(position); }
  absl::Status Next(const BatchLimit& limit, RowBatch& batch) override {
    const absl::Status status = reader_->Next(limit, batch);
    rows += batch.rows();
    return status;
  }
  uint64_t rows = 0;

 private:
  std::unique_ptr<VectorReader> reader_;
};

class Checkpoint : public Generated {
 protected:
  void SetUp() override {
    Make("u8");
    auto queries = LoadVectors(folder_ / "d.query.u8bin", 100);
    ASSERT_TRUE(queries.ok());
    queries_ = *std::move(queries);
    options_ = {10, Metric::kL2, 2, folder_ / "truth.checkpoint", "these"};
  }
  absl::StatusOr<NeighbourTable> Truth(uint64_t& rows_read) {
    auto reader = OpenVectors(folder_ / "d.base.kgen", 0);
    CountingReader counting(*std::move(reader));
    auto table = ExactNeighbours(counting, queries_, options_, terminal_);
    rows_read = counting.rows;
    return table;
  }
  // What a run that was stopped before row `row` leaves: the nearest of the rows before.
  void LeaveCheckpoint(uint64_t row) {
    std::string description = ReadText(folder_ / "d.base.kgen");
    const std::string rows = "\"rows\": 5000";
    description.replace(description.find(rows), rows.size(), "\"rows\": " + std::to_string(row));
    WriteText(folder_ / "part.kgen", description);
    auto reader = OpenVectors(folder_ / "part.kgen", 0);
    ExactNeighboursOptions plain = options_;
    plain.checkpoint = "";
    auto table = ExactNeighbours(**reader, queries_, plain, terminal_);
    ASSERT_TRUE(table.ok());
    TruthProgress progress{"these", row, {}};
    for (uint32_t q = 0; q < table->queries; ++q) {
      std::vector<Candidate> list;
      for (uint32_t i = 0; i < 10; ++i) {
        list.push_back({table->scores[q * 10 + i], table->ids[q * 10 + i]});
      }
      progress.nearest.push_back(list);
    }
    ASSERT_TRUE(SaveTruthProgress(options_.checkpoint, progress).ok());
  }

  std::istringstream in_;
  std::ostringstream out_, err_;
  Terminal terminal_{in_, out_, err_, false, false};
  VectorMatrix queries_;
  ExactNeighboursOptions options_;
};

TEST_F(Checkpoint, ATruthGoesOnWhereItWasStoppedAndComesOutTheSame) {
  uint64_t rows = 0;
  const auto whole = Truth(rows);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(rows, 5000u);
  LeaveCheckpoint(3100);
  const auto resumed = Truth(rows);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(rows, 1900u) << "no row is compared twice";
  EXPECT_EQ(resumed->ids, whole->ids);
  EXPECT_EQ(resumed->scores, whole->scores);
}

TEST_F(Checkpoint, OneOfSomethingElseIsRefusedAndKept) {
  LeaveCheckpoint(3100);
  uint64_t rows = 0;
  options_.identity = "others";
  EXPECT_EQ(Truth(rows).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Exists(options_.checkpoint));
  WriteText(options_.checkpoint, "{\"format\": 1}");
  EXPECT_THAT(std::string(Truth(rows).status().message()), HasSubstr("no checkpoint"));
}

TEST_F(Checkpoint, IsRemovedOnceTheTruthIsWritten) {
  const Ran ran = RunKith({"dataset", "truth", "--base", folder_ / "d.base.kgen", "--queries",
                           folder_ / "d.query.u8bin", "--k", "10", "--metric", "l2", "--out",
                           folder_ / "t.ibin", "--checkpoint", folder_ / "cli.checkpoint"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(Exists(folder_ / "t.ibin"));
  EXPECT_FALSE(Exists(folder_ / "cli.checkpoint"));
}

}  // namespace
}  // namespace kith::cli
