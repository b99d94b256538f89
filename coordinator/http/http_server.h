#ifndef KITH_COORDINATOR_HTTP_HTTP_SERVER_H_
#define KITH_COORDINATOR_HTTP_HTTP_SERVER_H_

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/http/http_limits.h"
#include "coordinator/http/rest_gateway.h"

namespace kith::http {

struct Readiness {
  bool is_ready = false;
  std::string text;  // why not
};

// What the pages show. Called on the server's threads, until Stop; must not block for long.
struct HttpPages {
  std::function<std::string()> metrics;  // the Prometheus text format
  std::function<Readiness()> ready;
  const RestGateway* rest = nullptr;  // null: no /v1 and no /openapi.json; outlives the server
};

struct HttpServerOptions {
  std::string host;
  int port = 0;  // 0: any free one
  HttpLimits limits = {};
  // Gives the port its certificate; false: it cannot. Empty: plain text.
  std::function<bool(SSL_CTX& context)> set_up_tls = {};
};

// The HTTP port of every role: GET /metrics; /livez and /healthz (this process runs); /readyz (200
// once it can do its work, else 503 and why), which are text; with a gateway also /v1/... and
// /openapi.json. Errors are the JSON of google.rpc.Status.
// Threads: any.
class HttpServer {
 public:
  // UNAVAILABLE where nobody can listen there; FAILED_PRECONDITION where TLS cannot be set up.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options,
                                                           HttpPages pages);
  // As Stop.
  ~HttpServer();

  int port() const { return port_; }
  // Returns when no answer is being made any more. Again: nothing.
  void Stop();

 private:
  struct Running;
  explicit HttpServer(const HttpServerOptions& options, HttpPages pages);

  std::unique_ptr<Running> running_;
  int port_ = 0;
};

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_HTTP_SERVER_H_
