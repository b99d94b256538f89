#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>

#include <nlohmann/json.hpp>

#include "tests/unit/cli/import_fixture.h"

namespace kith::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// In `kith` no thread exists before the import blocks the signal. Here gRPC's threads of earlier
// tests do, and one of them would take it and end the process: block it before any test.
class BlockedInterrupt : public ::testing::Environment {
 public:
  void SetUp() override {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  }
};
[[maybe_unused]] const ::testing::Environment* const kBlockedInterrupt =
    ::testing::AddGlobalTestEnvironment(new BlockedInterrupt);

TEST_F(Import, WritesEveryRowUnderItsNumberAtImportPriority) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(1000, 3));
  const Ran ran = Run(folder_ / "a.fbin",
                      {"--batch", "64", "--in-flight", "4", "--json", "-", "--first-id", "5000"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  ASSERT_EQ(server_.at("c").rows.size(), 1000u);
  EXPECT_EQ(First(server_.at("c").rows.at("n5999")), 999);
  EXPECT_TRUE(server_.import_priority_only);
  EXPECT_EQ(server_.upserts, 16u);
  EXPECT_LE(server_.in_flight_max, 4u);
  EXPECT_EQ(server_.at("c").requests.size(), 16u) << "each call has an id of its own";
  EXPECT_FALSE(Exists(progress())) << "a finished import leaves nothing";
  EXPECT_FALSE(Exists(folder_ / "a.fbin.kith-rejects-c.jsonl"));
  const auto json = nlohmann::json::parse(ran.out);
  EXPECT_EQ(json["written"], 1000);
  EXPECT_EQ(json["rejected"], 0);
}

TEST_F(Import, TriesAgainUnderTheSameRequestIdWhatMayPass) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(300, 3));
  std::mutex mutex;
  std::map<std::string, int> seen;
  server_.on_upsert = [&](uint64_t call, const v1::UpsertRequest& request) {
    const std::lock_guard lock(mutex);
    const int times = ++seen[request.request_id()];
    if (call == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting");
    if (call == 2) return grpc::Status(grpc::StatusCode::CANCELLED, "came while it stopped");
    if (times == 1 && call == 4) {
      return RpcErrorOf(ItemError(8, "QUEUE_FULL", "too much at once"));
    }
    return grpc::Status::OK;
  };
  const Ran ran = Run(folder_ / "a.fbin", {"--batch", "100", "--in-flight", "2", "--json", "-"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(server_.at("c").rows.size(), 300u);
  EXPECT_EQ(seen.size(), 3u) << "three batches, three ids, however often they were sent";
  EXPECT_GE(nlohmann::json::parse(ran.out)["retries"], 2);
  EXPECT_THAT(ran.err, HasSubstr("will try again"));
}

TEST_F(Import, TriesACallAgainWhenAShardFailedForSomeOfItsPoints) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(10, 3));
  server_.on_point = [&](uint64_t call, uint64_t number) {
    return call == 1 && number >= 5 ? ItemError(14, "SHARD_UNAVAILABLE", "shard 2 is away")
                                    : google::rpc::Status();
  };
  const Ran ran = Run(folder_ / "a.fbin");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(server_.at("c").rows.size(), 10u);
  EXPECT_EQ(server_.upserts, 2u);
}

TEST_F(Import, StopsAtAnErrorThatNoRepeatHelpsAndGoesOnFromThereNextTime) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(1000, 3));
  server_.on_upsert = [&](uint64_t call, const v1::UpsertRequest&) {
    return call > 6 ? RpcErrorOf(ItemError(8, "DISK_FULL", "no space on /data")) : grpc::Status::OK;
  };
  Ran ran = Run(folder_ / "a.fbin", {"--batch", "100", "--in-flight", "1"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("before row 600"), HasSubstr("no space on /data"),
                             HasSubstr("DISK_FULL"), HasSubstr("the same command goes on")));
  EXPECT_TRUE(Exists(progress()));
  server_.on_upsert = nullptr;
  server_.upserts = 0;
  ran = Run(folder_ / "a.fbin", {"--batch", "100", "--in-flight", "1", "--json", "-"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(server_.upserts, 4u) << "only what was missing is sent";
  EXPECT_EQ(server_.at("c").rows.size(), 1000u);
  EXPECT_EQ(nlohmann::json::parse(ran.out)["resumed_at"], 600);
  EXPECT_EQ(nlohmann::json::parse(ran.out)["written"], 1000);
}

TEST_F(Import, SendsABatchThatWasOvertakenAgainUnderItsOldId) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(600, 3));
  // The second batch is refused for good while those behind it succeed.
  std::mutex mutex;
  std::vector<std::string> ids_of_last_run;
  bool failing = true;
  server_.on_upsert = [&](uint64_t, const v1::UpsertRequest& request) {
    const std::lock_guard lock(mutex);
    ids_of_last_run.push_back(request.request_id());
    const bool second = request.columns().numbers(0) == 100;
    return failing && second ? RpcErrorOf(ItemError(13, "STORAGE", "bad block")) : grpc::Status::OK;
  };
  Ran ran = Run(folder_ / "a.fbin", {"--batch", "100", "--in-flight", "4"});
  ASSERT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("before row 100"));
  const std::set<std::string> first_ids(ids_of_last_run.begin(), ids_of_last_run.end());
  ids_of_last_run.clear();
  failing = false;
  ran = Run(folder_ / "a.fbin", {"--batch", "100", "--in-flight", "1"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  ASSERT_EQ(ids_of_last_run.size(), 5u);
  EXPECT_TRUE(first_ids.count(ids_of_last_run[0])) << "the server may know it already";
}

TEST_F(Import, GivesAFileImportedAgainOnPurposeNewRequestIds) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(10, 3));
  ASSERT_EQ(Run(folder_ / "a.fbin").code, 0);
  ASSERT_EQ(RunKith({"delete", "c", "3", "--endpoint", server_.endpoint()}).code, 0);
  ASSERT_EQ(Run(folder_ / "a.fbin").code, 0);
  EXPECT_EQ(server_.at("c").rows.size(), 10u);
  EXPECT_EQ(server_.at("c").requests.size(), 2u);
}

TEST_F(Import, PutsRowsThatTheCollectionRefusesIntoTheRejectsFile) {
  AddCollection(3, v1::ELEMENT_TYPE_F32, v1::METRIC_COSINE);
  auto rows = CountingRows(10, 3);
  rows[2][1] = std::nanf("");
  rows[4] = {0, 0, 0};
  WriteFbin(folder_ / "a.fbin", rows);
  server_.on_point = [&](uint64_t, uint64_t number) {
    return number == 7 ? ItemError(3, "BAD_VECTOR", "seven is right out") : google::rpc::Status();
  };
  const std::string rejects = folder_ / "bad.jsonl";
  const Ran ran = Run(folder_ / "a.fbin", {"--rejects", rejects, "--batch", "4"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("3 rows were rejected"), HasSubstr(rejects)));
  EXPECT_EQ(server_.at("c").rows.size(), 7u);
  const auto lines = Lines(ReadText(rejects));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(nlohmann::json::parse(lines[0])["reason"], "NON_FINITE_VECTOR");
  EXPECT_EQ(nlohmann::json::parse(lines[1])["reason"], "ZERO_VECTOR_COSINE");
  const auto last = nlohmann::json::parse(lines[2]);
  EXPECT_EQ(last["row"], 7);
  EXPECT_EQ(last["id"], "7");
  EXPECT_EQ(last["reason"], "BAD_VECTOR");
  EXPECT_EQ(last["message"], "seven is right out");
}

TEST_F(Import, DoesNotWriteARejectTwiceWhenItGoesOn) {
  AddCollection(3);
  auto rows = CountingRows(40, 3);
  for (const size_t bad : {5, 15, 25, 35}) rows[bad][0] = std::nanf("");
  WriteFbin(folder_ / "a.fbin", rows);
  bool failing = true;
  server_.on_upsert = [&](uint64_t, const v1::UpsertRequest& request) {
    const bool third = request.columns().numbers(0) == 20;
    return failing && third ? RpcErrorOf(ItemError(13, "STORAGE", "bad block")) : grpc::Status::OK;
  };
  ASSERT_EQ(Run(folder_ / "a.fbin", {"--batch", "10", "--in-flight", "4"}).code, 1);
  failing = false;
  ASSERT_EQ(Run(folder_ / "a.fbin", {"--batch", "10"}).code, 0);
  EXPECT_EQ(Lines(ReadText(folder_ / "a.fbin.kith-rejects-c.jsonl")).size(), 4u);
}

TEST_F(Import, RefusesToGoOnWithAChangedFileUntilToldToRestart) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(40, 3));
  server_.on_upsert = [&](uint64_t call, const v1::UpsertRequest&) {
    return call == 2 ? RpcErrorOf(ItemError(13, "STORAGE", "bad")) : grpc::Status::OK;
  };
  ASSERT_EQ(Run(folder_ / "a.fbin", {"--batch", "10", "--in-flight", "1"}).code, 1);
  auto rows = CountingRows(40, 3);
  rows[0][0] = 99;
  WriteFbin(folder_ / "a.fbin", rows);
  Ran ran = Run(folder_ / "a.fbin");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("was changed"), HasSubstr("--restart")));
  ran = Run(folder_ / "a.fbin", {"--restart"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(First(server_.at("c").rows.at("n0")), 99);
  EXPECT_EQ(server_.at("c").rows.size(), 40u);
}

TEST_F(Import, BeginsAnewWhenTheCollectionIsAnotherOfThatName) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(40, 3));
  server_.on_upsert = [&](uint64_t call, const v1::UpsertRequest&) {
    return call == 2 ? RpcErrorOf(ItemError(13, "STORAGE", "bad")) : grpc::Status::OK;
  };
  ASSERT_EQ(Run(folder_ / "a.fbin", {"--batch", "10", "--in-flight", "1"}).code, 1);
  ASSERT_EQ(RunKith({"collection", "drop", "c", "--yes", "--endpoint", server_.endpoint()}).code,
            0);
  AddCollection(3);
  const Ran ran = Run(folder_ / "a.fbin");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("begins anew"));
  EXPECT_EQ(server_.at("c").rows.size(), 40u);
}

TEST_F(Import, KeepsItsProgressElsewhereWhenToldSo) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(40, 3));
  server_.on_upsert = [&](uint64_t call, const v1::UpsertRequest&) {
    return call == 2 ? RpcErrorOf(ItemError(13, "STORAGE", "bad")) : grpc::Status::OK;
  };
  const std::string elsewhere = folder_ / "state";
  ASSERT_EQ(
      Run(folder_ / "a.fbin", {"--batch", "10", "--in-flight", "1", "--progress-dir", elsewhere})
          .code,
      1);
  EXPECT_FALSE(Exists(progress()));
  EXPECT_FALSE(std::filesystem::is_empty(elsewhere));
  ASSERT_EQ(Run(folder_ / "a.fbin", {"--progress-dir", elsewhere}).code, 0);
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere));
}

TEST_F(Import, KeepsItsProgressInTheUsersStateFolderWhereTheFilesOwnIsReadOnly) {
  AddCollection(3);
  const std::string sealed = folder_ / "sealed";
  std::filesystem::create_directory(sealed);
  WriteFbin(sealed + "/a.fbin", CountingRows(40, 3));
  std::filesystem::permissions(
      sealed, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  ASSERT_EQ(::setenv("XDG_STATE_HOME", (folder_ / "state").c_str(), 1), 0);
  server_.on_upsert = [&](uint64_t call, const v1::UpsertRequest&) {
    return call == 2 ? RpcErrorOf(ItemError(13, "STORAGE", "bad")) : grpc::Status::OK;
  };
  const Ran failed = Run(sealed + "/a.fbin", {"--batch", "10", "--in-flight", "1"});
  EXPECT_EQ(failed.code, 1);
  EXPECT_FALSE(Exists(sealed + "/a.fbin.kith-progress-c"));
  EXPECT_FALSE(std::filesystem::is_empty(folder_ / "state/kith"));
  const Ran ran = Run(sealed + "/a.fbin", {"--json", "-"});
  ::unsetenv("XDG_STATE_HOME");
  std::filesystem::permissions(sealed, std::filesystem::perms::owner_all);
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(nlohmann::json::parse(ran.out)["resumed_at"], 10);
}

TEST_F(Import, StopsOnCtrlCAndGoesOnNextTime) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(4000, 3));
  server_.on_upsert = [&](uint64_t call, const v1::UpsertRequest&) {
    if (call == 5) ::kill(::getpid(), SIGINT);
    return grpc::Status::OK;
  };
  const Ran stopped = Run(folder_ / "a.fbin", {"--batch", "10", "--in-flight", "1"});
  EXPECT_EQ(stopped.code, 1);
  EXPECT_THAT(stopped.err, AllOf(HasSubstr("interrupted"), HasSubstr("the same command goes on")));
  EXPECT_LT(server_.at("c").rows.size(), 4000u);
  server_.on_upsert = nullptr;
  ASSERT_EQ(Run(folder_ / "a.fbin").code, 0);
  EXPECT_EQ(server_.at("c").rows.size(), 4000u);
}

TEST_F(Import, RefusesAProgressFileThatMakesNoSense) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(4, 3));
  WriteText(progress(), "{\"format\": 1, \"row\": ");
  const Ran ran = Run(folder_ / "a.fbin");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("--restart"));
  EXPECT_EQ(Run(folder_ / "a.fbin", {"--restart"}).code, 0);
}

TEST_F(Import, ConvertsBetweenElementTypesWhereNothingIsLost) {
  server_.Add("c", 2, v1::METRIC_L2, v1::ELEMENT_TYPE_U8);
  WriteU8bin(folder_ / "a.u8bin", {{1, 2}, {3, 255}});
  ASSERT_EQ(Run(folder_ / "a.u8bin").code, 0);
  EXPECT_EQ(server_.at("c").rows.at("n1").vector, "\3\377");
  WriteFbin(folder_ / "a.fbin", {{1, 2}});
  Ran ran = Run(folder_ / "a.fbin");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("convert the file to .u8bin"));

  server_.Add("c", 2, v1::METRIC_L2, v1::ELEMENT_TYPE_F16);
  ASSERT_EQ(Run(folder_ / "a.fbin").code, 0);
  EXPECT_EQ(server_.at("c").rows.at("n0").vector, std::string("\x00\x3c\x00\x40", 4));
  server_.Add("c", 2, v1::METRIC_L2, v1::ELEMENT_TYPE_F32);
  ASSERT_EQ(Run(folder_ / "a.u8bin").code, 0);
  EXPECT_EQ(First(server_.at("c").rows.at("n1")), 3);
}

TEST_F(Import, ReadsTextWithUuidsPayloadsAndBadLines) {
  AddCollection(2);
  WriteText(folder_ / "a.jsonl",
            "{\"id\": 1, \"vector\": [1, 2], \"payload\": {\"who\": \"Ada\"}}\n"
            "{\"id\": \"00000000-0000-0000-0000-000000000001\", \"vector\": [3, 4]}\n"
            "oops\n"
            "{\"id\": 18446744073709551615, \"vector\": [5, 6]}\n");
  const Ran ran = Run(folder_ / "a.jsonl");
  EXPECT_EQ(ran.code, 0) << ran.err;
  const auto& rows = server_.at("c").rows;
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows.at("n1").payload, "{\"who\":\"Ada\"}");
  EXPECT_EQ(First(rows.at(std::string("u") + std::string(15, '\0') + '\1')), 3);
  EXPECT_EQ(First(rows.at("n18446744073709551615")), 5);
  const auto reject = nlohmann::json::parse(ReadText(folder_ / "a.jsonl.kith-rejects-c.jsonl"));
  EXPECT_EQ(reject["row"], 2);
  EXPECT_EQ(reject["reason"], "BAD_JSON");
}

TEST_F(Import, GoesOnInTheMiddleOfAText) {
  AddCollection(1);
  std::string text;
  for (int i = 0; i < 50; ++i) {
    text += "{\"id\": " + std::to_string(1000 + i) + ", \"vector\": [" + std::to_string(i) + "]}\n";
  }
  WriteText(folder_ / "a.jsonl", text);
  server_.on_upsert = [&](uint64_t call, const v1::UpsertRequest&) {
    return call == 3 ? RpcErrorOf(ItemError(13, "STORAGE", "bad")) : grpc::Status::OK;
  };
  ASSERT_EQ(Run(folder_ / "a.jsonl", {"--batch", "10", "--in-flight", "1"}).code, 1);
  server_.on_upsert = nullptr;
  server_.upserts = 0;
  ASSERT_EQ(Run(folder_ / "a.jsonl", {"--batch", "10", "--in-flight", "1"}).code, 0);
  EXPECT_EQ(server_.upserts, 3u);
  ASSERT_EQ(server_.at("c").rows.size(), 50u);
  EXPECT_EQ(First(server_.at("c").rows.at("n1049")), 49);
}

TEST_F(Import, EndsWithAnErrorWhereNoRowCouldBeImported) {
  AddCollection(2);
  WriteText(folder_ / "a.jsonl", "oops\nagain\n");
  const Ran ran = Run(folder_ / "a.jsonl");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("no row of"));
}

TEST_F(Import, RefusesAFileOfAnotherDimensionAndABatchTooLargeForACall) {
  AddCollection(4096);
  WriteFbin(folder_ / "a.fbin", CountingRows(4, 3));
  Ran ran = Run(folder_ / "a.fbin");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("dimension 3"), HasSubstr("dimension 4096")));
  WriteFbin(folder_ / "b.fbin", CountingRows(1, 4096));
  ran = Run(folder_ / "b.fbin", {"--batch", "10000"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("--batch"));
}

TEST_F(Import, SaysWhatToDoWhereTheServerIsNotThere) {
  const Ran ran = RunKith({"import", "c", "x.fbin", "--endpoint", "127.0.0.1:1"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("cannot reach"), HasSubstr("start the server")));
}

}  // namespace
}  // namespace kith::cli
