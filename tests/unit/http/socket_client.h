#ifndef KITH_TESTS_UNIT_HTTP_SOCKET_CLIENT_H_
#define KITH_TESTS_UNIT_HTTP_SOCKET_CLIENT_H_

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace kith::testing {

// A connection on which a test says what no HTTP library would.
class SocketClient {
 public:
  explicit SocketClient(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
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
    for (ssize_t got = 0; (got = recv(fd_, buffer, sizeof(buffer), 0)) > 0;) {
      answer.append(buffer, static_cast<size_t>(got));
    }
    return answer;
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
  const int fd_;
  bool is_connected_ = false;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_UNIT_HTTP_SOCKET_CLIENT_H_
