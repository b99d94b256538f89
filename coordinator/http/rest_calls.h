#ifndef KITH_COORDINATOR_HTTP_REST_CALLS_H_
#define KITH_COORDINATOR_HTTP_REST_CALLS_H_

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "coordinator/http/http_message.h"
#include "google/rpc/status.pb.h"

namespace kith::http {

// A call of a public method, in wire form.
struct RestCall {
  std::string method = {};   // "/kith.v1.Points/Upsert"
  std::string request = {};  // the message's bytes
  std::optional<std::chrono::milliseconds> timeout = {};
  Headers metadata = {};
  std::function<bool()> is_wanted = {};  // as HttpRequest's
};

struct RestReply {
  google::rpc::Status status;
  std::string response;  // the message's bytes where the status is OK
};

// Who makes the calls that REST asks for. Threads: any.
class RestCalls {
 public:
  virtual ~RestCalls() = default;
  // Returns when the call has ended; it is cancelled once nobody wants it.
  virtual RestReply Make(const RestCall& call) = 0;
  // Later calls are UNAVAILABLE DRAINING. Returns when those under way have ended, or at
  // `deadline`.
  virtual void Close(Deadline deadline) = 0;
};

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_REST_CALLS_H_
