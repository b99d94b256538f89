#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/bench/latencies.h"
#include "cli/data/neighbour_file.h"
#include "tests/unit/cli/line_bench.h"

namespace kith::cli {
namespace {

using ::testing::HasSubstr;

TEST(Latencies, GivesTheNearestRank) {
  Latencies latencies;
  for (int i = 100; i >= 1; --i) latencies.Add(std::chrono::milliseconds(i));
  EXPECT_EQ(latencies.PercentileMs(0.50), 50);
  EXPECT_EQ(latencies.PercentileMs(0.99), 99);
  EXPECT_EQ(latencies.PercentileMs(1.0), 100);
  latencies.Add(std::chrono::milliseconds(1000));
  EXPECT_EQ(latencies.PercentileMs(1.0), 1000);
  EXPECT_EQ(Latencies().PercentileMs(0.5), 0);
}

class RecallBench : public LineBench {
 protected:
  Ran Bench(std::vector<std::string> more) {
    std::vector<std::string> words = {"recall", "--truth", folder_ / "truth.ibin"};
    words.insert(words.end(), more.begin(), more.end());
    return LineBench::Bench(words);
  }
};

TEST_F(RecallBench, CountsTheTrueNeighboursFoundOneQueryACall) {
  const Ran ran = Bench({"--k", "3", "--threads", "3", "--count", "80", "--warmup", "5"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Json out = Out();
  EXPECT_NEAR(out["recall"].get<double>(), 23.0 / 24, 1e-12);
  EXPECT_EQ(out["count"], 80);
  EXPECT_EQ(out["threads"], 3);
  EXPECT_EQ(out["batch"], 1);
  EXPECT_EQ(out["coverage"], 1.0);
  EXPECT_EQ(out["nprobe"], 4.0);
  EXPECT_EQ(out["scanned_share"], 0.5);
  EXPECT_EQ(out["refined"], 20.0);
  EXPECT_EQ(out["reranked"], 10.0);
  EXPECT_GT(out["qps"], 0.0);
  EXPECT_GE(out["p99_ms"], out["p50_ms"]);
  EXPECT_EQ(server_.searches, 80u + 5 + 8) << "timed, warm-up, explained";
  EXPECT_EQ(server_.peers.size(), 3u) << "each thread has a connection of its own";
}

TEST_F(RecallBench, AsksInBatchesThroughSearchBatch) {
  const Ran ran = Bench({"--k", "3", "--batch", "5", "--count", "16", "--warmup", "0"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_NEAR(Out()["recall"].get<double>(), 23.0 / 24, 1e-12);
  EXPECT_EQ(Out()["batch"], 5);
  // 16 queries in fives over a file of 8: 5, 3 + 2, 5, 1 and the explained ones one by one.
  EXPECT_EQ(server_.batches, 5u);
  EXPECT_EQ(server_.searches, 8u);
}

TEST_F(RecallBench, MeasuresAtEachTargetAndDrawsIt) {
  const Ran ran =
      Bench({"--k", "3", "--count", "16", "--targets", "0.8,0.95", "--plot", folder_ / "r.svg"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Json out = Out();
  ASSERT_EQ(out["rows"].size(), 2u);
  EXPECT_EQ(out["rows"][0]["target_recall"], 0.8);
  EXPECT_EQ(out["rows"][1]["target_recall"], 0.95);
  EXPECT_EQ(out["rows"][1]["target_reached"], false);
  for (const Json& row : out["rows"]) {
    EXPECT_NEAR(row["recall"].get<double>(), 23.0 / 24, 1e-12);
    EXPECT_LE(row["p50_ms"], row["p90_ms"]);
    EXPECT_LE(row["p90_ms"], row["p95_ms"]);
    EXPECT_LE(row["p99_ms"], row["p99_9_ms"]);
    EXPECT_LE(row["p99_9_ms"], row["max_ms"]);
    EXPECT_EQ(row["nprobe"], 4.0);
    EXPECT_EQ(row["refined"], 20.0);
  }
  EXPECT_GE(out["machine"]["cores"], 1);
  EXPECT_THAT(ran.out, HasSubstr("0.95 (not reached)"));
  EXPECT_THAT(ReadText(folder_ / "r.svg"), HasSubstr("recall@3"));
}

TEST_F(RecallBench, RefusesTargetsThatMakeNoSense) {
  EXPECT_EQ(Bench({"--k", "3", "--targets", "0.9,1.5"}).code, 2);
  EXPECT_EQ(Bench({"--k", "3", "--targets", "0.9", "--nprobe", "3"}).code, 2);
}

TEST_F(RecallBench, RefusesATruthThatDoesNotFit) {
  Ran ran = Bench({"--k", "4"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("3 neighbours a query, --k asks for 4"));
  ASSERT_TRUE(WriteNeighbours(folder_ / "truth.ibin", {2, 1, {1, 2}, {}}).ok());
  ran = Bench({"--k", "1"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("neighbours of 2 queries"));
  EXPECT_FALSE(Exists(folder_ / "out.json"));
}

TEST_F(RecallBench, EndsWithTheErrorOfACall) {
  const Ran ran = Bench({"--k", "3", "--collection", "other"});
  EXPECT_NE(ran.code, 0);
}

TEST_F(RecallBench, ComparesTheAnswersOfTwoServers) {
  FakeServer other;
  other.Add("c2", 1, v1::METRIC_L2, v1::ELEMENT_TYPE_F32);
  const auto import = RunKith({"import", "c2", folder_ / "base.fbin", "--endpoint",
                               other.endpoint(), "--progress-dir", folder_ / "other"});
  ASSERT_EQ(import.code, 0) << import.err;
  const std::vector<std::string> agree = {"bench",
                                          "agree",
                                          "--endpoint",
                                          server_.endpoint(),
                                          "--other",
                                          other.endpoint(),
                                          "--collection",
                                          "c",
                                          "--queries",
                                          folder_ / "q.fbin",
                                          "--truth",
                                          folder_ / "truth.ibin",
                                          "--json",
                                          folder_ / "out.json",
                                          "--k",
                                          "3",
                                          "--other-collection",
                                          "c2"};
  Ran ran = RunKith(agree);
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(Out()["identical"], 8);
  EXPECT_EQ(Out()["shared"], 1.0);
  EXPECT_EQ(Out()["score_mismatches"], 0);

  // Point 1 moves a little there: it is found by both, with another score. Point 6 moves away.
  const float near = 10.5f, away = 1e6f;
  other.at("c2").rows.at("n1").vector.assign(reinterpret_cast<const char*>(&near), 4);
  other.at("c2").rows.at("n6").vector.assign(reinterpret_cast<const char*>(&away), 4);
  ran = RunKith(agree);
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(Out()["score_mismatches"], 1);
  EXPECT_EQ(Out()["identical"], 7);
  EXPECT_NEAR(Out()["shared"].get<double>(), 23.0 / 24, 1e-12);
  EXPECT_LT(Out()["other_recall"], Out()["recall"]);
}

TEST(WriteBench, ReportsRowsAndRefusals) {
  FakeServer server;
  server.Add("w", 4, v1::METRIC_L2, v1::ELEMENT_TYPE_U8);
  const TestFolder folder;
  std::vector<std::string> words = {"bench",        "write", "--endpoint",  server.endpoint(),
                                    "--collection", "w",     "--dimension", "4",
                                    "--rows",       "1000",  "--batch",     "64",
                                    "--in-flight",  "3",     "--json",      folder / "w.json"};
  Ran ran = RunKith(words);
  ASSERT_EQ(ran.code, 0) << ran.err;
  Json out = Json::parse(ReadText(folder / "w.json"));
  EXPECT_EQ(out["rows"], 1000);
  EXPECT_EQ(out["calls"], 16);
  EXPECT_EQ(out["errors"], 0);
  EXPECT_GT(out["rows_per_s"], 0.0);
  EXPECT_EQ(server.at("w").rows.size(), 1000u);
  EXPECT_LE(server.in_flight_max, 3u);
  EXPECT_FALSE(server.import_priority_only) << "measures interactive writes";
  server.on_point = [](uint64_t, uint64_t number) {
    return number == 3 ? ItemError(3, "BAD_VECTOR", "no") : google::rpc::Status();
  };
  ran = RunKith(words);
  EXPECT_EQ(ran.code, 1);
  out = Json::parse(ReadText(folder / "w.json"));
  EXPECT_EQ(out["errors"], 1);
  EXPECT_EQ(out["rows"], 999);
}

TEST(WriteBench, RefusesAnotherDimensionOrElementType) {
  FakeServer server;
  server.Add("w", 4, v1::METRIC_L2, v1::ELEMENT_TYPE_U8);
  const std::vector<std::string> words = {"bench",           "write",        "--endpoint",
                                          server.endpoint(), "--collection", "w",
                                          "--rows",          "10",           "--dimension"};
  auto other = words;
  other.insert(other.end(), {"5"});
  EXPECT_EQ(RunKith(other).code, 2);
  other = words;
  other.insert(other.end(), {"4", "--dtype", "f32"});
  EXPECT_EQ(RunKith(other).code, 2);
}

}  // namespace
}  // namespace kith::cli
