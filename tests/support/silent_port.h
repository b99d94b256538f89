#ifndef KITH_TESTS_SUPPORT_SILENT_PORT_H_
#define KITH_TESTS_SUPPORT_SILENT_PORT_H_

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace kith::testing {

// A port of this machine where connections are accepted and nothing is ever said: a hung process.
class SilentPort {
 public:
  SilentPort() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(socket_, 16), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentPort() { close(socket_); }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;

  std::string address() const { return fmt::format("127.0.0.1:{}", port_); }

 private:
  const int socket_;
  int port_ = 0;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_SUPPORT_SILENT_PORT_H_
