#ifndef KITH_COMMON_CONFIG_LISTEN_ADDRESS_H_
#define KITH_COMMON_CONFIG_LISTEN_ADDRESS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace kith::config {

// "host:port" or "[ipv6]:port".
struct ListenAddress {
  std::string host;   // without brackets
  uint16_t port = 0;  // 0: any free one

  // INVALID_ARGUMENT naming the key `field`.
  static absl::StatusOr<ListenAddress> Parse(std::string_view field, std::string_view text);
  // Only this machine can reach it: 127.0.0.0/8, ::1 or localhost.
  bool is_loopback() const;
};

// OK where this process could listen there now. UNAVAILABLE with what the system says and what to
// do: a used port, an address of another machine, a port that needs rights.
absl::Status CheckCanListen(std::string_view field, std::string_view text);

}  // namespace kith::config

#endif  // KITH_COMMON_CONFIG_LISTEN_ADDRESS_H_
