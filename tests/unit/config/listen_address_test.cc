#include "common/config/listen_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kith::config {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ListenAddressTest, HostAndPortAreTakenApart) {
  const auto v4 = ListenAddress::Parse("x", "127.0.0.1:80");
  ASSERT_TRUE(v4.ok());
  EXPECT_EQ(v4->host, "127.0.0.1");
  EXPECT_EQ(v4->port, 80);
  const auto v6 = ListenAddress::Parse("x", "[::1]:65535");
  ASSERT_TRUE(v6.ok());
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 65535);
}

TEST(ListenAddressTest, WhatIsNoAddressIsRefused) {
  for (const char* text : {"", ":1", "host", "host:", "host:65536", "host:-1", "host:1x", "::1:80",
                           "[]:1", "a b:1", "unix:/tmp/x", "host:99999999999"}) {
    EXPECT_FALSE(ListenAddress::Parse("grpc.listen", text).ok()) << text;
  }
}

TEST(ListenAddressTest, OnlyTheMachinesOwnAddressesAreLoopback) {
  const auto loopback = [](const char* text) {
    return ListenAddress::Parse("x", text)->is_loopback();
  };
  EXPECT_TRUE(loopback("127.0.0.1:1"));
  EXPECT_TRUE(loopback("127.255.0.3:1"));
  EXPECT_TRUE(loopback("[::1]:1"));
  EXPECT_TRUE(loopback("localhost:1"));
  EXPECT_FALSE(loopback("0.0.0.0:1"));
  EXPECT_FALSE(loopback("[::]:1"));
  EXPECT_FALSE(loopback("128.0.0.1:1"));
  EXPECT_FALSE(loopback("127.example.org:1"));
  EXPECT_FALSE(loopback("*:1"));
}

TEST(ListenAddressTest, AUsedPortIsNamedWithTheRemedy) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  socklen_t size = sizeof(address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  const std::string used = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
  EXPECT_THAT(std::string(CheckCanListen("http.listen", used).message()),
              AllOf(HasSubstr("http.listen"), HasSubstr(used), HasSubstr("another process")));
  close(fd);
  EXPECT_TRUE(CheckCanListen("http.listen", used).ok());
  EXPECT_FALSE(CheckCanListen("http.listen", "192.0.2.1:7430").ok());
}

}  // namespace
}  // namespace kith::config
