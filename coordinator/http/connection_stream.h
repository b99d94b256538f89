#ifndef KITH_COORDINATOR_HTTP_CONNECTION_STREAM_H_
#define KITH_COORDINATOR_HTTP_CONNECTION_STREAM_H_

#include <httplib.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "coordinator/http/connection_transport.h"
#include "coordinator/http/http_limits.h"

namespace kith::http {

// One connection as cpp-httplib reads and writes it, with what the library has no limit for: the
// bytes and the time of a request's head as a whole, the time of its body and of the answer. Polls,
// where the library would select() and refuse file descriptors above 1023.
//
// Threads: one at a time.
class ConnectionStream final : public httplib::Stream {
 public:
  struct Connection {
    socket_t socket;
    std::unique_ptr<ConnectionTransport> transport;
  };
  // What the library is not told of and the caller is: the server answers it itself.
  enum class Trouble { kNone, kHeadTooLarge, kTooSlow, kStopping };

  // Owns the socket from Close on. Once `is_stopping`, nothing more is read, and an answer must be
  // taken soon.
  ConnectionStream(Connection connection, const HttpLimits& limits,
                   std::function<bool()> is_stopping);

  // True once a byte of the next request is there, within `patience`.
  bool AwaitRequest(HttpLimits::Time patience);
  // The phases of a request.
  void BeginHead();
  void BeginBody();

  Trouble trouble() const { return trouble_; }
  // Of the answer that was written last; 0 where there is none since BeginHead.
  int answered() const { return answered_; }
  // False once the caller has closed its side.
  bool IsCallerThere() const;
  // Past whatever trouble there was: the last words on this connection.
  void WriteFarewell(const std::string& answer);
  // A caller that was refused may still be sending; closing at once would make the kernel throw
  // away the refusal. So it is read for a moment.
  void Close();

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* to, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  // The library asks in order to refuse what it could not select().
  socket_t socket() const override { return 0; }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase { kHead, kBody };

  bool PollFor(short events, Clock::time_point until) const;
  bool Fill();
  ssize_t Receive(char* to, size_t size);
  Clock::time_point WriteUntil();
  bool CountLineByte(char byte);

  const socket_t socket_;
  const std::unique_ptr<ConnectionTransport> transport_;
  const HttpLimits& limits_;
  const std::function<bool()> is_stopping_;
  Phase phase_ = Phase::kHead;
  Trouble trouble_ = Trouble::kNone;
  Clock::time_point read_until_;
  std::optional<Clock::time_point> write_until_;
  size_t head_bytes_ = 0;
  size_t line_bytes_ = 0;
  int answered_ = 0;

  std::array<char, 4096> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_CONNECTION_STREAM_H_
