#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <nlohmann/json.hpp>

#include "cli/export/point_sink.h"
#include "common/base/status.h"
#include "tests/unit/cli/command_harness.h"
#include "tests/unit/cli/fake_server.h"
#include "tests/unit/cli/test_files.h"

namespace kith::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kUuid = "0123456789abcdef";

std::string HalfBytes(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) {
    const auto half = static_cast<_Float16>(value);
    bytes.append(reinterpret_cast<const char*>(&half), 2);
  }
  return bytes;
}

// `kith export` of the collection `c` of a fake server, and imports back into `d`.
class Export : public ::testing::Test {
 protected:
  void Add(v1::ElementType type = v1::ELEMENT_TYPE_F32) {
    server_.Add("c", 2, v1::METRIC_L2, type);
    server_.Add("d", 2, v1::METRIC_L2, type);
  }
  void Put(const std::string& key, const std::string& vector, const std::string& payload = "") {
    server_.at("c").rows[key] = {vector, payload, 1};
  }
  // Points n0 to n<count - 1> at (n, 0.5).
  void Fill(uint64_t count) {
    for (uint64_t n = 0; n < count; ++n) {
      Put("n" + std::to_string(n), BytesOf<float>({static_cast<float>(n), 0.5f}));
    }
  }
  Ran Run(const std::string& name, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"export", "c", folder_ / name, "--endpoint",
                                      server_.endpoint()};
    words.insert(words.end(), more.begin(), more.end());
    return RunKith(words);
  }
  Ran Back(const std::string& name, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"import", "d", folder_ / name, "--endpoint",
                                      server_.endpoint()};
    words.insert(words.end(), more.begin(), more.end());
    return RunKith(words);
  }
  void ExpectSamePoints() {
    const auto& from = server_.at("c").rows;
    const auto& to = server_.at("d").rows;
    ASSERT_EQ(from.size(), to.size());
    for (const auto& [key, row] : from) {
      ASSERT_TRUE(to.contains(key)) << key;
      EXPECT_EQ(to.at(key).vector, row.vector) << key;
      EXPECT_EQ(to.at(key).payload, row.payload) << key;
    }
  }
  void ExpectNothingWritten(const std::string& name) {
    for (const char* more : {"", ".partial", ".ids.npy", ".ids.npy.partial", ".ids.npy.spool"}) {
      EXPECT_FALSE(Exists(folder_ / (name + more))) << name << more;
    }
  }

  FakeServer server_;
  TestFolder folder_;
};

TEST_F(Export, WritesEachFormatSoThatAnImportGivesTheSamePoints) {
  Add();
  Fill(500);
  Put("u" + kUuid, BytesOf<float>({-0.0f, 1e-40f}));
  for (const char* name : {"a.fbin", "a.fvecs", "a.npy"}) {
    const Ran ran = Run(name, {"--page", "7"});
    ASSERT_EQ(ran.code, 0) << ran.err;
    EXPECT_THAT(ran.out, AllOf(HasSubstr("exported 501 points"), HasSubstr(".ids.npy")));
    server_.at("d").rows.clear();
    const Ran back =
        Back(name, {"--ids", folder_ / (std::string(name) + ".ids.npy"), "--batch", "64"});
    ASSERT_EQ(back.code, 0) << back.err;
    ExpectSamePoints();
  }
}

TEST_F(Export, KeepsBytesAndHalvesAsTheyAreOrWidensThem) {
  struct Case {
    v1::ElementType type;
    std::string vector;
    std::vector<const char*> names;
    const char* refused;
  };
  const std::vector<Case> cases = {{v1::ELEMENT_TYPE_U8,
                                    "\x07\xff",
                                    {"a.u8bin", "a.bvecs", "a.npy", "a.jsonl"},
                                    "refused.f16bin"},
                                   {v1::ELEMENT_TYPE_F16,
                                    HalfBytes({0.1f, -65504}),
                                    {"a.f16bin", "a.fbin", "a.fvecs", "a.npy", "a.jsonl"},
                                    "refused.u8bin"}};
  for (const Case& one : cases) {
    Add(one.type);
    server_.at("c").rows.clear();
    Put("n9", one.vector);
    for (const std::string name : one.names) {
      const Ran ran = Run(name, {"--force"});
      ASSERT_EQ(ran.code, 0) << name << ran.err;
      server_.at("d").rows.clear();
      std::vector<std::string> ids;
      if (name != "a.jsonl") ids = {"--ids", folder_ / (name + ".ids.npy")};
      const Ran back = Back(name, ids);
      ASSERT_EQ(back.code, 0) << name << back.err;
      ExpectSamePoints();
    }
    const Ran refused = Run(one.refused);
    EXPECT_EQ(refused.code, 2);
    EXPECT_THAT(refused.err, HasSubstr("would lose"));
    ExpectNothingWritten(one.refused);
  }
}

TEST_F(Export, BytesBecomeWholeFloatsInAnFbin) {
  Add(v1::ELEMENT_TYPE_U8);
  Put("n9", "\x07\xff");
  ASSERT_EQ(Run("a.fbin").code, 0);
  EXPECT_EQ(ReadText(folder_ / "a.fbin"), BinBytes(1, 2, BytesOf<float>({7, 255})));
}

TEST_F(Export, JsonlKeepsIdsVectorsAndPayloadsToTheLastBit) {
  Add();
  Fill(3);
  Put("n" + std::to_string(~uint64_t{0}), BytesOf<float>({-0.0f, 1e-45f}), "{\"who\":\"Ada\"}");
  Put("u" + kUuid, BytesOf<float>({3.4028235e38f, 16777216}), "no json");
  Put("n10", BytesOf<float>({0.1f, 1}), "{\"spaced\": 1.0}");  // dumps otherwise
  Put("n11", BytesOf<float>({1, 1}), std::string("\0\xff\x80", 3));
  Put("n12", BytesOf<float>({1, 1}), std::string(200, '[') + std::string(200, ']'));
  Put("n13", BytesOf<float>({1, 1}), "\"a string\"");
  Put("n14", BytesOf<float>({1, 1}), "null");
  Put("n15", BytesOf<float>({1, 1}), "\"caf\xc3\xa9\"");
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    uint32_t bits[2];
    for (uint32_t& word : bits) {
      word = static_cast<uint32_t>(random());
      if ((word >> 23 & 0xff) == 0xff) word = 5;  // neither NaN nor infinite
    }
    Put("n" + std::to_string(1000 + i), std::string(reinterpret_cast<const char*>(bits), 8));
  }
  const Ran ran = Run("a.jsonl", {"--page", "100"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, Not(HasSubstr("payloads")));
  EXPECT_FALSE(Exists(folder_ / "a.jsonl.ids.npy"));
  EXPECT_THAT(ReadText(folder_ / "a.jsonl"),
              AllOf(HasSubstr("{\"id\":18446744073709551615,\"vector\":[-0.0,1e-45],\"payload\":"
                              "{\"who\":\"Ada\"}}\n"),
                    HasSubstr("\"payload_base64\":\"bm8ganNvbg==\"")));
  const Ran back = Back("a.jsonl");
  ASSERT_EQ(back.code, 0) << back.err;
  ExpectSamePoints();
}

TEST_F(Export, SaysThatPayloadsAreNotInFilesOfVectors) {
  Add();
  Put("n1", BytesOf<float>({1, 2}), "{}");
  const Ran ran = Run("a.fbin");
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.err, HasSubstr("payloads are in exports as jsonl only"));
}

TEST_F(Export, TakesTheFormatThatIsNamedOverTheEndingAndTheLongOptions) {
  Add();
  Fill(1);
  const Ran ran = RunKith({"export", "--collection", "c", "--out", folder_ / "points", "--format",
                           "npy", "--json", "-", "--endpoint", server_.endpoint()});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ReadText(folder_ / "points").substr(0, 6), "\x93NUMPY");
  const auto json = nlohmann::json::parse(ran.out);
  EXPECT_EQ(json["points"], 1);
  EXPECT_EQ(json["files"].size(), 2u);
  EXPECT_EQ(Run("points2").code, 2);
  const Ran unknown = Run("a.fbin", {"--format", "parquet"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("parquet"));
}

TEST_F(Export, LeavesNothingUnderTheFinalNameWhereItFailsHalfWay) {
  Add();
  Fill(100);
  for (const char* name : {"a.fbin", "a.jsonl"}) {
    server_.pages = 0;
    server_.on_page = [&](uint64_t page) {
      EXPECT_FALSE(Exists(folder_ / name));
      return page == 3 ? RpcErrorOf(ItemError(15, "CORRUPTION", "a block is damaged"))
                       : grpc::Status::OK;
    };
    const Ran ran = Run(name, {"--page", "10"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.err, HasSubstr("a block is damaged"));
    ExpectNothingWritten(name);
  }
}

TEST_F(Export, AsksAgainForAPageWhoseFailureMayPass) {
  Add();
  Fill(100);
  server_.on_page = [&](uint64_t page) {
    return page == 3 ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting") : grpc::Status::OK;
  };
  const Ran ran = Run("a.npy", {"--page", "10", "--json", "-"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(nlohmann::json::parse(ran.out)["points"], 100);
  EXPECT_EQ(nlohmann::json::parse(ran.out)["retries"], 1);
  EXPECT_EQ(server_.pages, 11u);
}

TEST_F(Export, ReplacesAFileOnlyWhereToldTo) {
  Add();
  Fill(2);
  WriteText(folder_ / "a.fbin", "mine");
  Ran ran = Run("a.fbin");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("is there already"), HasSubstr("--force")));
  EXPECT_EQ(ReadText(folder_ / "a.fbin"), "mine");
  WriteText(folder_ / "b.fbin.ids.npy", "mine");
  EXPECT_EQ(Run("b.fbin").code, 1);
  EXPECT_EQ(ReadText(folder_ / "b.fbin.ids.npy"), "mine");
  ran = Run("a.fbin", {"--force"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ReadText(folder_ / "a.fbin").size(), 8u + 2 * 8);
}

TEST_F(Export, OfNoPointsIsAnErrorAndWritesNothing) {
  Add();
  const Ran ran = Run("a.jsonl");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("nothing to export"));
  ExpectNothingWritten("a.jsonl");
}

TEST_F(Export, SaysWhereTheCollectionWasWrittenToMeanwhile) {
  Add();
  Fill(30);
  server_.on_page = [&](uint64_t page) {
    if (page == 2) Put("n0000", BytesOf<float>({1, 2}));  // behind the cursor already
    return grpc::Status::OK;
  };
  const Ran ran = Run("a.fbin", {"--page", "10"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, AllOf(HasSubstr("written to meanwhile"), HasSubstr("30 points before"),
                             HasSubstr("31 after")));
}

TEST_F(Export, RefusesAVectorOfAnotherLengthThanTheCollectionHas) {
  Add();
  Put("n1", "short");
  const Ran ran = Run("a.fbin");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("5 bytes, expected 8"));
  ExpectNothingWritten("a.fbin");
}

TEST_F(Export, ScrollPrintsAPageAndWhereTheNextBegins) {
  Add();
  Fill(3);
  Put("n1", BytesOf<float>({1, 2}), "{\"who\":\"Ada\"}");
  const auto scroll = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"scroll", "c", "--endpoint", server_.endpoint()});
    return RunKith(more);
  };
  const Ran first = scroll({"--limit", "2", "--with-payload"});
  ASSERT_EQ(first.code, 0) << first.err;
  const auto lines = Lines(first.out);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(nlohmann::json::parse(lines[1])["payload"]["who"], "Ada");
  EXPECT_FALSE(nlohmann::json::parse(lines[1]).contains("vector"));
  EXPECT_THAT(first.err, HasSubstr("--page-token n1"));
  const Ran second = scroll({"--page-token", "n1", "--with-vector"});
  EXPECT_EQ(second.out, "{\"id\":2,\"vector\":[2,0.5]}\n");
  EXPECT_EQ(second.err, "");
  EXPECT_EQ(scroll({"--limit", "0"}).code, 2);
}

TEST_F(Export, CountPrintsHowManyPointsThereAre) {
  Add();
  Fill(3);
  EXPECT_EQ(RunKith({"count", "c", "--endpoint", server_.endpoint()}).out, "3\n");
  const Ran json = RunKith({"count", "c", "--json", "-", "--endpoint", server_.endpoint()});
  EXPECT_EQ(nlohmann::json::parse(json.out)["count"], 3);
  EXPECT_EQ(RunKith({"count", "x", "--endpoint", server_.endpoint()}).code, 1);
}

}  // namespace
}  // namespace kith::cli
