#include "coordinator/http/connection_transport.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace kith::http {
namespace {

using Moved = ConnectionTransport::Moved;

class Plain final : public ConnectionTransport {
 public:
  explicit Plain(int socket) : socket_(socket) {}

  Moved Read(char* to, size_t size) override {
    return Understood(recv(socket_, to, size, MSG_DONTWAIT), POLLIN);
  }
  Moved Write(const char* from, size_t size) override {
    return Understood(send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT), POLLOUT);
  }
  bool HasPending() const override { return false; }
  void End() override {}

 private:
  static Moved Understood(ssize_t bytes, short wants) {
    if (bytes >= 0) return {bytes, 0};
    return {-1, errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? wants : short{0}};
  }

  const int socket_;
};

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

class Tls final : public ConnectionTransport {
 public:
  Tls(int socket, SSL_CTX* context) : ssl_(SSL_new(context)) {
    fcntl(socket, F_SETFL, fcntl(socket, F_GETFL, 0) | O_NONBLOCK);
    if (ssl_ == nullptr || SSL_set_fd(ssl_.get(), socket) != 1) {
      ssl_.reset();
      return;
    }
    // What could not be written at once is offered again from wherever it then lies.
    SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_accept_state(ssl_.get());
  }

  Moved Read(char* to, size_t size) override {
    return Try([&](SSL* ssl) { return SSL_read(ssl, to, Length(size)); });
  }
  Moved Write(const char* from, size_t size) override {
    // Who has not ended the handshake has asked nothing and hears nothing.
    if (ssl_ != nullptr && !SSL_is_init_finished(ssl_.get())) return {};
    return Try([&](SSL* ssl) { return SSL_write(ssl, from, Length(size)); });
  }
  bool HasPending() const override { return ssl_ != nullptr && SSL_pending(ssl_.get()) > 0; }
  void End() override {
    if (ssl_ != nullptr && SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
  }

 private:
  static int Length(size_t size) {
    return static_cast<int>(std::min<size_t>(size, std::numeric_limits<int>::max()));
  }
  template <typename Action>
  Moved Try(const Action& action) {
    if (ssl_ == nullptr) return {};
    ERR_clear_error();  // of another connection on this thread
    const int done = action(ssl_.get());
    if (done > 0) return {done, 0};
    switch (SSL_get_error(ssl_.get(), done)) {
      case SSL_ERROR_WANT_READ:
        return {-1, POLLIN};
      case SSL_ERROR_WANT_WRITE:
        return {-1, POLLOUT};
      case SSL_ERROR_ZERO_RETURN:
        return {0, 0};
      default:
        ssl_.reset();  // after such an error it may not be asked again, not even to end
        return {};
    }
  }

  std::unique_ptr<SSL, SslDeleter> ssl_;
};

}  // namespace

std::unique_ptr<ConnectionTransport> PlainTransport(int socket) {
  return std::make_unique<Plain>(socket);
}

std::unique_ptr<ConnectionTransport> TlsTransport(int socket, SSL_CTX* context) {
  return std::make_unique<Tls>(socket, context);
}

}  // namespace kith::http
