#include "coordinator/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/http/fake_calls.h"
#include "tests/unit/http/socket_client.h"

namespace kith::http {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using testing::SocketClient;
using ::testing::StartsWith;

std::string Fetch(int port, const std::string& line) { return SocketClient::Exchange(port, line); }

HttpPages NoPages() {
  return {[] { return std::string(); }, [] { return Readiness{}; }};
}

TEST(HttpServerTest, ThePagesSayWhatTheProcessSays) {
  std::atomic<bool> ready{false};
  const auto server = HttpServer::Start({.host = "127.0.0.1"},
                                        {.metrics = [] { return std::string("kith_up 1\n"); },
                                         .ready =
                                             [&] {
                                               return Readiness{ready, "shard 3 is loading"};
                                             }});
  ASSERT_TRUE(server.ok()) << server.status();
  const int port = (*server)->port();
  EXPECT_THAT(Fetch(port, "GET /livez"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Fetch(port, "HEAD /livez"), AllOf(StartsWith("HTTP/1.1 200"), Not(HasSubstr("ok"))));
  EXPECT_THAT(Fetch(port, "GET /healthz"), StartsWith("HTTP/1.1 200"));
  const std::string loading = Fetch(port, "GET /readyz");
  EXPECT_THAT(loading, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(loading, HasSubstr("shard 3 is loading"));
  ready = true;
  EXPECT_THAT(Fetch(port, "GET /readyz?verbose"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Fetch(port, "GET /metrics"), HasSubstr("kith_up 1"));
  EXPECT_THAT(Fetch(port, "GET /nothing"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Fetch(port, "GET /v1/collections"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Fetch(port, "POST /metrics"),
              AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, HEAD")));
}

TEST(HttpServerTest, AUsedPortIsAnErrorAndAFreedOneIsNot) {
  auto first = HttpServer::Start({.host = "127.0.0.1"}, NoPages());
  ASSERT_TRUE(first.ok()) << first.status();
  const int port = (*first)->port();
  const auto second = HttpServer::Start({.host = "127.0.0.1", .port = port}, NoPages());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  (*first)->Stop();
  EXPECT_EQ(Fetch(port, "GET /livez"), "");
  EXPECT_TRUE(HttpServer::Start({.host = "127.0.0.1", .port = port}, NoPages()).ok());
}

TEST(HttpServerTest, IdleConnectionsDelayAPageByASecondOrTwoAtMost) {
  HttpLimits limits;
  limits.calls_max = 4;
  limits.page_threads = 4;
  const auto server = HttpServer::Start({.host = "127.0.0.1", .limits = limits}, NoPages());
  ASSERT_TRUE(server.ok()) << server.status();
  std::vector<std::unique_ptr<SocketClient>> idle;
  for (int i = 0; i < 10; ++i) idle.push_back(std::make_unique<SocketClient>((*server)->port()));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(Fetch((*server)->port(), "GET /livez"), StartsWith("HTTP/1.1 200"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

TEST(HttpServerTest, StoppingRightAfterStartingEnds) {
  for (int i = 0; i < 20; ++i) {
    const auto server = HttpServer::Start({.host = "127.0.0.1"}, NoPages());
    ASSERT_TRUE(server.ok()) << server.status();
  }
}

class RestServerTest : public ::testing::Test {
 protected:
  RestServerTest() {
    gateway_->Open(calls_);
    HttpPages pages = NoPages();
    pages.rest = gateway_.get();
    server_ = *HttpServer::Start({.host = "127.0.0.1"}, pages);
  }
  int port() const { return server_->port(); }

  const std::unique_ptr<RestGateway> gateway_ = *RestGateway::Make({}, "1.2.3");
  const std::shared_ptr<testing::FakeCalls> calls_ = std::make_shared<testing::FakeCalls>();
  std::unique_ptr<HttpServer> server_;
};

TEST_F(RestServerTest, ACallGoesFromHttpToTheServiceAndBack) {
  EXPECT_THAT(SocketClient::Json(port(), "POST /v1/collections/c/points:count", "{}"),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Type: application/json"),
                    HasSubstr("{\"count\":\"0\"}")));
  EXPECT_THAT(Fetch(port(), "GET /v1/collections"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Fetch(port(), "DELETE /v1/collections/c"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Fetch(port(), "POST /v1/collections/c:rollback"), StartsWith("HTTP/1.1 200"));
  ASSERT_EQ(calls_->calls().size(), 4u);
  EXPECT_EQ(calls_->calls()[2].method, "/kith.v1.Collections/DeleteCollection");
  EXPECT_THAT(Fetch(port(), "GET /openapi.json"),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\"openapi\": \"3.0.3\"")));
}

TEST_F(RestServerTest, ACallCarriesTheAddressOfItsCaller) {
  EXPECT_THAT(Fetch(port(), "GET /v1/collections"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(calls_->calls().front().metadata,
              ElementsAre(Pair("x-kith-peer", StartsWith("http:127.0.0.1:"))));
}

TEST_F(RestServerTest, ARangeOrACompressionThatIsAskedForIsNotGiven) {
  const std::string answer = SocketClient::Exchange(
      port(), "GET /v1/collections", "Range: bytes=0-3\r\nAccept-Encoding: gzip, deflate, br\r\n");
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("{\"collections\":[]}"),
                            Not(HasSubstr("Content-Encoding"))));
}

TEST_F(RestServerTest, ManyRequestsShareAConnectionUntilOneIsRefused) {
  const SocketClient client(port());
  const std::string get = "GET /v1/collections HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(client.Send(get));
    EXPECT_THAT(client.ReadUntil("\"collections\":[]}\n"), StartsWith("HTTP/1.1 200"));
  }
  // Two at once, as pipelining clients do.
  ASSERT_TRUE(client.Send(get + get));
  EXPECT_THAT(client.ReadUntil("\"collections\":[]}\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.ReadUntil("\"collections\":[]}\n"), StartsWith("HTTP/1.1 200"));
  ASSERT_TRUE(client.Send("GET /v1/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  EXPECT_THAT(client.ReadAll(), AllOf(StartsWith("HTTP/1.1 404"), HasSubstr("Connection: close")));
}

TEST_F(RestServerTest, ACallWhoseCallerGoesAwayIsNotWantedAnyMore) {
  std::atomic<bool> was_wanted{false};
  std::atomic<bool> was_dropped{false};
  calls_->answer = [&](const RestCall& call) {
    was_wanted = call.is_wanted();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (call.is_wanted() && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    was_dropped = !call.is_wanted();
    return RestReply{};
  };
  {
    const SocketClient client(port());
    client.Send("GET /v1/collections HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    while (calls_->calls().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    while (!was_wanted) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  server_->Stop();
  EXPECT_TRUE(was_dropped);
}

TEST_F(RestServerTest, WhatIsNoHttpIsAnsweredAsAnErrorInJson) {
  for (const char* text : {"GET\r\n\r\n", "FETCH / HTTP/1.1\r\n\r\n", "GET / HTTP/3\r\n\r\n"}) {
    const SocketClient client(port());
    client.Send(text);
    EXPECT_THAT(client.ReadAll(), AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("{\"code\":3")))
        << text;
  }
  EXPECT_THAT(calls_->calls(), IsEmpty());
}

}  // namespace
}  // namespace kith::http
