#include "coordinator/http/limited_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/http/rest_error.h"

namespace kith::http {
namespace {

constexpr HttpLimits::Time kAskThreadsEvery{
    50};  // whether the server stops or others need the thread

std::string Written(const HttpAnswer& answer) {
  std::string text = "HTTP/1.1 " + std::to_string(answer.code) + " " + ReasonPhrase(answer.code) +
                     "\r\nContent-Type: " + answer.content_type +
                     "\r\nContent-Length: " + std::to_string(answer.body.size()) +
                     "\r\nConnection: close\r\n";
  for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
  return text + "\r\n" + answer.body;
}

HttpAnswer AnswerTo(ConnectionStream::Trouble trouble) {
  if (trouble == ConnectionStream::Trouble::kHeadTooLarge) {
    return ErrorAnswer(Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
                             "the request line and headers are too long"),
                       431);
  }
  if (trouble == ConnectionStream::Trouble::kStopping) {
    return ErrorAnswer(
        Error(absl::StatusCode::kUnavailable, reason::kDraining, "the process stops"));
  }
  return ErrorAnswer(Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                           "the request did not arrive in time; nothing was done"),
                     408);
}

}  // namespace

LimitedServer::LimitedServer(const HttpLimits& limits, SSL_CTX* tls) : limits_(limits), tls_(tls) {
  new_task_queue = [this]() -> httplib::TaskQueue* {
    auto* const threads =
        new ConnectionThreads({.threads_max = limits_.calls_max + limits_.page_threads,
                               .waiting_max = limits_.waiting_connections_max});
    accepting_ = std::this_thread::get_id();
    threads_ = threads;
    return threads;  // the library deletes it
  };
}

bool LimitedServer::IsCrowded() const {
  const ConnectionThreads* const threads = threads_.load();
  return threads != nullptr &&
         threads->connections() > limits_.page_threads + limits_.calls_max / 2;
}

void LimitedServer::TurnAway(socket_t socket) const {
  static const std::string kText = Written(
      ErrorAnswer(Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull,
                        "too many connections; try again later", {{kRetryAfterMsFact, "1000"}})));
  send(socket, kText.data(), kText.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  shutdown(socket, SHUT_RDWR);
  close(socket);
}

bool LimitedServer::AwaitNext(ConnectionStream& stream) const {
  const auto until = std::chrono::steady_clock::now() + limits_.keep_alive;
  while (svr_sock_ != INVALID_SOCKET && std::chrono::steady_clock::now() < until) {
    if (stream.AwaitRequest(kAskThreadsEvery)) return true;
    if (IsCrowded()) return false;
  }
  return false;
}

LimitedServer::After LimitedServer::ServeRequest(ConnectionStream& stream, After wanted) {
  stream.BeginHead();
  bool is_closed = false;
  const auto set_up = [&stream](httplib::Request& request) {
    stream.BeginBody();
    request.ranges.clear();
    request.headers.erase("Range");
    request.headers.erase("Accept-Encoding");
    request.progress = [&stream](uint64_t, uint64_t) { return stream.IsCallerThere(); };
  };
  const bool is_written = process_request(stream, wanted == After::kClose, is_closed, set_up);
  if (stream.trouble() != ConnectionStream::Trouble::kNone) {
    stream.WriteFarewell(Written(AnswerTo(stream.trouble())));
    return After::kClose;
  }
  // After a refusal nobody knows where a body that was not read ends.
  const bool is_whole = is_written && !is_closed && stream.answered() < 400;
  return is_whole ? wanted : After::kClose;
}

bool LimitedServer::process_and_close_socket(socket_t socket) {
  if (std::this_thread::get_id() == accepting_.load()) {
    TurnAway(socket);
    return false;
  }
  ConnectionStream stream(
      {socket, tls_ == nullptr ? PlainTransport(socket) : TlsTransport(socket, tls_)}, limits_,
      [this] { return svr_sock_ == INVALID_SOCKET; });
  bool has_request = stream.AwaitRequest(limits_.first_byte);
  for (size_t left = limits_.requests_a_connection; has_request; --left) {
    const After wanted = left == 1 || IsCrowded() ? After::kClose : After::kKeep;
    has_request = ServeRequest(stream, wanted) == After::kKeep && AwaitNext(stream);
  }
  stream.Close();
  return true;
}

}  // namespace kith::http
