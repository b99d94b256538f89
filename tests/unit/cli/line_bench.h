#ifndef KITH_TESTS_UNIT_CLI_LINE_BENCH_H_
#define KITH_TESTS_UNIT_CLI_LINE_BENCH_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/console/json_output.h"
#include "cli/data/neighbour_file.h"
#include "tests/unit/cli/command_harness.h"
#include "tests/unit/cli/fake_server.h"
#include "tests/unit/cli/test_files.h"

namespace kith::cli {

// 40 points on a line, 8 queries beside points 0, 5, 10, .. : the 3 nearest are known, and one of
// them is given wrongly.
class LineBench : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.Add("c", 1, v1::METRIC_L2, v1::ELEMENT_TYPE_F32);
    std::vector<std::vector<float>> points;
    for (int i = 0; i < 40; ++i) points.push_back({static_cast<float>(10 * i)});
    WriteFbin(folder_ / "base.fbin", points);
    std::vector<std::vector<float>> queries;
    NeighbourTable truth{8, 3, {}, {}};
    for (uint32_t q = 0; q < 8; ++q) {
      const uint32_t middle = 5 * q + 1;
      queries.push_back({static_cast<float>(10 * middle + 1)});
      truth.ids.insert(truth.ids.end(), {middle, middle + 1, middle - 1});
    }
    truth.ids[4] = 39;
    WriteFbin(folder_ / "q.fbin", queries);
    ASSERT_TRUE(WriteNeighbours(folder_ / "truth.ibin", truth).ok());
    ASSERT_EQ(
        RunKith({"import", "c", folder_ / "base.fbin", "--endpoint", server_.endpoint()}).code, 0);
  }
  // `kith bench` and these words, of which the first is the subcommand; the result in out.json.
  Ran Bench(std::vector<std::string> words) {
    words.insert(words.begin(), "bench");
    words.insert(words.end(), {"--endpoint", server_.endpoint(), "--collection", "c", "--queries",
                               folder_ / "q.fbin", "--json", folder_ / "out.json"});
    return RunKith(words);
  }
  Json Out() { return Json::parse(ReadText(folder_ / "out.json")); }

  FakeServer server_;
  TestFolder folder_;
};

}  // namespace kith::cli

#endif  // KITH_TESTS_UNIT_CLI_LINE_BENCH_H_
