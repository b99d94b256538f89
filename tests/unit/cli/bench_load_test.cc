#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/unit/cli/line_bench.h"

namespace kith::cli {
namespace {

using ::testing::HasSubstr;

class LoadBench : public LineBench {
 protected:
  Ran Load(std::vector<std::string> more) {
    std::vector<std::string> words = {"load", "--k", "3", "--warmup", "0.2", "--duration", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return Bench(words);
  }
  // Stands still for `length` in its `call`-th search.
  void StallAt(uint64_t call, std::chrono::milliseconds length) {
    server_.on_search = [call, length](uint64_t number) {
      if (number == call) std::this_thread::sleep_for(length);
      return grpc::Status::OK;
    };
  }
};

TEST_F(LoadBench, SendsTheMixAndCountsEveryKindAfterTheWarmUp) {
  const Ran ran =
      Load({"--rate", "300", "--mix", "search=0.6,search_batch:5=0.2,upsert:4=0.2", "--truth",
            folder_ / "truth.ibin", "--upsert-vectors", folder_ / "base.fbin", "--connections", "3",
            "--plot", folder_ / "out.svg"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Json out = Out();
  EXPECT_EQ(out["due"], 300);
  EXPECT_EQ(out["answered"], 300);
  EXPECT_EQ(out["failed"], 0);
  EXPECT_EQ(out["offered_rate"], 300.0);
  EXPECT_NEAR(out["achieved_rate"].get<double>(), 300, 30);
  ASSERT_EQ(out["kinds"].size(), 3u);
  uint64_t answered = 0;
  for (const Json& kind : out["kinds"]) {
    answered += kind["answered"].get<uint64_t>();
    const Json& latency = kind["latency_ms"];
    EXPECT_GT(latency["p50"], 0.0);
    EXPECT_LE(latency["p50"], latency["p90"]);
    EXPECT_LE(latency["p99"], latency["p99_9"]);
    EXPECT_LE(latency["p99_9"], latency["max"]);
    EXPECT_FALSE(kind["series"].empty());
    EXPECT_FALSE(kind["curve"].empty());
  }
  EXPECT_EQ(answered, 300u);
  EXPECT_NEAR(out["kinds"][0]["answered"].get<double>(), 180, 45);
  const Json& batches = out["kinds"][1];
  EXPECT_NEAR(batches["items_per_s"].get<double>(), 5 * batches["calls_per_s"].get<double>(), 1e-6);
  EXPECT_GT(out["recall"], 0.9);
  EXPECT_LE(out["recall"], 1.0);
  EXPECT_TRUE(out["kinds"][2]["recall"].is_null());
  EXPECT_EQ(out["config"]["mix"]["upsert:4"], 0.2);
  EXPECT_EQ(out["machine"]["kith_version"].get<std::string>().empty(), false);
  EXPECT_EQ(server_.peers.size(), 3u);
  EXPECT_GT(server_.searches + server_.batches + server_.upserts, 300u) << "and the warm-up";
  EXPECT_EQ(server_.at("c").rows.size(), 40u) << "points are written over themselves";
  EXPECT_THAT(ReadText(folder_ / "out.svg"), HasSubstr("search_batch:5"));
}

TEST_F(LoadBench, MeasuresTheTrueRecallOfASampleOfTheAnswers) {
  ASSERT_EQ(Load({"--rate", "200", "--truth", folder_ / "truth.ibin"}).code, 0);
  EXPECT_NEAR(Out()["recall"].get<double>(), 23.0 / 24, 0.02) << "all queries are looked at";
  EXPECT_NEAR(Out()["kinds"][0]["recall_sample"].get<double>(), 50, 8) << "a quarter of the calls";
  NeighbourTable truth{8, 3, {}, {}};
  truth.ids.assign(24, 39);
  ASSERT_TRUE(WriteNeighbours(folder_ / "wrong.ibin", truth).ok());
  ASSERT_EQ(Load({"--rate", "200", "--truth", folder_ / "wrong.ibin"}).code, 0);
  EXPECT_EQ(Out()["recall"], 0.0);
  ASSERT_EQ(Load({"--rate", "200"}).code, 0);
  EXPECT_TRUE(Out()["recall"].is_null());
}

// The coordinated omission test: 200 calls a second, and for 300 ms none is answered. About 60 of
// 200 calls were due meanwhile and waited, on average 150 ms each.
TEST_F(LoadBench, AStallShowsInEveryCallThatWasDueMeanwhile) {
  StallAt(100, std::chrono::milliseconds(300));
  ASSERT_EQ(Load({"--rate", "200"}).code, 0);
  const Json out = Out();
  EXPECT_EQ(out["answered"], 200) << "and none was left out";
  EXPECT_GT(out["latency_ms"]["p90"], 100.0);
  EXPECT_GT(out["latency_ms"]["max"], 290.0);
  EXPECT_NEAR(out["achieved_rate"].get<double>(), 200, 30);

  // A caller that waits for its answer sends nothing meanwhile, and sees the stall once.
  server_.searches = 0;
  StallAt(100, std::chrono::milliseconds(300));
  ASSERT_EQ(Load({"--closed", "1"}).code, 0);
  EXPECT_LT(Out()["latency_ms"]["p90"], 100.0);
}

TEST_F(LoadBench, WhatIsHeldBackForWantOfPlacesCountsFromWhenItWasDue) {
  StallAt(100, std::chrono::milliseconds(300));
  ASSERT_EQ(Load({"--rate", "200", "--in-flight-max", "2"}).code, 0);
  const Json out = Out();
  EXPECT_GT(out["held_back"], 0);
  EXPECT_EQ(out["answered"], 200);
  EXPECT_GT(out["latency_ms"]["p90"], 100.0);
  EXPECT_LT(out["client_lag_ms"]["p50"], 100.0) << "that was not the client's doing";
}

TEST_F(LoadBench, CountsErrorsByCodeAndReasonAndGoesOn) {
  server_.on_search = [](uint64_t number) {
    return number % 4 == 0 ? RpcErrorOf(ItemError(8, "QUEUE_FULL", "busy")) : grpc::Status::OK;
  };
  const Ran ran = Load({"--rate", "200"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Json out = Out();
  const Json& errors = out["kinds"][0]["errors"];
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0]["code"], "RESOURCE_EXHAUSTED");
  EXPECT_EQ(errors[0]["reason"], "QUEUE_FULL");
  EXPECT_NEAR(errors[0]["count"].get<double>(), 50, 2);
  EXPECT_EQ(out["answered"].get<uint64_t>() + out["failed"].get<uint64_t>(), 200u);
  EXPECT_THAT(ran.out, HasSubstr("failed with RESOURCE_EXHAUSTED QUEUE_FULL"));
}

TEST_F(LoadBench, FailsWhereNothingWasAnswered) {
  server_.on_search = [](uint64_t) { return RpcErrorOf(ItemError(14, "NOT_READY", "loading")); };
  EXPECT_EQ(Load({"--rate", "50"}).code, 1);
}

TEST_F(LoadBench, CountsAnswersOfAPartOfThePoints) {
  server_.coverage = 0.5;
  ASSERT_EQ(Load({"--rate", "100"}).code, 0);
  EXPECT_EQ(Out()["coverage_below_one"], 100);
  EXPECT_EQ(Out()["kinds"][0]["coverage"]["min"], 0.5);
}

TEST_F(LoadBench, AClosedLoopKeepsItsCallsInFlight) {
  ASSERT_EQ(Load({"--closed", "3", "--connections", "2"}).code, 0);
  const Json out = Out();
  EXPECT_TRUE(out["offered_rate"].is_null());
  EXPECT_GT(out["achieved_rate"], 100.0);
  EXPECT_EQ(out["config"]["loop"], "closed");
  EXPECT_EQ(out["failed"], 0);
}

TEST_F(LoadBench, RefusesWhatMakesNoSense) {
  const auto told = [this](std::vector<std::string> more) {
    const Ran ran = Load(std::move(more));
    EXPECT_EQ(ran.code, 2) << ran.err;
    return ran.err;
  };
  EXPECT_THAT(told({}), HasSubstr("either --rate"));
  EXPECT_THAT(told({"--rate", "5", "--closed", "2"}), HasSubstr("either --rate"));
  EXPECT_THAT(told({"--rate", "-5"}), HasSubstr("--rate"));
  EXPECT_THAT(told({"--rate", "5", "--arrivals", "bursts"}), HasSubstr("constant, poisson"));
  EXPECT_THAT(told({"--closed", "5", "--arrivals", "poisson"}), HasSubstr("no arrivals"));
  EXPECT_THAT(told({"--rate", "5", "--mix", "upsert:4=1"}), HasSubstr("--upsert-vectors"));
  EXPECT_THAT(told({"--rate", "5", "--mix", "search=0.4"}), HasSubstr("sum to 0.4"));
  const Ran ran = Bench({"load", "--rate", "5", "--k", "1000", "--mix", "search_batch:1024=1"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("hits of one call"));
}

// What rate comes out, and on a busy machine whether one does, is the machine's affair as well:
// capacity_test asks for that of a server whose times are computed.
TEST_F(LoadBench, CapacityIsTheHighestRateThatItConfirmed) {
  // One call at a time, each of at least 4 ms: not more than 250 a second.
  server_.on_search = [](uint64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(4));
    return grpc::Status::OK;
  };
  const Ran ran = Bench({"capacity", "--k", "3", "--target", "p90=60ms", "--step-s", "0.6",
                         "--warmup", "0.2", "--first-rate", "60", "--plot", folder_ / "c.svg"});
  const Json out = Out();
  const bool found = out["rate"] > 0.0;
  EXPECT_EQ(ran.code, found ? 0 : 1) << ran.err << ran.out;
  EXPECT_LE(out["rate"], 260.0) << ran.out;
  ASSERT_GT(out["steps"].size(), 3u);
  const Json& last = out["steps"].back();
  EXPECT_EQ(last["sustained"], found);
  EXPECT_EQ(last["run"]["config"]["duration_s"], 1.2) << last["run"]["config"];
  if (found) {
    EXPECT_EQ(last["rate"], out["rate"]);
  }
  EXPECT_THAT(ran.err, HasSubstr("60 calls/s: "));
  EXPECT_THAT(ran.err, HasSubstr(" calls/s: no, "));
  EXPECT_THAT(ReadText(folder_ / "c.svg"), HasSubstr("p90=60ms"));
}

TEST_F(LoadBench, CapacityRefusesATargetThatIsNone) {
  EXPECT_EQ(Bench({"capacity", "--target", "fast"}).code, 2);
}

}  // namespace
}  // namespace kith::cli
