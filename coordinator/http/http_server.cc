#include "coordinator/http/http_server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/http/call_room.h"
#include "coordinator/http/limited_server.h"
#include "coordinator/http/rest_error.h"

namespace kith::http {
namespace {

using httplib::Request;
using httplib::Response;
using Routed = httplib::Server::HandlerResponse;

constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kMetrics[] = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kRestPrefix = "/v1/";
constexpr char kAnyPath[] = R"([\s\S]*)";
// The library matches paths by std::regex, which recurses for every byte.
constexpr size_t kPathBytesMax = 1024;
constexpr std::string_view kTooManyCalls = "too many REST calls are under way";

void Write(HttpAnswer answer, Response& response) {
  response.status = answer.code;
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  response.set_header("Content-Type", answer.content_type);
  response.body = std::move(answer.body);
}

std::string PeerOf(const Request& request) {
  const std::string& address = request.remote_addr;
  if (address.empty()) return address;
  const bool is_v6 = address.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", address, request.remote_port)
               : fmt::format("{}:{}", address, request.remote_port);
}

HttpRequest Understood(const Request& request) {
  HttpRequest understood{.verb = request.method, .target = request.target, .peer = PeerOf(request)};
  for (const auto& [name, value] : request.headers) {
    understood.headers.emplace_back(absl::AsciiStrToLower(name), value);
  }
  if (request.progress) {
    understood.is_wanted = [&request] { return request.progress(0, 0); };
  }
  return understood;
}

HttpAnswer Busy(std::string_view what) {
  return ErrorAnswer(Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull,
                           fmt::format("{}; try again later", what),
                           {{kRetryAfterMsFact, "1000"}}));
}

// What the library says by a bare code.
HttpAnswer LibraryError(int code) {
  const absl::StatusCode status = code == 404  ? absl::StatusCode::kNotFound
                                  : code < 500 ? absl::StatusCode::kInvalidArgument
                                               : absl::StatusCode::kInternal;
  return ErrorAnswer(
      Error(status, reason::kBadRequest,
            code < 500 ? "the request is not HTTP as this port reads it" : "the server failed"),
      code);
}

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

// The reading of a body, as far as it goes.
struct ReadBody {
  std::string text;
  std::optional<HttpAnswer> refusal;
};

}  // namespace

struct HttpServer::Running {
  Running(const HttpServerOptions& options, HttpPages shown)
      : limits(options.limits),
        pages(std::move(shown)),
        room(limits),
        tls(options.set_up_tls ? SSL_CTX_new(TLS_server_method()) : nullptr),
        server(limits, tls.get()) {}

  void SetUp();
  // Everything that does not read a body.
  Routed Route(const Request& request, Response& response);
  bool IsRest(const HttpRequest& request) const {
    return pages.rest != nullptr && request.path().starts_with(kRestPrefix);
  }
  HttpAnswer Page(const HttpRequest& request) const;
  HttpAnswer AnswerWithBody(HttpRequest request, const httplib::ContentReader& read);
  ReadBody Read(const httplib::ContentReader& read, CallRoom::Share* share) const;

  const HttpLimits limits;
  const HttpPages pages;
  CallRoom room;
  const std::unique_ptr<SSL_CTX, ContextDeleter> tls;
  LimitedServer server;
  std::thread thread;
  std::atomic<bool> has_ended{false};
};

void HttpServer::Running::SetUp() {
  // The library would set SO_REUSEPORT, and two servers would share a port without a word.
  server.set_socket_options([](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
  server.set_pre_routing_handler(
      [this](const Request& request, Response& response) { return Route(request, response); });
  // Asked before a caller sends a large body.
  server.set_expect_100_continue_handler([this](const Request& request, Response& response) {
    const HttpRequest understood = Understood(request);
    if (!IsRest(understood)) return 100;
    auto refusal = pages.rest->RefuseHead(understood);
    if (!refusal.has_value()) return 100;
    Write(*std::move(refusal), response);
    return response.status;
  });
  const auto with_body = [this](const Request& request, Response& response,
                                const httplib::ContentReader& read) {
    Write(AnswerWithBody(Understood(request), read), response);
  };
  server.Post(kAnyPath, with_body).Put(kAnyPath, with_body).Patch(kAnyPath, with_body);
  server.set_error_handler([](const Request&, Response& response) {
    if (response.body.empty()) Write(LibraryError(response.status), response);
  });
  server.set_exception_handler([](const Request&, Response& response, const std::exception_ptr&) {
    Write(LibraryError(500), response);
  });
  // The connection ends after an error: say so.
  server.set_post_routing_handler([](const Request&, Response& response) {
    if (response.status < 400) return;
    response.headers.erase("Keep-Alive");
    if (!response.has_header("Connection")) response.set_header("Connection", "close");
  });
}

Routed HttpServer::Running::Route(const Request& request, Response& response) {
  const HttpRequest understood = Understood(request);
  if (understood.path().size() > kPathBytesMax) {
    Write(LibraryError(414), response);
    return Routed::Handled;
  }
  if (!IsRest(understood)) {
    Write(Page(understood), response);
    return Routed::Handled;
  }
  if (auto refusal = pages.rest->RefuseHead(understood)) {
    Write(*std::move(refusal), response);
    return Routed::Handled;
  }
  if (pages.rest->TakesBody(understood)) return Routed::Unhandled;
  const CallRoom::Share share = room.Enter();
  Write(share.has_room() ? pages.rest->Answer(understood) : Busy(kTooManyCalls), response);
  return Routed::Handled;
}

HttpAnswer HttpServer::Running::Page(const HttpRequest& request) const {
  const std::string_view path = request.path();
  std::function<HttpAnswer()> make;
  if (path == "/livez" || path == "/healthz") {
    make = [] { return HttpAnswer{.body = "ok\n", .content_type = kText}; };
  } else if (path == "/readyz") {
    make = [this] {
      const Readiness readiness = pages.ready();
      return HttpAnswer{.code = readiness.is_ready ? 200 : 503,
                        .body = (readiness.is_ready ? "ok" : readiness.text) + "\n",
                        .content_type = kText};
    };
  } else if (path == "/metrics") {
    make = [this] { return HttpAnswer{.body = pages.metrics(), .content_type = kMetrics}; };
  } else if (path == "/openapi.json" && pages.rest != nullptr) {
    make = [this] { return HttpAnswer{.body = pages.rest->openapi()}; };
  }
  if (!make) return LibraryError(404);
  if (request.verb != "GET" && request.verb != "HEAD") {
    HttpAnswer answer = LibraryError(405);
    answer.headers.emplace_back("Allow", "GET, HEAD");
    return answer;
  }
  // A body that nobody reads would be taken for the next request.
  const bool has_body = request.Find("transfer-encoding").has_value() ||
                        request.Find("content-length").value_or("0") != "0";
  return has_body ? LibraryError(400) : make();
}

HttpAnswer HttpServer::Running::AnswerWithBody(HttpRequest request,
                                               const httplib::ContentReader& read) {
  CallRoom::Share share = room.Enter();
  if (!share.has_room()) return Busy(kTooManyCalls);
  // Without either there is no body; the library would wait for the connection to end.
  if (request.Find("content-length").has_value() || request.Find("transfer-encoding").has_value()) {
    ReadBody body = Read(read, &share);
    if (body.refusal.has_value()) return *std::move(body.refusal);
    request.body = std::move(body.text);
  }
  return pages.rest->Answer(request);
}

ReadBody HttpServer::Running::Read(const httplib::ContentReader& read,
                                   CallRoom::Share* share) const {
  ReadBody body;
  const bool is_whole = read([&](const char* data, size_t size) {
    if (body.text.size() + size > limits.body_bytes_max) {
      body.refusal = BodyTooLarge(limits.body_bytes_max);
    } else if (!share->TakeBytes(size)) {
      body.refusal = Busy("the bodies of other calls take all the room there is");
    } else {
      body.text.append(data, size);
    }
    return !body.refusal.has_value();
  });
  if (!is_whole && !body.refusal.has_value()) body.refusal = LibraryError(400);
  return body;
}

HttpServer::HttpServer(const HttpServerOptions& options, HttpPages pages)
    : running_(std::make_unique<Running>(options, std::move(pages))) {}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                              HttpPages pages) {
  auto http = std::unique_ptr<HttpServer>(new HttpServer(options, std::move(pages)));
  Running& running = *http->running_;
  if (options.set_up_tls && (running.tls == nullptr || !options.set_up_tls(*running.tls))) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kBadRequest,
                 "TLS of the HTTP port cannot be set up");
  }
  running.SetUp();
  if (options.port == 0) {
    http->port_ = running.server.bind_to_any_port(options.host);
  } else if (running.server.bind_to_port(options.host, options.port)) {
    http->port_ = options.port;
  }
  if (http->port_ <= 0) {
    return Error(absl::StatusCode::kUnavailable, reason::kBadRequest,
                 fmt::format("cannot listen on {}:{}: is the port in use, or the address not this "
                             "machine's? Stop the other process or choose another address",
                             options.host, options.port));
  }
  running.thread = std::thread([&running] {
    running.server.listen_after_bind();
    running.has_ended = true;
  });
  return http;
}

HttpServer::~HttpServer() { Stop(); }

void HttpServer::Stop() {
  if (running_ == nullptr || !running_->thread.joinable()) return;
  // stop() before the loop runs would be lost.
  while (!running_->server.is_running() && !running_->has_ended) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  running_->server.stop();
  running_->thread.join();
}

}  // namespace kith::http
