#ifndef KITH_COORDINATOR_HTTP_REST_REQUEST_H_
#define KITH_COORDINATOR_HTTP_REST_REQUEST_H_

#include <chrono>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/http/api_descriptors.h"
#include "coordinator/http/http_message.h"
#include "coordinator/http/rest_calls.h"
#include "coordinator/http/rest_routes.h"

namespace kith::http {

inline constexpr char kTimeoutHeader[] = "kith-timeout";
inline constexpr char kRequestIdHeader[] = "kith-request-id";
// Who the caller says to be: handed on as the call's metadata of the same names, for whoever checks
// it there.
inline constexpr const char* kIdentityHeaders[] = {"authorization", "x-api-key"};

// The call that a request stands for: the fields of the path and of the query or the body, the
// timeout and the request id of its headers; its metadata say whose key it has and whence it came.
// INVALID_ARGUMENT as MessageFromJson, naming the
// header, the parameter or the field, also where the body has another value for what path or header
// say.
absl::StatusOr<RestCall> MakeRestCall(const ApiDescriptors& api, const RouteMatch& match,
                                      const HttpRequest& request);

// "2s", "1.5s", "250ms": more than nothing and at most a day. Nothing for other text.
std::optional<std::chrono::milliseconds> ParseTimeout(std::string_view text);

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_REST_REQUEST_H_
