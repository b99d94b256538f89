#ifndef KITH_COORDINATOR_HTTP_REST_GATEWAY_H_
#define KITH_COORDINATOR_HTTP_REST_GATEWAY_H_

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "coordinator/http/api_descriptors.h"
#include "coordinator/http/http_message.h"
#include "coordinator/http/rest_calls.h"
#include "coordinator/http/rest_refusal.h"
#include "coordinator/http/rest_routes.h"

namespace kith::http {

// REST over the public services: a request becomes a call, its answer JSON, an error the JSON of
// google.rpc.Status. 404 for a path that is none, 405 with Allow for another verb; 503 before Open
// and after Close.
//
// Threads: any.
class RestGateway {
 public:
  static absl::StatusOr<std::unique_ptr<RestGateway>> Make(const RefusalRules& rules,
                                                           const std::string& version);

  void Open(std::shared_ptr<RestCalls> calls);
  // No call begins any more. Returns when those under way have ended, or at `deadline`.
  void Close(Deadline deadline);

  // In two steps, so that nothing is read of a body that will not be taken: what is wrong with the
  // head; then, where nothing is, the answer.
  std::optional<HttpAnswer> RefuseHead(const HttpRequest& request) const;
  HttpAnswer Answer(const HttpRequest& request) const;
  bool TakesBody(const HttpRequest& request) const;

  // GET /openapi.json
  const std::string& openapi() const { return openapi_; }
  const RefusalRules& rules() const { return rules_; }

 private:
  enum class Stage { kStarting, kOpen, kClosed };

  RestGateway(const RefusalRules& rules, std::unique_ptr<ApiDescriptors> api, RestRoutes routes)
      : rules_(rules), api_(std::move(api)), routes_(std::move(routes)) {}
  absl::StatusOr<std::shared_ptr<RestCalls>> Calls() const;

  const RefusalRules rules_;
  const std::unique_ptr<ApiDescriptors> api_;
  const RestRoutes routes_;
  std::string openapi_;
  mutable std::mutex mutex_;
  Stage stage_ = Stage::kStarting;
  std::shared_ptr<RestCalls> calls_;
};

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_REST_GATEWAY_H_
