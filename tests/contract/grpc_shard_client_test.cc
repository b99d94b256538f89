// What the wire adds to the contract: lost connections, local deadlines, limits of size.
#include "coordinator/shard_client/grpc_shard_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/vector/point_key.h"
#include "shard/rpc/shard_node_server.h"
#include "tests/contract/awaited_calls.h"
#include "tests/contract/held_calls.h"
#include "tests/support/silent_port.h"

namespace kith::testing {
namespace {

using coordinator::GrpcShardClient;
using shard::ShardNodeServer;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::unique_ptr<ShardNodeServer> Serve(ShardService& service, int port = 0) {
  // The port of a server that has just stopped may take a moment.
  for (int attempt = 0; attempt < 100; ++attempt) {
    auto server = ShardNodeServer::Start(service, {.address = fmt::format("127.0.0.1:{}", port)});
    if (server.ok()) return *std::move(server);
    std::this_thread::sleep_for(milliseconds(20));
  }
  ADD_FAILURE() << "no server";
  return nullptr;
}

SearchCall ASearch(ShardId shard = 1) {
  SearchCall call;
  call.shard = shard;
  call.count = 1;
  call.queries = std::string(16, '\0');
  call.limit = 1;
  return call;
}

WriteCall AWrite(size_t vector_bytes = 16) {
  WriteCall call;
  call.shard = 1;
  call.kinds = {WriteKind::kUpsert};
  call.keys = std::string(PointKey::FromNumber(1).view());
  call.vectors = std::string(vector_bytes, '\0');
  return call;
}

void ExpectError(const absl::Status& status, absl::StatusCode code, const char* reason) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(ReasonOf(status), reason) << status;
}

class GrpcShardClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = Serve(node_);
    port_ = server_->port();
    client_ = std::make_unique<GrpcShardClient>(fmt::format("127.0.0.1:{}", port_));
    ShardSpec spec;
    spec.shard = 1;  // of incarnation 0, as the calls below are
    spec.dimension = 4;
    spec.slots = {{0, limits::kSlots}};
    ASSERT_TRUE(client_->CreateShard(spec, Soon()).ok());
  }

  // A server ends when its calls have.
  void TearDown() override { node_.Release(); }

  template <typename Reply>
  struct Outcome {
    std::promise<absl::StatusOr<Reply>> promise;
    std::future<absl::StatusOr<Reply>> future = promise.get_future();
  };
  std::shared_ptr<Outcome<SearchReply>> StartSearch(Deadline deadline = Soon()) {
    auto outcome = std::make_shared<Outcome<SearchReply>>();
    client_->Search(ASearch(), deadline, [outcome](absl::StatusOr<SearchReply> reply) {
      outcome->promise.set_value(std::move(reply));
    });
    return outcome;
  }
  std::shared_ptr<Outcome<WriteReply>> StartWrite(Deadline deadline = Soon()) {
    auto outcome = std::make_shared<Outcome<WriteReply>>();
    client_->Write(AWrite(), deadline, [outcome](absl::StatusOr<WriteReply> reply) {
      outcome->promise.set_value(std::move(reply));
    });
    return outcome;
  }

  HeldCalls node_;
  std::unique_ptr<ShardNodeServer> server_;
  int port_ = 0;
  std::unique_ptr<GrpcShardClient> client_;
};

TEST_F(GrpcShardClientTest, ACallEndsAtItsDeadlineThoughTheNodeIsSilentAndALateReplyIsDropped) {
  const auto begin = std::chrono::steady_clock::now();
  const auto search = StartSearch(DeadlineIn(milliseconds(80)));
  const auto write = StartWrite(DeadlineIn(milliseconds(80)));
  node_.WaitForCalls(2);
  ExpectError(search->future.get().status(), absl::StatusCode::kDeadlineExceeded,
              reason::kDeadline);
  ExpectError(write->future.get().status(), absl::StatusCode::kDeadlineExceeded,
              reason::kUnknownOutcome);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(5));
  node_.Release();  // the late replies: a second `done` would throw in the promise
  EXPECT_TRUE(SearchNow(*client_, ASearch()).ok());
}

// The stream of a hung node is never established, and before that nothing is written.
TEST_F(GrpcShardClientTest, AWriteThatWasNeverSentIsNotInDoubt) {
  const SilentPort silent;
  GrpcShardClient client(silent.address());
  ExpectError(WriteNow(client, AWrite(), DeadlineIn(milliseconds(80))).status(),
              absl::StatusCode::kDeadlineExceeded, reason::kDeadline);
}

TEST_F(GrpcShardClientTest, WhatExpiresWhileItWaitsMakesRoomForOthers) {
  const SilentPort silent;
  GrpcShardClient client(silent.address());
  for (int i = 0; i < 8; ++i) {  // of which six at a time may wait
    const WriteCall call = AWrite(limits::kWriteQueueBytesMax / 6);
    ExpectError(WriteNow(client, call, DeadlineIn(milliseconds(40))).status(),
                absl::StatusCode::kDeadlineExceeded, reason::kDeadline);
  }
}

// The stream of a node that stops ends with DRAINING, and whatever comes by it says so.
TEST_F(GrpcShardClientTest, ACallThatADrainedStreamCutsOffSaysThatTheNodeIsStopping) {
  node_.Release();
  ASSERT_TRUE(SearchNow(*client_, ASearch()).ok());  // the stream is open
  std::atomic<bool> stop{false};
  std::atomic<int> draining{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      while (!stop) {
        const absl::Status status = SearchNow(*client_, ASearch()).status();
        if (ReasonOf(status) == reason::kDraining) ++draining;
      }
    });
  }
  for (int round = 0; round < 100 && draining == 0; ++round) {
    server_->Shutdown(DeadlineIn(seconds(5)));
    server_.reset();
    server_ = Serve(node_, port_);
    std::this_thread::sleep_for(milliseconds(50));
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_GT(draining, 0);
}

TEST_F(GrpcShardClientTest, TheNodeSeesTheTimeThatIsLeft) {
  std::atomic<int64_t> left_ms{0};
  struct Clocked final : FakeShardService {
    explicit Clocked(std::atomic<int64_t>& out) : left(out) {}
    void Get(GetCall call, Deadline deadline, Done<GetReply> done) override {
      left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now())
                 .count();
      FakeShardService::Get(std::move(call), deadline, std::move(done));
    }
    std::atomic<int64_t>& left;
  } node(left_ms);
  const auto server = Serve(node);
  GrpcShardClient client(fmt::format("127.0.0.1:{}", server->port()));
  GetCall get;
  get.shard = 1;
  EXPECT_FALSE(GetNow(client, get, DeadlineIn(seconds(10))).ok());
  EXPECT_GT(left_ms, 5'000);
  EXPECT_LE(left_ms, 10'000);
}

TEST_F(GrpcShardClientTest, ALostConnectionFailsSearchesAndLeavesWritesOfUnknownOutcome) {
  const auto search = StartSearch();
  const auto write = StartWrite();
  node_.WaitForCalls(2);
  std::thread stopping([&] { server_->Shutdown(DeadlineIn(milliseconds(50))); });
  ExpectError(search->future.get().status(), absl::StatusCode::kUnavailable,
              reason::kShardUnavailable);
  ExpectError(write->future.get().status(), absl::StatusCode::kUnavailable,
              reason::kUnknownOutcome);
  node_.Release();
  stopping.join();
}

TEST_F(GrpcShardClientTest, ADrainedServerLetsCallsEndAndDoesNotWaitForTheOpenStream) {
  const auto search = StartSearch();
  node_.WaitForCalls(1);
  std::thread stopping([&] { server_->Shutdown(DeadlineIn(seconds(20))); });
  std::this_thread::sleep_for(milliseconds(100));
  const auto begin = std::chrono::steady_clock::now();
  node_.Release();
  stopping.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10));
  EXPECT_TRUE(search->future.get().ok());
}

TEST_F(GrpcShardClientTest, AfterARestartTheClientFindsTheNodeAgain) {
  node_.Release();
  EXPECT_TRUE(SearchNow(*client_, ASearch()).ok());
  server_->Shutdown(DeadlineIn(seconds(1)));
  server_.reset();
  ExpectError(SearchNow(*client_, ASearch()).status(), absl::StatusCode::kUnavailable,
              reason::kShardUnavailable);
  server_ = Serve(node_, port_);
  const Deadline give_up = DeadlineIn(seconds(5));
  bool found = false;
  while (!found && std::chrono::steady_clock::now() < give_up) {
    found = SearchNow(*client_, ASearch()).ok();
  }
  EXPECT_TRUE(found);
  EXPECT_TRUE(client_->Stat(1, Soon()).ok());
}

TEST_F(GrpcShardClientTest, WithoutANodeEveryCallSaysSoSoon) {
  server_.reset();
  GrpcShardClient client(fmt::format("127.0.0.1:{}", port_));
  const auto begin = std::chrono::steady_clock::now();
  ExpectError(SearchNow(client, ASearch()).status(), absl::StatusCode::kUnavailable,
              reason::kShardUnavailable);
  ExpectError(WriteNow(client, AWrite()).status(), absl::StatusCode::kUnavailable,
              reason::kShardUnavailable);  // known not to have been written
  ExpectError(client.Stat(1, Soon()).status(), absl::StatusCode::kUnavailable,
              reason::kShardUnavailable);
  ExpectError(client.DropShard(1, Uuid(), Soon()), absl::StatusCode::kUnavailable,
              reason::kShardUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(5));
}

TEST_F(GrpcShardClientTest, DestroyingTheClientAnswersWhatIsInFlight) {
  std::vector<std::shared_ptr<Outcome<SearchReply>>> searches;
  for (int i = 0; i < 100; ++i) searches.push_back(StartSearch());
  node_.WaitForCalls(100);
  client_.reset();
  for (const auto& search : searches) {
    ASSERT_EQ(search->future.wait_for(seconds(0)), std::future_status::ready);
    ExpectError(search->future.get().status(), absl::StatusCode::kUnavailable,
                reason::kShardUnavailable);
  }
}

TEST_F(GrpcShardClientTest, ACallThatIsTooLargeForAMessageIsRefusedAndTheStreamGoesOn) {
  node_.Release();
  WriteCall large = AWrite(limits::kMessageBytesMax);
  ExpectError(WriteNow(*client_, std::move(large)).status(), absl::StatusCode::kInvalidArgument,
              reason::kBatchTooLarge);
  EXPECT_TRUE(SearchNow(*client_, ASearch()).ok());
}

TEST_F(GrpcShardClientTest, AnAnswerThatIsTooLargeForAMessageIsRefusedAndTheStreamGoesOn) {
  node_.Release();
  WriteCall write = AWrite(limits::kMessageBytesMax / 2);
  ASSERT_TRUE(WriteNow(*client_, write).ok());
  GetCall get;
  get.shard = 1;
  for (int i = 0; i < 5; ++i) get.keys += write.keys;
  node_.Put(1, PointKey::FromNumber(1), std::string(20 << 20, 'v'));
  get.with_vector = true;
  ExpectError(GetNow(*client_, get).status(), absl::StatusCode::kResourceExhausted,
              reason::kBatchTooLarge);
  EXPECT_TRUE(SearchNow(*client_, ASearch(1)).ok());
}

TEST_F(GrpcShardClientTest, AMalformedCallIsRefusedByFieldAndTheStreamGoesOn) {
  node_.Release();
  WriteCall bad = AWrite();
  bad.keys.pop_back();
  const absl::Status status = WriteNow(*client_, bad).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(FactOf(status, kFieldFact), "keys");
  EXPECT_TRUE(SearchNow(*client_, ASearch()).ok());
}

TEST_F(GrpcShardClientTest, AMalformedReplyIsAnErrorOfItsOwn) {
  node_.Release();
  node_.Put(1, PointKey::FromNumber(1), std::string(16, '\0'));
  node_.Corrupt("Search");  // a score less than there are keys
  const absl::Status status = SearchNow(*client_, ASearch()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
}

TEST_F(GrpcShardClientTest, TheFactsOfAnErrorComeAcross) {
  node_.Release();
  node_.Fail("Write", Error(absl::StatusCode::kResourceExhausted, reason::kDiskFull, "full",
                            {{kRetryAfterMsFact, "700"}, {"free_bytes", "3"}}));
  node_.Fail("Stat",
             Error(absl::StatusCode::kDataLoss, reason::kCorruption, "bad", {{"file", "x"}}));
  const absl::Status write = WriteNow(*client_, AWrite()).status();
  ExpectError(write, absl::StatusCode::kResourceExhausted, reason::kDiskFull);
  EXPECT_EQ(FactOf(write, kRetryAfterMsFact), "700");
  EXPECT_EQ(FactOf(write, "free_bytes"), "3");
  const absl::Status stat = client_->Stat(1, Soon()).status();
  ExpectError(stat, absl::StatusCode::kDataLoss, reason::kCorruption);
  EXPECT_EQ(FactOf(stat, "file"), "x");
}

TEST_F(GrpcShardClientTest, AnAdministrativeCallEndsAtItsDeadline) {
  node_.SetDelay(milliseconds(300));
  ExpectError(client_->Stat(1, DeadlineIn(milliseconds(50))).status(),
              absl::StatusCode::kDeadlineExceeded, reason::kDeadline);
}

TEST_F(GrpcShardClientTest, OneShardsCallsDoNotWaitForAnothers) {
  // Shard 2 exists only to have a stream of its own.
  const auto held = StartSearch();
  node_.WaitForCalls(1);
  EXPECT_EQ(GetNow(*client_, {.shard = 2, .incarnation = {}, .keys = ""}).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(held->future.wait_for(seconds(0)), std::future_status::timeout);
  node_.Release();
  EXPECT_TRUE(held->future.get().ok());
}

TEST_F(GrpcShardClientTest, MoreCallsThanMayWaitAreRefused) {
  std::atomic<int> refused{0};
  std::atomic<int> answered{0};
  constexpr int kCalls = limits::kSearchQueueMax + limits::kWriteQueueMax + 100;
  for (int i = 0; i < kCalls; ++i) {
    client_->Search(ASearch(), Soon(), [&](absl::StatusOr<SearchReply> reply) {
      if (ReasonOf(reply.status()) == reason::kQueueFull) ++refused;
      ++answered;
    });
  }
  while (refused < 100) std::this_thread::sleep_for(milliseconds(1));
  node_.Release();
  while (answered < kCalls) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(refused, 100);
}

TEST_F(GrpcShardClientTest, UnderRestartsAndShortDeadlinesEveryCallEndsExactlyOnce) {
  node_.Release();
  constexpr int kThreads = 4;
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> started{0};
  std::atomic<uint64_t> ended{0};
  std::atomic<uint64_t> good{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < kThreads; ++t) {
    callers.emplace_back([&, t] {
      std::mt19937 random(static_cast<uint32_t>(t));
      while (!stop) {
        const Deadline deadline = DeadlineIn(std::chrono::microseconds(random() % 5000));
        auto once = std::make_shared<std::atomic<int>>(0);
        ++started;
        const auto finish = [&, once](const absl::Status& status) {
          EXPECT_EQ(once->fetch_add(1), 0);
          if (status.ok()) ++good;
          ++ended;
        };
        if (random() % 2 == 0) {
          client_->Search(ASearch(), deadline, [finish](const auto& r) { finish(r.status()); });
        } else {
          client_->Write(AWrite(), deadline, [finish](const auto& r) { finish(r.status()); });
        }
        if (random() % 8 == 0) std::this_thread::sleep_for(milliseconds(1));
      }
    });
  }
  for (int restart = 0; restart < 4; ++restart) {
    std::this_thread::sleep_for(milliseconds(200));
    server_->Shutdown(DeadlineIn(milliseconds(restart % 2 == 0 ? 0 : 100)));
    server_.reset();
    server_ = Serve(node_, port_);
  }
  std::this_thread::sleep_for(milliseconds(200));
  stop = true;
  for (std::thread& caller : callers) caller.join();
  client_.reset();
  EXPECT_EQ(ended, started);
  EXPECT_GT(good, 0u);
}

// None of gRPC's threads may be the one that lets a channel go (stream_attempt.h). A failure needs
// bad luck with the scheduler: it is a stress test.
TEST_F(GrpcShardClientTest, AClientMayBeMadeAndDestroyedManyTimes) {
  client_.reset();
  server_.reset();
  for (int i = 0; i < 100; ++i) {
    FakeShardService node;
    const auto server = Serve(node);
    GrpcShardClient client(fmt::format("127.0.0.1:{}", server->port()));
    EXPECT_EQ(SearchNow(client, ASearch()).status().code(), absl::StatusCode::kNotFound);
  }
}

}  // namespace
}  // namespace kith::testing
