#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/console/json_output.h"
#include "tests/unit/cli/command_harness.h"
#include "tests/unit/cli/fake_server.h"
#include "tests/unit/cli/test_files.h"

namespace kith::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Commands : public ::testing::Test {
 protected:
  Ran Run(std::vector<std::string> words, const std::string& input = "") {
    words.insert(words.end(), {"--endpoint", server_.endpoint()});
    return RunKith(words, input);
  }
  void AddPoints() {
    server_.Add("c", 2, v1::METRIC_L2, v1::ELEMENT_TYPE_F32);
    ASSERT_EQ(Run({"upsert", "c", "--id", "1", "--vector", "0,0"}).code, 0);
    ASSERT_EQ(
        Run({"upsert", "c", "--id", "2", "--vector", "[1, 0]", "--payload", "{\"who\": \"Ada\"}"})
            .code,
        0);
    ASSERT_EQ(Run({"upsert", "c", "--id", "3", "--vector", "-5,5"}).code, 0);
  }

  FakeServer server_;
  TestFolder folder_;
};

TEST_F(Commands, CreateMakesACollectionOfTheShapeAsked) {
  const Ran ran = Run({"collection", "create", "faces", "--dimension", "512", "--metric", "cosine",
                       "--dtype", "f16", "--shards", "4", "--lists", "64", "--subspaces", "32",
                       "--plane-b-bytes", "24", "--target-recall", "0.9"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const v1::Collection& made = server_.at("faces").facts;
  EXPECT_EQ(made.dimension(), 512u);
  EXPECT_EQ(made.metric(), v1::METRIC_COSINE);
  EXPECT_EQ(made.element_type(), v1::ELEMENT_TYPE_F16);
  EXPECT_EQ(made.shards(), 4u);
  EXPECT_EQ(made.index().lists(), 64u);
  EXPECT_EQ(made.index().subspaces(), 32u);
  EXPECT_EQ(made.index().plane_b_bytes(), 24u);
  EXPECT_EQ(made.index().target_recall(), 0.9);
}

TEST_F(Commands, CreateWithValidateOnlyMakesNothing) {
  const Ran ran = Run({"collection", "create", "faces", "--dimension", "8", "--metric", "l2",
                       "--dtype", "u8", "--validate-only"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, HasSubstr("would create faces"));
  EXPECT_FALSE(server_.has("faces"));
}

TEST_F(Commands, AnErrorOfTheServerNamesReasonFieldAndRemedy) {
  Ran ran =
      Run({"collection", "create", "a", "--dimension", "9999", "--metric", "l2", "--dtype", "f32"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("must be 1 to 4096"), HasSubstr("reason: BAD_REQUEST"),
                             HasSubstr("field:  dimension")));
  ran = Run({"collection", "get", "nothing"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("COLLECTION_NOT_FOUND"), HasSubstr("remedy:"),
                             HasSubstr("kith collection list")));
}

TEST_F(Commands, AWrongCommandLineEndsWithTwo) {
  EXPECT_EQ(RunKith({}).code, 2);
  EXPECT_EQ(RunKith({"collection"}).code, 2);
  EXPECT_EQ(RunKith({"nonsense"}).code, 2);
  EXPECT_EQ(Run({"collection", "create", "a", "--dimension", "8", "--metric", "l2"}).code, 2);
  const Ran ran =
      Run({"collection", "create", "a", "--dimension", "8", "--metric", "l3", "--dtype", "f32"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("--metric"), HasSubstr("l2, ip, cosine")));
  EXPECT_EQ(RunKith({"status", "--endpoint", "nowhere"}).code, 2);
  EXPECT_EQ(Run({"search", "c"}).code, 2);
  EXPECT_EQ(Run({"search", "c", "--vector", "1,x"}).code, 2);
  EXPECT_EQ(Run({"search", "c", "--vector", "1", "--nprobe", "3", "--exact"}).code, 2);
  EXPECT_EQ(Run({"get", "c", "-1"}).code, 2);
}

TEST_F(Commands, EveryCommandExplainsItselfWithAnExample) {
  const std::vector<std::vector<std::string>> commands = {{"collection", "create"},
                                                          {"collection", "plan"},
                                                          {"collection", "get"},
                                                          {"collection", "list"},
                                                          {"collection", "train"},
                                                          {"collection", "update"},
                                                          {"collection", "drop"},
                                                          {"alias", "set"},
                                                          {"alias", "change"},
                                                          {"alias", "delete"},
                                                          {"alias", "list"},
                                                          {"payload", "set"},
                                                          {"payload", "clear"},
                                                          {"facet"},
                                                          {"scroll"},
                                                          {"count"},
                                                          {"index", "list"},
                                                          {"index", "promote"},
                                                          {"index", "rollback"},
                                                          {"index", "drop"},
                                                          {"import"},
                                                          {"upsert"},
                                                          {"get"},
                                                          {"delete"},
                                                          {"search"},
                                                          {"status"},
                                                          {"bench", "recall"},
                                                          {"bench", "write"},
                                                          {"dataset", "make"},
                                                          {"dataset", "truth"}};
  for (std::vector<std::string> words : commands) {
    words.emplace_back("--help");
    const Ran ran = RunKith(words);
    EXPECT_EQ(ran.code, 0);
    EXPECT_THAT(ran.out, AllOf(HasSubstr("Example"), HasSubstr("  kith " + words[0])));
    EXPECT_EQ(words[0] == "dataset", ran.out.find("--endpoint") == std::string::npos) << words[0];
  }
  EXPECT_THAT(RunKith({"--version"}).out, HasSubstr("kith 0."));
}

TEST_F(Commands, ListAndStatusShowCollectionsAndOperations) {
  EXPECT_THAT(Run({"collection", "list"}).out, HasSubstr("no collections"));
  server_.Add("c", 2, v1::METRIC_INNER_PRODUCT, v1::ELEMENT_TYPE_U8);
  EXPECT_THAT(Run({"collection", "list"}).out, AllOf(HasSubstr("ip"), HasSubstr("u8")));
  const Ran ran = Run({"status", "--json", "-"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(Json::parse(ran.out)["collections"][0]["status"], "green");
  EXPECT_EQ(Json::parse(ran.out)["operations"].size(), 0u);
}

TEST_F(Commands, PlanPrintsWhatItWouldTake) {
  const Ran ran = Run({"collection", "plan", "--dimension", "96", "--dtype", "f32", "--metric",
                       "l2", "--points", "1048576"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("96.0 MiB"), HasSubstr("fits              yes"),
                             HasSubstr("  chosen          1024 lists: about 4 times")));
}

TEST_F(Commands, CreateSaysHowManyPointsAreExpected) {
  const Ran ran = Run({"collection", "create", "a", "--dimension", "8", "--metric", "l2", "--dtype",
                       "f32", "--expected-points", "250000000", "--json", "-"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(Json::parse(ran.out)["index"]["expected_points"], 250'000'000u);
}

TEST_F(Commands, DropAsksForTheNameUnlessToldYes) {
  server_.Add("c", 2, v1::METRIC_L2, v1::ELEMENT_TYPE_F32);
  EXPECT_EQ(Run({"collection", "drop", "c"}).code, 2) << "nobody to ask";
  EXPECT_EQ(Run({"collection", "drop", "c"}, "d\n").code, 1);
  EXPECT_TRUE(server_.has("c"));
  EXPECT_EQ(Run({"collection", "drop", "c"}, "c\n").code, 0);
  EXPECT_FALSE(server_.has("c"));
}

TEST_F(Commands, TrainFollowsTheOperationAndReturnsWhenItServes) {
  server_.Add("c", 2, v1::METRIC_L2, v1::ELEMENT_TYPE_F32);
  server_.on_poll = [](uint64_t poll) {
    v1::Operation operation;
    operation.set_state(poll < 3 ? v1::Operation::STATE_RUNNING : v1::Operation::STATE_SUCCEEDED);
    operation.set_stage("encoding");
    operation.set_progress(0.3 * static_cast<double>(poll));
    if (poll >= 3) operation.set_result("v-abc");
    operation.add_chosen("40 bytes of plane B for 80 dimensions");
    return operation;
  };
  const Ran ran = Run({"collection", "train", "c", "--json", folder_ / "train.json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("c serves index version v-abc"),
                             HasSubstr("40 bytes of plane B for 80 dimensions")));
  EXPECT_EQ(Json::parse(ReadText(folder_ / "train.json"))["state"], "succeeded");
}

TEST_F(Commands, TrainReportsWhyItFailed) {
  server_.Add("c", 2, v1::METRIC_L2, v1::ELEMENT_TYPE_F32);
  server_.on_poll = [](uint64_t) {
    v1::Operation operation;
    operation.set_state(v1::Operation::STATE_FAILED);
    operation.set_stage("sampling");
    operation.set_error_reason("DEGENERATE_POINTS");
    operation.set_error_message("all 50000 points are equal");
    return operation;
  };
  const Ran ran = Run({"collection", "train", "c"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("all 50000 points are equal"), HasSubstr("while sampling"),
                             HasSubstr("DEGENERATE_POINTS"), HasSubstr("remedy")));
}

TEST_F(Commands, VerifySaysOfEachShardWhatItFoundAndFailsWhereAnythingDiffers) {
  server_.Add("c", 2, v1::METRIC_L2, v1::ELEMENT_TYPE_F32);
  server_.verification.set_equal(true);
  v1::ShardVerification* shard = server_.verification.add_shards();
  shard->set_shard(7);
  shard->set_node("node-a");
  shard->set_points(12345);
  shard->set_slots_checked(4096);
  Ran ran = Run({"collection", "verify", "c"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("node-a"), HasSubstr("12,345"), HasSubstr("equal")));
  server_.verification.set_equal(false);
  shard->set_index_mismatches(2);
  ran = Run({"collection", "verify", "c", "--json", "-"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(Json::parse(ran.out)["shards"][0]["index_mismatches"], 2);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("2 slots differ"), HasSubstr("CORRUPTION")));
  shard->set_index_mismatches(0);
  shard->set_error_reason("SHARD_UNAVAILABLE");
  shard->set_error_message("node node-a does not answer");
  ran = Run({"collection", "verify", "c"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("does not answer"));
  EXPECT_EQ(Run({"collection", "verify", "nope"}).code, 1);
}

TEST_F(Commands, UpsertGetAndDeleteGoRound) {
  AddPoints();
  Ran ran = Run({"get", "c", "2", "--with-vector"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Json point = Json::parse(ran.out);
  EXPECT_EQ(point["id"], 2);
  EXPECT_EQ(point["vector"], Json({1.0, 0.0}));
  EXPECT_EQ(point["payload"]["who"], "Ada");
  ran = Run({"delete", "c", "2", "77"});
  EXPECT_THAT(ran.out, HasSubstr("deleted 1 of 2"));
  ran = Run({"get", "c", "1", "2"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out, HasSubstr("\"id\":1"));
  EXPECT_THAT(ran.err, AllOf(HasSubstr("1 of 2 points"), HasSubstr("POINT_NOT_FOUND")));
  EXPECT_EQ(Run({"upsert", "c", "--id", "9", "--vector", "1,2", "--payload", "{oops"}).code, 2);
  EXPECT_EQ(Run({"upsert", "c", "--id", "9"}).code, 2);
}

TEST_F(Commands, UpsertTakesUuidsAndVectorsFromFiles) {
  server_.Add("c", 2, v1::METRIC_L2, v1::ELEMENT_TYPE_F32);
  WriteText(folder_ / "v.txt", "[0.5,\n 1.5]\n");
  const std::string uuid = "12345678-9abc-def0-1234-56789abcdef0";
  ASSERT_EQ(Run({"upsert", "c", "--id", uuid, "--vector-file", folder_ / "v.txt"}).code, 0);
  const Ran ran = Run({"get", "c", uuid, "--with-vector"});
  EXPECT_EQ(Json::parse(ran.out)["id"], uuid);
  EXPECT_EQ(Json::parse(ran.out)["vector"], Json({0.5, 1.5}));
}

TEST_F(Commands, SearchPrintsATableOfTheNearest) {
  AddPoints();
  const Ran ran = Run({"search", "c", "--vector", "0.9,0", "--limit", "2", "--with-payload"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto lines = Lines(ran.out);
  EXPECT_THAT(lines[0], AllOf(HasSubstr("RANK"), HasSubstr("PAYLOAD")));
  EXPECT_THAT(lines[1], AllOf(HasSubstr("1     2"), HasSubstr("{\"who\":\"Ada\"}")));
  EXPECT_THAT(lines[2], HasSubstr("2     1"));
  EXPECT_THAT(lines[3], HasSubstr("2 hits, exact scores, coverage 1.0000, exact search"));
}

TEST_F(Commands, SearchTakesAStoredPointOrARowOfAFile) {
  AddPoints();
  Ran ran = Run({"search", "c", "--id", "3", "--json", "-"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(Json::parse(ran.out)["hits"][0]["id"], 3);
  WriteFbin(folder_ / "q.fbin", {{100, 100}, {-4, 4}});
  ran = Run({"search", "c", "--queries", folder_ / "q.fbin", "--row", "1", "--explain",
             "--with-vector", "--json", "-"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Json answer = Json::parse(ran.out);
  EXPECT_EQ(answer["hits"][0]["id"], 3);
  EXPECT_EQ(answer["hits"][0]["vector"], Json({-5.0, 5.0}));
  EXPECT_EQ(answer["explanation"]["nprobe"], 4);
  EXPECT_EQ(answer["explanation"]["target_recall_reached"], false);
  ran = Run({"search", "c", "--vector", "0,0", "--explain"});
  EXPECT_THAT(ran.out, HasSubstr("no measured nprobe reaches the recall"));
  ran = Run({"search", "c", "--queries", folder_ / "q.fbin", "--row", "2"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("rows 0 to 1"));
}

TEST(CommandLine, TakesNumbersInPlainDigitsOnly) {
  for (const char* wrong : {"-100", "0100", "0x10", "+1", " 1", "1e3", "1.0", ""}) {
    const Ran ran = RunKith({"import", "c", "a.fbin", std::string("--first-id=") + wrong});
    EXPECT_EQ(ran.code, 2) << wrong;
    EXPECT_THAT(ran.err, HasSubstr("--first-id")) << wrong;
  }
  for (const char* option : {"--deadline-ms", "--limit", "--nprobe"}) {
    const Ran ran = RunKith({"search", "c", "--id", "1", option, "010"});
    EXPECT_EQ(ran.code, 2) << option;
    EXPECT_THAT(ran.err, AllOf(HasSubstr(option), HasSubstr("plain digits")));
  }
  for (const char* wrong : {"010", "-5", "+1", "0x1"}) {
    const Ran ran = RunKith({"get", "c", wrong});
    EXPECT_EQ(ran.code, 2) << wrong;
  }
  const Ran ran = RunKith({"import", "c", "a.fbin", "--batch", "10001"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("1 to 10000"));
}

TEST(CommandLine, SaysWhichCommandsThereAreAndWhereHelpIs) {
  Ran ran = RunKith({"colection", "list"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("there is no `kith colection`"), HasSubstr("collection"),
                             HasSubstr("import"), HasSubstr("Run `kith --help`")));
  ran = RunKith({"collection"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("`kith collection` needs"), HasSubstr("create"),
                             HasSubstr("Run `kith collection --help`")));
  ran = RunKith({"import", "c"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("FILE"), HasSubstr("Run `kith import --help`")));
}

}  // namespace
}  // namespace kith::cli
