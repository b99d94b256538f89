#ifndef KITH_COORDINATOR_HTTP_REST_REFUSAL_H_
#define KITH_COORDINATOR_HTTP_REST_REFUSAL_H_

#include <cstddef>
#include <optional>

#include "common/base/limits.h"
#include "coordinator/http/http_message.h"
#include "coordinator/http/rest_routes.h"

namespace kith::http {

// Whose `Host` a request may name. A page whose own name was pointed at 127.0.0.1 reaches this port
// through its reader's browser, with that name.
enum class HostRule { kAny, kThisMachine };  // kThisMachine: an address, or localhost

struct RefusalRules {
  size_t body_bytes_max = limits::kMessageBytesMax;
  HostRule host = HostRule::kThisMachine;
};

// What can be refused before a body is read: one where none is taken, one that is too long, or not
// JSON, or whose length is not clear; a page of another site that sends it through its reader's
// browser. Nothing where the request may go on.
std::optional<HttpAnswer> RefuseHead(const HttpRequest& request, const Route& route,
                                     const RefusalRules& rules);

HttpAnswer BodyTooLarge(size_t body_bytes_max);

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_REST_REFUSAL_H_
