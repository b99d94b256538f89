#ifndef KITH_TESTS_UNIT_HTTP_SOCKET_CLIENT_H_
#define KITH_TESTS_UNIT_HTTP_SOCKET_CLIENT_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

namespace kith::testing {

// A connection on which a test says what no HTTP library would.
class SocketClient {
 public:
  // `from` is of 127.0.0.0/8: an address has 28,000 ports, and who hangs up first blocks one for a
  // minute.
  explicit SocketClient(int port, in_addr_t from = INADDR_LOOPBACK)
      : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const int yes = 1;
    setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
    const sockaddr_in own = At(from, 0);
    const sockaddr_in server = At(INADDR_LOOPBACK, port);
    is_connected_ =
        bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof(own)) == 0 &&
        (connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof(server)) == 0 ||
         (errno == EINTR && IsConnectedInTheEnd()));
    // A test that waits for what never comes fails instead of hanging.
    const timeval patience{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  SocketClient(const SocketClient&) = delete;
  SocketClient& operator=(const SocketClient&) = delete;
  ~SocketClient() { close(fd_); }

  bool is_connected() const { return is_connected_; }

  // False once the server has closed the connection.
  bool Send(std::string_view text) const {
    return send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  // Everything until the server closes the connection.
  std::string ReadAll() const {
    std::string answer;
    char buffer[4096];
    for (;;) {
      const ssize_t got = recv(fd_, buffer, sizeof(buffer), 0);
      if (got < 0 && errno == EINTR) continue;  // libFuzzer has an alarm
      if (got <= 0) return answer;
      answer.append(buffer, static_cast<size_t>(got));
    }
  }
  // Until `end` has been read.
  std::string ReadUntil(std::string_view end) const {
    std::string answer;
    char byte = 0;
    while (answer.find(end) == std::string::npos && recv(fd_, &byte, 1, 0) == 1) answer += byte;
    return answer;
  }
  void CloseWriting() const { shutdown(fd_, SHUT_WR); }

  // A whole exchange: "GET /livez", more headers each with its CRLF, and a body.
  static std::string Exchange(int port, const std::string& line, const std::string& headers = "",
                              const std::string& body = "") {
    const SocketClient client(port);
    if (!client.is_connected()) return "";
    client.Send(line + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + headers + "\r\n" +
                body);
    return client.ReadAll();
  }
  static std::string Json(int port, const std::string& line, const std::string& body) {
    return Exchange(
        port, line,
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n",
        body);
  }

 private:
  bool IsConnectedInTheEnd() const {
    pollfd one{fd_, POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof(error);
    while (poll(&one, 1, 20'000) < 0 && errno == EINTR) {
    }
    return one.revents != 0 && getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
           error == 0;
  }
  static sockaddr_in At(in_addr_t host, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(host);
    return address;
  }

  const int fd_;
  bool is_connected_ = false;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_UNIT_HTTP_SOCKET_CLIENT_H_
