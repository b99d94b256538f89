#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <thread>

#include "cli/data/neighbour_file.h"
#include "cli/data/vector_reader.h"
#include "cli/dataset/dataset_files.h"
#include "cli/dataset/exact_neighbours.h"
#include "cli/dataset/random.h"
#include "tests/unit/cli/command_harness.h"
#include "tests/unit/cli/test_files.h"

namespace kith::cli {
namespace {

using ::testing::HasSubstr;

TEST(RandomStream, HasItsOwnLogarithmAndExponential) {
  for (const double x : {1e-300, 1e-9, 0.3, 0.9999, 1.0, 1.0001, 1.5, 2.0, 1e9, 1e300}) {
    EXPECT_NEAR(RandomStream::Log(x), std::log(x), 1e-14 * std::max(1.0, std::abs(std::log(x))));
  }
  for (const double x : {-30.0, -3.3, -0.1, 0.0, 0.7, 5.0, 30.0}) {
    EXPECT_NEAR(RandomStream::Exp(x) / std::exp(x), 1, 1e-12);
  }
}

TEST(RandomStream, DrawsANormalDistribution) {
  RandomStream random(3, 0, 0);
  const int draws = 200'000;
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < draws; ++i) {
    const double x = random.Normal();
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / draws, 0, 0.01);
  EXPECT_NEAR(squares / draws, 1, 0.02);
  EXPECT_NEAR(fourth / draws, 3, 0.15);
}

class Dataset : public ::testing::Test {
 protected:
  Ran Make(const std::string& name, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {
        "dataset",   "make", folder_ / name, "--count", "2500",       "--dimension", "20",
        "--queries", "100",  "--seed",       "5",       "--clusters", "50"};
    words.insert(words.end(), more.begin(), more.end());
    return RunKith(words);
  }
  VectorMatrix Load(const std::string& name) {
    auto matrix = LoadVectors(folder_ / name, 1 << 20);
    EXPECT_TRUE(matrix.ok()) << matrix.status();
    return *std::move(matrix);
  }

  TestFolder folder_;
};

// The bytes are a promise: reports name a seed, not a file. A change here makes other data.
TEST_F(Dataset, IsTheSameBytesForeverOnEveryMachineAndForAnyNumberOfThreads) {
  ASSERT_EQ(Make("a", {"--threads", "1"}).code, 0);
  ASSERT_EQ(Make("b", {"--threads", "7"}).code, 0);
  const std::string base = ReadText(folder_ / "a.base.fbin");
  EXPECT_EQ(base, ReadText(folder_ / "b.base.fbin"));
  EXPECT_EQ(ReadText(folder_ / "a.query.fbin"), ReadText(folder_ / "b.query.fbin"));
  EXPECT_EQ(XXH3_64bits(base.data(), base.size()), 873943651975244087ull);
}

TEST_F(Dataset, DependsOnTheSeedAndGrowsWithoutChangingItsBeginning) {
  ASSERT_EQ(Make("a").code, 0);
  ASSERT_EQ(Make("b", {"--seed", "6"}).code, 2) << "given twice";
  ASSERT_EQ(RunKith({"dataset", "make", folder_ / "c", "--count", "1500", "--dimension", "20",
                     "--queries", "7", "--seed", "5", "--clusters", "50"})
                .code,
            0);
  const std::string a = ReadText(folder_ / "a.base.fbin");
  const std::string c = ReadText(folder_ / "c.base.fbin");
  EXPECT_EQ(a.substr(8, 1500 * 80), c.substr(8));
  ASSERT_EQ(RunKith({"dataset", "make", folder_ / "d", "--count", "1500", "--dimension", "20",
                     "--seed", "6", "--clusters", "50"})
                .code,
            0);
  EXPECT_NE(c, ReadText(folder_ / "d.base.fbin"));
}

TEST_F(Dataset, HasUnitVectorsThatClusterAndQueriesApartFromThem) {
  ASSERT_EQ(Make("a").code, 0);
  const VectorMatrix base = Load("a.base.fbin");
  const VectorMatrix query = Load("a.query.fbin");
  ASSERT_EQ(base.rows, 2500u);
  ASSERT_EQ(query.rows, 100u);
  const auto* rows = reinterpret_cast<const float*>(base.bytes.data());
  for (size_t i = 0; i < base.rows; ++i) {
    double squares = 0;
    for (size_t j = 0; j < 20; ++j) squares += double{rows[i * 20 + j]} * rows[i * 20 + j];
    ASSERT_NEAR(squares, 1, 1e-5);
  }
  // Clustered: the nearest row is far nearer than the median one. Not a copy: it is not at 0.
  const auto* queries = reinterpret_cast<const float*>(query.bytes.data());
  double nearest_sum = 0, median_sum = 0;
  for (size_t q = 0; q < query.rows; ++q) {
    std::vector<double> distances;
    for (size_t i = 0; i < base.rows; ++i) {
      double sum = 0;
      for (size_t j = 0; j < 20; ++j) {
        const double difference = queries[q * 20 + j] - rows[i * 20 + j];
        sum += difference * difference;
      }
      distances.push_back(sum);
    }
    std::sort(distances.begin(), distances.end());
    EXPECT_GT(distances.front(), 1e-6);
    nearest_sum += distances.front();
    median_sum += distances[distances.size() / 2];
  }
  EXPECT_LT(nearest_sum, 0.4 * median_sum);
}

TEST_F(Dataset, MakesBytesThatUseTheirRange) {
  ASSERT_EQ(Make("a", {"--dtype", "u8"}).code, 0);
  const VectorMatrix base = Load("a.base.u8bin");
  EXPECT_EQ(base.shape.element_type, ElementType::kU8);
  std::vector<int> counts(256);
  for (const std::byte b : base.bytes) ++counts[static_cast<size_t>(b)];
  const int used = static_cast<int>(
      std::count_if(counts.begin(), counts.end(), [](int count) { return count > 0; }));
  EXPECT_GT(used, 150);
  EXPECT_EQ(ByteFromElement(0, 10), 128);
  EXPECT_EQ(ByteFromElement(1, 10), 255);
  EXPECT_EQ(ByteFromElement(-1, 10), 0);
}

TEST_F(Dataset, SaysWhereItCannotWrite) {
  const Ran ran =
      RunKith({"dataset", "make", folder_ / "no/such/a", "--count", "10", "--dimension", "4"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("no/such/a.base.fbin"));
  EXPECT_EQ(RunKith({"dataset", "make", "x", "--count", "0", "--dimension", "4"}).code, 2);
}

// All by hand, in double.
std::vector<uint32_t> Nearest(const VectorMatrix& base, const float* query, Metric metric,
                              size_t k) {
  const size_t d = base.shape.dimension;
  std::vector<std::pair<double, uint32_t>> ranked;
  for (uint32_t i = 0; i < base.rows; ++i) {
    const auto* row = reinterpret_cast<const float*>(base.Row(i));
    double l2 = 0, dot = 0, norm = 0;
    for (size_t j = 0; j < d; ++j) {
      l2 += (double{row[j]} - query[j]) * (double{row[j]} - query[j]);
      dot += double{row[j]} * query[j];
      norm += double{row[j]} * row[j];
    }
    ranked.push_back({metric == Metric::kL2       ? l2
                      : metric == Metric::kCosine ? -dot / std::sqrt(norm)
                                                  : -dot,
                      i});
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<uint32_t> ids;
  for (size_t i = 0; i < k; ++i) ids.push_back(ranked[i].second);
  return ids;
}

TEST_F(Dataset, TruthEqualsBruteForceUnderEveryMetricForAnyNumberOfThreads) {
  // Rows of several lengths, so that the metrics differ.
  RandomStream random(1, 0, 0);
  std::vector<std::vector<float>> rows, queries;
  for (int i = 0; i < 700 + 70; ++i) {
    std::vector<float> row(19);
    const double length = 0.5 + random.Uniform();
    for (float& x : row) x = static_cast<float>(length * random.Normal());
    (i < 700 ? rows : queries).push_back(row);
  }
  WriteFbin(folder_ / "b.fbin", rows);
  WriteFbin(folder_ / "q.fbin", queries);
  const VectorMatrix base = Load("b.fbin");
  const std::pair<const char*, Metric> metrics[] = {
      {"l2", Metric::kL2}, {"ip", Metric::kInnerProduct}, {"cosine", Metric::kCosine}};
  for (const auto& [name, metric] : metrics) {
    const Ran ran =
        RunKith({"dataset", "truth", "--base", folder_ / "b.fbin", "--queries", folder_ / "q.fbin",
                 "--k", "12", "--metric", name, "--out", folder_ / "t.ibin", "--threads", "3"});
    ASSERT_EQ(ran.code, 0) << ran.err;
    auto truth = ReadNeighbours(folder_ / "t.ibin");
    ASSERT_TRUE(truth.ok());
    for (uint32_t q = 0; q < 70; ++q) {
      const auto got = truth->Ids(q);
      EXPECT_EQ(std::vector<uint32_t>(got.begin(), got.end()),
                Nearest(base, queries[q].data(), metric, 12))
          << name << " query " << q;
    }
  }
}

TEST_F(Dataset, TruthBreaksTiesByTheSmallerRow) {
  WriteU8bin(folder_ / "b.u8bin", {{9}, {5}, {7}, {5}, {5}, {7}});
  WriteU8bin(folder_ / "q.u8bin", {{6}});
  ASSERT_EQ(
      RunKith({"dataset", "truth", "--base", folder_ / "b.u8bin", "--queries", folder_ / "q.u8bin",
               "--k", "4", "--metric", "l2", "--out", folder_ / "t", "--distances"})
          .code,
      0);
  auto truth = ReadNeighbours(folder_ / "t");
  ASSERT_TRUE(truth.ok());
  EXPECT_EQ(truth->ids, (std::vector<uint32_t>{1, 2, 3, 4}));
  EXPECT_EQ(truth->scores, (std::vector<float>{1, 1, 1, 1}));
}

TEST_F(Dataset, TruthRefusesFilesThatDoNotFit) {
  WriteFbin(folder_ / "b.fbin", CountingRows(5, 3));
  WriteFbin(folder_ / "q.fbin", CountingRows(2, 4));
  WriteU8bin(folder_ / "q.u8bin", {{1, 2, 3}});
  WriteFbin(folder_ / "z.fbin", {{0, 0, 0}});
  const auto truth = [&](const std::string& queries, const std::string& k, const char* metric) {
    return RunKith({"dataset", "truth", "--base", folder_ / "b.fbin", "--queries",
                    folder_ / queries, "--k", k, "--metric", metric, "--out", folder_ / "t"});
  };
  EXPECT_THAT(truth("q.fbin", "1", "l2").err, HasSubstr("dimension 3, the queries 4"));
  EXPECT_THAT(truth("q.u8bin", "1", "l2").err, HasSubstr("both must be the same"));
  EXPECT_THAT(truth("z.fbin", "6", "l2").err, HasSubstr("--k is 6, the base has 5 rows"));
  EXPECT_THAT(truth("z.fbin", "1", "cosine").err, HasSubstr("query 0 is zero"));
  EXPECT_EQ(truth("z.fbin", "1", "l2").code, 0);
  EXPECT_EQ(truth("z.fbin", "1", "l3").code, 2);
}

TEST(MakeDataset, LeavesNothingBehindWhenItIsInterrupted) {
  const TestFolder folder;
  std::jthread killer([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::kill(::getpid(), SIGINT);
  });
  const Ran ran = RunKith({"dataset", "make", folder / "made", "--count", "3000000", "--dimension",
                           "256", "--threads", "1"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("interrupted"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace kith::cli
