// Bytes on a connection to the HTTP port, then its end: what is read as requests is answered by a
// gateway as `rest_request` has it.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "coordinator/http/http_server.h"
#include "tests/fuzz/checked_calls.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/target.h"
#include "tests/unit/http/socket_client.h"

namespace kith::fuzz {
namespace {

// Nobody is waited for: all that a caller has to say is there when it is read.
http::HttpLimits QuickLimits() {
  constexpr std::chrono::milliseconds kSoon{500};
  http::HttpLimits limits;
  limits.first_byte = limits.head = limits.body_pause = limits.keep_alive = kSoon;
  limits.farewell = std::chrono::milliseconds(10);
  return limits;
}

class HttpPort {
 public:
  HttpPort() {
    gateway_->Open(std::make_shared<CheckedCalls>());
    server_ = *http::HttpServer::Start({.host = "127.0.0.1", .limits = QuickLimits()},
                                       {[] { return std::string("metric 1\n"); },
                                        [] {
                                          return http::Readiness{true, ""};
                                        },
                                        gateway_.get()});
  }

  void Take(std::string_view bytes) {
    // Connections come sooner than one address has ports again.
    const testing::SocketClient client(server_->port(), INADDR_LOOPBACK + taken_++ % 100);
    if (!client.is_connected()) {
      Require(false, (std::string("the port takes connections: ") + strerror(errno)).c_str());
    }
    // It may have heard enough before it has all of it.
    (void)client.Send(bytes);
    client.CloseWriting();
    const std::string answer = client.ReadAll();
    Require(answer.empty() || answer.starts_with("HTTP/1.1 "), "an answer is HTTP");
    Require(!answer.starts_with("HTTP/1.1 5"), "no request brings an error of the server's own");
  }

 private:
  const std::unique_ptr<http::RestGateway> gateway_ = *http::RestGateway::Make({}, "1");
  std::unique_ptr<http::HttpServer> server_;
  uint32_t taken_ = 0;
};

std::string Sent(const std::string& line, const std::string& body) {
  return line +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

std::vector<std::string> Seeds() {
  const std::string points = "/v1/collections/c/points";
  return {
      "GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /metrics HTTP/1.0\r\nConnection: close\r\n\r\n",
      "HEAD /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n",
      Sent("POST " + points + ":get", R"({"ids":[{"number":"7"}]})") +
          Sent("PUT " + points, R"({"points":[{"id":{"number":"7"},"vector":{"values":[1]}}]})"),
      "POST " + points +
          ":count HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
          "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;a=b\r\n}\r\n0\r\nTrailer: x\r\n\r\n",
      "POST " + points +
          ":count HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
          "Expect: 100-continue\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
      "POST " + points +
          ":get HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
          "Content-Length: 60\r\n\r\n--b\r\nContent-Disposition: form-data; "
          "name=\"a\"\r\n\r\nx\r\n--b--",
      "GET " + points +
          "?limit=1&pageToken=%41 HTTP/1.1\r\nHost: [::1]:1\r\n"
          "Range: bytes=0-1\r\nAccept-Encoding: gzip\r\n\r\n"};
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith;
  static fuzz::HttpPort port;
  fuzz::QuietLog();
  port.Take({reinterpret_cast<const char*>(data), size});
  return 0;
}
