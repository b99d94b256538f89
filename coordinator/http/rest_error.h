#ifndef KITH_COORDINATOR_HTTP_REST_ERROR_H_
#define KITH_COORDINATOR_HTTP_REST_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "coordinator/http/http_message.h"
#include "google/rpc/status.pb.h"

namespace kith::http {

// The HTTP code of a gRPC code, as google.rpc.Code maps them: NOT_FOUND is 404.
int HttpCodeOf(absl::StatusCode code);
// "Not Found"; empty for a code that this port never answers.
const char* ReasonPhrase(int code);

// google.rpc.Status as JSON, details included; with RetryInfo also the header Retry-After. The code
// is 400 and above, never 206.
HttpAnswer ErrorAnswer(const google::rpc::Status& status);
HttpAnswer ErrorAnswer(const absl::Status& status);
// For what HTTP knows better than gRPC: 405, 413, 415.
HttpAnswer ErrorAnswer(const absl::Status& status, int code);

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_REST_ERROR_H_
