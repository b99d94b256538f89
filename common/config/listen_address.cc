#include "common/config/listen_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/numbers.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::config {
namespace {

absl::Status BadAddress(std::string_view field, std::string_view text) {
  return FieldError(field, reason::kBadRequest,
                    fmt::format("\"{}\" is not an address; write host:port, such as "
                                "127.0.0.1:7430 or [::1]:7430, with a port from 0 to 65535",
                                text));
}

// errno of the attempt, 0 where it works.
int TryListen(const addrinfo& address) {
  const int socket_fd = socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) return errno;
  const int on = 1;
  setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  int error = bind(socket_fd, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  if (error == 0 && listen(socket_fd, 1) != 0) error = errno;
  close(socket_fd);
  return error;
}

const char* RemedyFor(int error) {
  switch (error) {
    case EADDRINUSE:
      return "another process listens there: stop it or choose another port";
    case EADDRNOTAVAIL:
      return "this machine has no such address: choose one of its own";
    case EACCES:
      return "this user may not: choose a port above 1023";
    default:
      return "choose another address";
  }
}

}  // namespace

absl::StatusOr<ListenAddress> ListenAddress::Parse(std::string_view field, std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return BadAddress(field, text);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.front() == '[' && host.back() == ']' && host.size() > 2;
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find(':') != std::string_view::npos) return BadAddress(field, text);
  if (host.find_first_of(" []/") != std::string_view::npos) return BadAddress(field, text);

  const std::string_view digits = text.substr(colon + 1);
  uint32_t port = 0;
  const bool numeric =
      !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  if (!numeric || !absl::SimpleAtoi(ToAbsl(digits), &port) || port > 65535) {
    return BadAddress(field, text);
  }
  return ListenAddress{std::string(host), static_cast<uint16_t>(port)};
}

bool ListenAddress::is_loopback() const {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6) != 0;
  return host == "localhost";
}

absl::Status CheckCanListen(std::string_view field, std::string_view text) {
  KITH_ASSIGN_OR_RETURN(const ListenAddress address, ListenAddress::Parse(field, text));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int unknown =
      getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  if (unknown != 0) {
    return Error(absl::StatusCode::kUnavailable, reason::kBadRequest,
                 fmt::format("{}: cannot listen on {}: {}; choose an address of this machine",
                             field, text, gai_strerror(unknown)));
  }
  const int error = TryListen(*found);
  if (error == 0) return absl::OkStatus();
  return Error(absl::StatusCode::kUnavailable, reason::kBadRequest,
               fmt::format("{}: cannot listen on {}: {}; {}", field, text, std::strerror(error),
                           RemedyFor(error)));
}

}  // namespace kith::config
