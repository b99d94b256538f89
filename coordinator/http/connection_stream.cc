#include "coordinator/http/connection_stream.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace kith::http {
namespace {

constexpr std::chrono::milliseconds kAskServerEvery{100};  // whether the server stops
constexpr std::chrono::seconds kLastAnswer{2};             // to take an answer when it does

using NameOf = int (*)(int, sockaddr*, socklen_t*);

void Describe(socket_t socket, NameOf name_of, std::string* ip, int* port) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (name_of(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> service{};
  if (getnameinfo(reinterpret_cast<sockaddr*>(&address), length, host.data(), host.size(),
                  service.data(), service.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return;
  }
  *ip = host.data();
  *port = std::atoi(service.data());
}

// "HTTP/1.1 404 Not Found": 404; 0 for what is no status line.
int CodeOf(const char* text, size_t size) {
  constexpr char kBegin[] = "HTTP/1.1 ";
  constexpr size_t kLength = sizeof(kBegin) - 1;
  if (size < kLength + 3 || std::memcmp(text, kBegin, kLength) != 0) return 0;
  return std::atoi(std::string(text + kLength, 3).c_str());
}

}  // namespace

ConnectionStream::ConnectionStream(Connection connection, const HttpLimits& limits,
                                   std::function<bool()> is_stopping)
    : socket_(connection.socket),
      transport_(std::move(connection.transport)),
      limits_(limits),
      is_stopping_(std::move(is_stopping)) {
  // An answer is two writes, headers and body: the second must not wait for the first to be
  // acknowledged.
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  BeginHead();
}

bool ConnectionStream::AwaitRequest(HttpLimits::Time patience) {
  return begin_ < end_ || transport_->HasPending() || PollFor(POLLIN, Clock::now() + patience);
}

void ConnectionStream::BeginHead() {
  phase_ = Phase::kHead;
  trouble_ = Trouble::kNone;
  read_until_ = Clock::now() + limits_.head;
  write_until_.reset();
  head_bytes_ = 0;
  line_bytes_ = 0;
  answered_ = 0;
}

void ConnectionStream::BeginBody() {
  phase_ = Phase::kBody;
  read_until_ = Clock::now() + limits_.body;
  line_bytes_ = 0;
}

bool ConnectionStream::IsCallerThere() const {
  pollfd ended{socket_, POLLRDHUP, 0};
  return poll(&ended, 1, 0) <= 0;
}

void ConnectionStream::WriteFarewell(const std::string& answer) {
  trouble_ = Trouble::kNone;
  write_until_.reset();
  answered_ = 0;
  for (size_t done = 0; done < answer.size();) {
    const ssize_t sent = write(answer.data() + done, answer.size() - done);
    if (sent <= 0) return;
    done += static_cast<size_t>(sent);
  }
}

void ConnectionStream::Close() {
  transport_->End();
  if (answered_ >= 400) {
    shutdown(socket_, SHUT_WR);
    const Clock::time_point until = Clock::now() + limits_.farewell;
    while (PollFor(POLLIN, until) &&
           recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT) > 0) {
    }
  }
  shutdown(socket_, SHUT_RDWR);
  close(socket_);
}

bool ConnectionStream::PollFor(short events, Clock::time_point until) const {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    pollfd waited{socket_, events, 0};
    const int ready = poll(&waited, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

ssize_t ConnectionStream::Receive(char* to, size_t size) {
  const Clock::time_point pause = Clock::now() + limits_.body_pause;
  const Clock::time_point until =
      phase_ == Phase::kBody ? std::min(pause, read_until_) : read_until_;
  while (Clock::now() < until) {
    const ConnectionTransport::Moved moved = transport_->Read(to, size);
    if (moved.bytes >= 0 || moved.wants == 0) return moved.bytes;
    if (PollFor(moved.wants, std::min(until, Clock::now() + kAskServerEvery))) continue;
    if (!is_stopping_()) continue;
    trouble_ = Trouble::kStopping;
    return -1;
  }
  trouble_ = Trouble::kTooSlow;
  return -1;
}

bool ConnectionStream::Fill() {
  const ssize_t got = Receive(buffer_.data(), buffer_.size());
  if (got <= 0) return false;
  begin_ = 0;
  end_ = static_cast<size_t>(got);
  return true;
}

// The library reads lines (of the head, and the sizes of chunks) byte by byte, as long as they are.
bool ConnectionStream::CountLineByte(char byte) {
  line_bytes_ = byte == '\n' ? 0 : line_bytes_ + 1;
  if (phase_ == Phase::kHead) ++head_bytes_;
  if (line_bytes_ <= limits_.line_bytes_max && head_bytes_ <= limits_.head_bytes_max) return true;
  if (phase_ == Phase::kHead) trouble_ = Trouble::kHeadTooLarge;
  return false;
}

ssize_t ConnectionStream::read(char* to, size_t size) {
  if (trouble_ != Trouble::kNone) return -1;
  if (begin_ == end_) {
    if (size >= buffer_.size()) return Receive(to, size);
    if (!Fill()) return trouble_ == Trouble::kNone ? 0 : -1;
  }
  const size_t taken = std::min(size, end_ - begin_);
  std::memcpy(to, buffer_.data() + begin_, taken);
  begin_ += taken;
  if (size == 1 && !CountLineByte(*to)) return -1;
  return static_cast<ssize_t>(taken);
}

ConnectionStream::Clock::time_point ConnectionStream::WriteUntil() {
  const Clock::time_point now = Clock::now();
  if (!write_until_.has_value()) write_until_ = now + limits_.answer;
  if (is_stopping_()) write_until_ = std::min(*write_until_, now + kLastAnswer);
  return std::min(*write_until_, now + limits_.answer_pause);
}

ssize_t ConnectionStream::write(const char* from, size_t size) {
  if (trouble_ != Trouble::kNone) return -1;
  if (answered_ == 0 || answered_ == 100) answered_ = CodeOf(from, size);
  ConnectionTransport::Moved moved = transport_->Write(from, size);
  while (moved.bytes < 0 && moved.wants != 0 && PollFor(moved.wants, WriteUntil())) {
    moved = transport_->Write(from, size);
  }
  return moved.bytes;
}

bool ConnectionStream::is_readable() const {
  return begin_ < end_ || PollFor(POLLIN, Clock::now() + std::chrono::milliseconds(1));
}

bool ConnectionStream::is_writable() const {
  return PollFor(POLLOUT, Clock::now() + std::chrono::milliseconds(1));
}

void ConnectionStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  Describe(socket_, getpeername, &ip, &port);
}

void ConnectionStream::get_local_ip_and_port(std::string& ip, int& port) const {
  Describe(socket_, getsockname, &ip, &port);
}

}  // namespace kith::http
