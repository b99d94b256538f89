#include "coordinator/http/http_server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "common/auth/tls_identity.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::http {
namespace {

constexpr size_t kThreads = 8;
// A connection holds a thread while it is open. Who asks for one of these pages asks at once and
// for one page, so idle connections must not keep the probe of an orchestrator waiting.
constexpr size_t kRequestsAConnection = 1;
constexpr time_t kRequestSeconds = 1;
constexpr size_t kBodyBytesMax = 64 << 10;
constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kMetrics[] = "text/plain; version=0.0.4; charset=utf-8";

std::unique_ptr<httplib::Server> NewServer(auth::WatchedIdentity* identity) {
  if (identity == nullptr) return std::make_unique<httplib::Server>();
  return std::make_unique<httplib::SSLServer>([identity](SSL_CTX& context) {
    identity->Install(&context);
    return true;
  });
}

void SetLimits(httplib::Server& server) {
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server.set_payload_max_length(kBodyBytesMax);
  server.set_keep_alive_max_count(kRequestsAConnection);
  server.set_keep_alive_timeout(kRequestSeconds);  // until the first byte of a request
  server.set_read_timeout(kRequestSeconds);
  server.set_write_timeout(5);
  // The library would set SO_REUSEPORT, and two servers would share a port without a word.
  server.set_socket_options([](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
}

void AddPages(httplib::Server& server, const HttpPages& pages) {
  const auto alive = [](const httplib::Request&, httplib::Response& response) {
    response.set_content("ok\n", kText);
  };
  server.Get("/livez", alive);
  server.Get("/healthz", alive);
  server.Get("/readyz", [&pages](const httplib::Request&, httplib::Response& response) {
    const Readiness readiness = pages.ready();
    response.status = readiness.is_ready ? 200 : 503;
    response.set_content((readiness.is_ready ? "ok" : readiness.text) + "\n", kText);
  });
  server.Get("/metrics", [&pages](const httplib::Request&, httplib::Response& response) {
    response.set_content(pages.metrics(), kMetrics);
  });
}

}  // namespace

struct HttpServer::Running {
  HttpPages pages;
  std::unique_ptr<auth::WatchedIdentity> identity;  // with TLS; outlives the server
  std::unique_ptr<httplib::Server> server;
  std::thread thread;
  std::atomic<bool> has_ended{false};
};

HttpServer::HttpServer() : running_(std::make_unique<Running>()) {}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                              HttpPages pages) {
  auto http = std::unique_ptr<HttpServer>(new HttpServer());
  Running& running = *http->running_;
  running.pages = std::move(pages);
  if (options.tls.is_on()) {
    KITH_ASSIGN_OR_RETURN(running.identity, auth::WatchedIdentity::Open(options.tls));
  }
  running.server = NewServer(running.identity.get());
  SetLimits(*running.server);
  AddPages(*running.server, running.pages);
  if (options.port == 0) {
    http->port_ = running.server->bind_to_any_port(options.host);
  } else if (running.server->bind_to_port(options.host, options.port)) {
    http->port_ = options.port;
  }
  if (http->port_ <= 0) {
    return Error(absl::StatusCode::kUnavailable, reason::kBadRequest,
                 fmt::format("cannot listen on {}:{}: is the port in use, or the address not this "
                             "machine's? Stop the other process or choose another address",
                             options.host, options.port));
  }
  running.thread = std::thread([&running] {
    running.server->listen_after_bind();
    running.has_ended = true;
  });
  return http;
}

HttpServer::~HttpServer() { Stop(); }

void HttpServer::Stop() {
  if (running_ == nullptr || !running_->thread.joinable()) return;
  // stop() before the loop runs would be lost.
  while (!running_->server->is_running() && !running_->has_ended) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  running_->server->stop();
  running_->thread.join();
}

}  // namespace kith::http
