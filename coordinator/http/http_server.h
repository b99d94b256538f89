#ifndef KITH_COORDINATOR_HTTP_HTTP_SERVER_H_
#define KITH_COORDINATOR_HTTP_HTTP_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/auth/tls_files.h"

namespace kith::http {

struct Readiness {
  bool is_ready = false;
  std::string text;  // why not
};

// What the pages show. Called on the server's threads, until Stop; must not block for long.
struct HttpPages {
  std::function<std::string()> metrics;  // the Prometheus text format
  std::function<Readiness()> ready;
};

struct HttpServerOptions {
  std::string host;
  int port = 0;             // 0: any free one
  auth::TlsFiles tls = {};  // none: plain text
};

// The HTTP port of every role: GET /metrics; /livez and /healthz (this process runs); /readyz (200
// once it can do its work, else 503 and why). Everything is text.
// Threads: any.
class HttpServer {
 public:
  // UNAVAILABLE where nobody can listen there; FAILED_PRECONDITION as CheckTlsFiles.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options,
                                                           HttpPages pages);
  // As Stop.
  ~HttpServer();

  int port() const { return port_; }
  // Returns when no page is being made any more. Again: nothing.
  void Stop();

 private:
  struct Running;
  HttpServer();

  std::unique_ptr<Running> running_;
  int port_ = 0;
};

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_HTTP_SERVER_H_
