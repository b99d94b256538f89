#ifndef KITH_COORDINATOR_HTTP_LIMITED_SERVER_H_
#define KITH_COORDINATOR_HTTP_LIMITED_SERVER_H_

#include <httplib.h>

#include <atomic>
#include <thread>

#include "coordinator/http/connection_stream.h"
#include "coordinator/http/connection_threads.h"
#include "coordinator/http/http_limits.h"

namespace kith::http {

// cpp-httplib's server over connections with HttpLimits. What it adds to a request: `progress`,
// which says false once the caller has gone away. What it takes from it: ranges and compression,
// which answers of this port do not have.
class LimitedServer final : public httplib::Server {
 public:
  // `tls` null: plain text; else it outlives the server.
  LimitedServer(const HttpLimits& limits, SSL_CTX* tls);

 private:
  bool process_and_close_socket(socket_t socket) override;
  void TurnAway(socket_t socket) const;
  enum class After { kKeep, kClose };
  // kClose: no other request may follow.
  After ServeRequest(ConnectionStream& stream, After wanted);
  bool AwaitNext(ConnectionStream& stream) const;
  bool IsCrowded() const;

  const HttpLimits& limits_;
  SSL_CTX* const tls_;
  std::atomic<ConnectionThreads*> threads_{nullptr};
  std::atomic<std::thread::id> accepting_;
};

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_LIMITED_SERVER_H_
