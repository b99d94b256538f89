#include "coordinator/http/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

namespace kith::http {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A socket, or -1.
int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

// The whole answer to one request, over a plain socket.
std::string Fetch(int port, const std::string& request_line) {
  const int fd = Connect(port);
  if (fd < 0) return "";
  const std::string request = request_line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
    answer.append(buffer, static_cast<size_t>(got));
  }
  close(fd);
  return answer;
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
  EXPECT_THAT(Fetch(port, "GET /healthz"), StartsWith("HTTP/1.1 200"));
  const std::string loading = Fetch(port, "GET /readyz");
  EXPECT_THAT(loading, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(loading, HasSubstr("shard 3 is loading"));
  ready = true;
  EXPECT_THAT(Fetch(port, "GET /readyz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Fetch(port, "GET /metrics"), HasSubstr("kith_up 1"));
  EXPECT_THAT(Fetch(port, "GET /nothing"), StartsWith("HTTP/1.1 404"));
}

TEST(HttpServerTest, AUsedPortIsAnErrorAndAFreedOneIsNot) {
  const HttpPages pages{[] { return std::string(); }, [] { return Readiness{}; }};
  auto first = HttpServer::Start({.host = "127.0.0.1"}, pages);
  ASSERT_TRUE(first.ok()) << first.status();
  const int port = (*first)->port();
  const auto second = HttpServer::Start({.host = "127.0.0.1", .port = port}, pages);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  (*first)->Stop();
  EXPECT_EQ(Fetch(port, "GET /livez"), "");
  EXPECT_TRUE(HttpServer::Start({.host = "127.0.0.1", .port = port}, pages).ok());
}

TEST(HttpServerTest, IdleConnectionsDelayAPageByASecondOrTwoAtMost) {
  const auto server = HttpServer::Start({.host = "127.0.0.1"},
                                        {[] { return std::string(); }, [] { return Readiness{}; }});
  ASSERT_TRUE(server.ok()) << server.status();
  std::vector<int> idle;
  for (int i = 0; i < 10; ++i) idle.push_back(Connect((*server)->port()));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(Fetch((*server)->port(), "GET /livez"), StartsWith("HTTP/1.1 200"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  for (const int fd : idle) close(fd);
}

TEST(HttpServerTest, StoppingRightAfterStartingEnds) {
  for (int i = 0; i < 20; ++i) {
    const auto server = HttpServer::Start(
        {.host = "127.0.0.1"}, {[] { return std::string(); }, [] { return Readiness{}; }});
    ASSERT_TRUE(server.ok()) << server.status();
  }
}

}  // namespace
}  // namespace kith::http
