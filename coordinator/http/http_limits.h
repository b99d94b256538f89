#ifndef KITH_COORDINATOR_HTTP_HTTP_LIMITS_H_
#define KITH_COORDINATOR_HTTP_HTTP_LIMITS_H_

#include <chrono>
#include <cstddef>

#include "common/base/limits.h"

namespace kith::http {

// What a caller of the HTTP port may take, in bytes, threads and time. docs/api.md has those that
// one may meet; tests shorten the times.
struct HttpLimits {
  using Time = std::chrono::milliseconds;

  size_t body_bytes_max = limits::kMessageBytesMax;  // as a gRPC message
  size_t all_bodies_bytes_max = size_t{256} << 20;   // of all calls under way
  size_t calls_max = 64;                             // REST calls under way
  size_t page_threads = 8;                           // beyond them: the probes are never late
  size_t waiting_connections_max = 256;              // for a thread
  size_t requests_a_connection = 1000;

  size_t head_bytes_max = 32 << 10;  // request line and headers
  size_t line_bytes_max = 8000;      // one of them; the library's own limit is 8192

  // An open connection holds a thread, so that nobody may take long to say what it wants.
  Time first_byte{1000};
  Time head{5000};
  Time body_pause{5000};  // between two pieces
  Time body{60'000};
  Time answer_pause{5000};
  Time answer{120'000};
  Time keep_alive{5000};  // between two requests, while there are threads to spare
  Time farewell{1000};    // how long what a refused caller still sends is read and thrown away
};

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_HTTP_LIMITS_H_
