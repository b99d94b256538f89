#include "coordinator/http/http_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/http/http_server.h"
#include "tests/unit/http/fake_calls.h"
#include "tests/unit/http/socket_client.h"

namespace kith::http {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SocketClient;
using ::testing::StartsWith;

constexpr char kPut[] = "PUT /v1/collections/c/points HTTP/1.1\r\nHost: 127.0.0.1\r\n";
constexpr char kTyped[] = "Content-Type: application/json\r\n";

// A server with limits that a test reaches.
class HttpLimitsTest : public ::testing::Test {
 protected:
  HttpLimitsTest() {
    limits_.body_bytes_max = 100'000;
    limits_.head = limits_.body_pause = milliseconds(300);
    limits_.body = milliseconds(800);
    limits_.first_byte = limits_.keep_alive = milliseconds(300);
    limits_.farewell = milliseconds(200);
  }
  void Start() {
    gateway_ = *RestGateway::Make({.body_bytes_max = limits_.body_bytes_max}, "1.2.3");
    gateway_->Open(calls_);
    server_ =
        *HttpServer::Start({.host = "127.0.0.1", .limits = limits_}, {[] { return std::string(); },
                                                                      [] {
                                                                        return Readiness{true, ""};
                                                                      },
                                                                      gateway_.get()});
  }
  int port() const { return server_->port(); }
  // What a server that is still well says.
  void ExpectWell() const {
    EXPECT_THAT(SocketClient::Exchange(port(), "GET /livez"), StartsWith("HTTP/1.1 200"));
  }

  HttpLimits limits_;
  const std::shared_ptr<testing::FakeCalls> calls_ = std::make_shared<testing::FakeCalls>();
  std::unique_ptr<RestGateway> gateway_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpLimitsTest, ABodyOfTwoGigabytesIsRefusedBeforeAByteOfIt) {
  Start();
  const SocketClient client(port());
  const auto begin = std::chrono::steady_clock::now();
  client.Send(std::string(kPut) + kTyped + "Content-Length: 2147483648\r\n\r\n");
  EXPECT_THAT(client.ReadAll(), AllOf(StartsWith("HTTP/1.1 413"), HasSubstr("BATCH_TOO_LARGE"),
                                      HasSubstr("Connection: close")));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, limits_.body_pause + milliseconds(500));
}

TEST_F(HttpLimitsTest, ACallerThatAsksFirstIsRefusedBeforeItSends) {
  Start();
  const SocketClient large(port());
  large.Send(std::string(kPut) + kTyped + "Expect: 100-continue\r\nContent-Length: 200000\r\n\r\n");
  EXPECT_THAT(large.ReadAll(), AllOf(StartsWith("HTTP/1.1 413"), HasSubstr("BATCH_TOO_LARGE")));
  const SocketClient small(port());
  small.Send(std::string(kPut) + kTyped + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_THAT(small.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 100"));
  small.Send("{}");
  EXPECT_THAT(small.ReadUntil("\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpLimitsTest, ABodyInChunksIsCutAtTheLimit) {
  Start();
  const SocketClient client(port());
  client.Send(std::string(kPut) + kTyped + "Transfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "4000\r\n" + std::string(0x4000, ' ') + "\r\n";
  int sent = 0;
  while (sent < 1000 && client.Send(chunk)) ++sent;  // 16 MB, if anybody read them
  EXPECT_THAT(client.ReadAll(), AllOf(StartsWith("HTTP/1.1 413"), HasSubstr("BATCH_TOO_LARGE")));
  EXPECT_THAT(calls_->calls(), IsEmpty());
}

TEST_F(HttpLimitsTest, ABodyInChunksThatFitsIsTaken) {
  Start();
  const SocketClient client(port());
  client.Send(std::string(kPut) + kTyped +
              "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpLimitsTest, AChunkWithoutASizeOrWithAnEndlessOneIsRefused) {
  Start();
  const SocketClient broken(port());
  broken.Send(std::string(kPut) + kTyped + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n");
  EXPECT_THAT(broken.ReadAll(), StartsWith("HTTP/1.1 400"));
  const SocketClient endless(port());
  endless.Send(std::string(kPut) + kTyped + "Transfer-Encoding: chunked\r\n\r\n" +
               std::string(20'000, '0'));
  EXPECT_THAT(endless.ReadAll(), StartsWith("HTTP/1.1 400"));
}

TEST_F(HttpLimitsTest, ABodyThatStopsIsGivenUp) {
  Start();
  const SocketClient client(port());
  client.Send(std::string(kPut) + kTyped + "Content-Length: 100\r\n\r\n{");
  EXPECT_THAT(client.ReadAll(), AllOf(StartsWith("HTTP/1.1 408"), HasSubstr("DEADLINE")));
  EXPECT_THAT(calls_->calls(), IsEmpty());
}

TEST_F(HttpLimitsTest, ABodyThatDripsIsGivenUpHoweverSteadily) {
  Start();
  const SocketClient client(port());
  client.Send(std::string(kPut) + kTyped + "Content-Length: 1000\r\n\r\n{");
  const auto begin = std::chrono::steady_clock::now();
  std::atomic<bool> has_answer{false};
  std::thread dripping([&] {
    while (!has_answer && client.Send(" ")) std::this_thread::sleep_for(milliseconds(50));
  });
  EXPECT_THAT(client.ReadUntil("\r\n"), StartsWith("HTTP/1.1 408"));
  has_answer = true;
  dripping.join();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, limits_.body);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST_F(HttpLimitsTest, AStopDoesNotWaitForABody) {
  limits_.body_pause = limits_.body = std::chrono::seconds(60);
  Start();
  const SocketClient client(port());
  client.Send(std::string(kPut) + kTyped + "Expect: 100-continue\r\nContent-Length: 100\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 100"));
  const auto begin = std::chrono::steady_clock::now();
  server_->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_THAT(client.ReadAll(), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("DRAINING")));
}

TEST_F(HttpLimitsTest, AHeadThatDripsIsGivenUp) {
  Start();
  const SocketClient client(port());
  client.Send("GET /livez HTTP/1.1\r\nX: ");
  std::atomic<bool> has_answer{false};
  std::thread dripping([&] {
    while (!has_answer && client.Send("x")) std::this_thread::sleep_for(milliseconds(20));
  });
  EXPECT_THAT(client.ReadUntil("\r\n"), StartsWith("HTTP/1.1 408"));
  has_answer = true;
  dripping.join();
}

TEST_F(HttpLimitsTest, AHeadThatIsTooLongIsRefused) {
  Start();
  const SocketClient endless(port());  // a line without an end
  endless.Send("GET /livez HTTP/1.1\r\nX: " + std::string(9000, 'x'));
  EXPECT_THAT(endless.ReadAll(), StartsWith("HTTP/1.1 431"));
  const SocketClient path(port());
  path.Send("GET /" + std::string(9000, 'x'));
  EXPECT_THAT(path.ReadAll(), StartsWith("HTTP/1.1 431"));
  const SocketClient many(port());
  std::string head = "GET /livez HTTP/1.1\r\n";
  for (int i = 0; i < 5000; ++i) head += "X-" + std::to_string(i) + ": y\r\n";
  many.Send(head);
  EXPECT_THAT(many.ReadAll(), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(SocketClient::Exchange(port(), "GET /v1/" + std::string(2000, 'x')),
              StartsWith("HTTP/1.1 414"));
  ExpectWell();
}

TEST_F(HttpLimitsTest, CallsThatWaitDoNotKeepThePagesFromAnswering) {
  limits_.calls_max = 2;
  limits_.page_threads = 2;
  Start();
  std::atomic<bool> may_end{false};
  calls_->answer = [&](const RestCall&) {
    while (!may_end) std::this_thread::sleep_for(milliseconds(2));
    return RestReply{};
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&] {
      EXPECT_THAT(SocketClient::Json(port(), "POST /v1/collections/c/points:count", "{}"),
                  StartsWith("HTTP/1.1 200"));
    });
  }
  while (calls_->calls().size() < 2) std::this_thread::sleep_for(milliseconds(2));
  ExpectWell();
  EXPECT_THAT(SocketClient::Json(port(), "POST /v1/collections/c/points:count", "{}"),
              AllOf(StartsWith("HTTP/1.1 429"), HasSubstr("QUEUE_FULL"), HasSubstr("Retry-After")));
  EXPECT_THAT(SocketClient::Exchange(port(), "GET /v1/collections"), StartsWith("HTTP/1.1 429"));
  may_end = true;
  for (std::thread& caller : callers) caller.join();
}

TEST_F(HttpLimitsTest, TheBodiesOfAllCallsTogetherAreBounded) {
  limits_.all_bodies_bytes_max = 50'000;
  Start();
  EXPECT_THAT(SocketClient::Json(port(), "PUT /v1/collections/c/points", std::string(60'000, ' ')),
              AllOf(StartsWith("HTTP/1.1 429"), HasSubstr("QUEUE_FULL")));
  EXPECT_THAT(SocketClient::Json(port(), "PUT /v1/collections/c/points", std::string(40'000, ' ')),
              StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(SocketClient::Json(port(), "PUT /v1/collections/c/points", std::string(40'000, ' ')),
              StartsWith("HTTP/1.1 200"))
      << "the room of the one before is free again";
}

TEST_F(HttpLimitsTest, ConnectionsBeyondThoseThatMayWaitAreTurnedAway) {
  limits_.calls_max = 1;
  limits_.page_threads = 1;
  limits_.waiting_connections_max = 2;
  limits_.first_byte = milliseconds(3000);
  Start();
  std::vector<std::unique_ptr<SocketClient>> idle;
  // Two have threads, two wait.
  for (int i = 0; i < 4; ++i) {
    idle.push_back(std::make_unique<SocketClient>(port()));
    std::this_thread::sleep_for(milliseconds(50));
  }
  const SocketClient late(port());
  EXPECT_THAT(late.ReadAll(), AllOf(StartsWith("HTTP/1.1 429"), HasSubstr("QUEUE_FULL")));
}

}  // namespace
}  // namespace kith::http
