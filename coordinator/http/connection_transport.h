#ifndef KITH_COORDINATOR_HTTP_CONNECTION_TRANSPORT_H_
#define KITH_COORDINATOR_HTTP_CONNECTION_TRANSPORT_H_

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>

namespace kith::http {

// How bytes come from a socket and go there, plainly or through TLS. Never blocks.
//
// Threads: one at a time.
class ConnectionTransport {
 public:
  struct Moved {
    ssize_t bytes = -1;  // 0 of a read: the other side has ended; negative: none were moved
    short wants = 0;     // then what poll() must wait for, or 0: the connection is broken
  };
  virtual ~ConnectionTransport() = default;
  virtual Moved Read(char* to, size_t size) = 0;
  virtual Moved Write(const char* from, size_t size) = 0;
  // Bytes that have arrived and that poll() on the socket does not see.
  virtual bool HasPending() const = 0;
  // The last word of the protocol.
  virtual void End() = 0;
};

std::unique_ptr<ConnectionTransport> PlainTransport(int socket);
// The handshake is part of the first read. `context` outlives it.
std::unique_ptr<ConnectionTransport> TlsTransport(int socket, SSL_CTX* context);

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_CONNECTION_TRANSPORT_H_
