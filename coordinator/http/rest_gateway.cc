#include "coordinator/http/rest_gateway.h"

#include <fmt/format.h>

#include <string_view>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/http/openapi.h"
#include "coordinator/http/rest_error.h"
#include "coordinator/http/rest_json.h"
#include "coordinator/http/rest_request.h"
#include "coordinator/http/rest_table.h"

namespace kith::http {
namespace {

HttpAnswer NoSuchPath(const HttpRequest& request, const RouteMatch& match) {
  if (match.allowed.empty()) {
    return ErrorAnswer(
        Error(absl::StatusCode::kNotFound, reason::kBadRequest,
              fmt::format("there is no {}; /openapi.json lists what there is", request.path())));
  }
  constexpr int kMethodNotAllowed = 405;
  const std::string allowed = fmt::format("{}", fmt::join(match.allowed, ", "));
  HttpAnswer answer = ErrorAnswer(
      Error(absl::StatusCode::kUnimplemented, reason::kBadRequest,
            fmt::format("{} is not for {}, but {}", request.path(), request.verb, allowed)),
      kMethodNotAllowed);
  answer.headers.emplace_back("Allow", allowed);
  return answer;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RestGateway>> RestGateway::Make(const RefusalRules& rules,
                                                               const std::string& version) {
  KITH_ASSIGN_OR_RETURN(auto api, ApiDescriptors::Load());
  KITH_ASSIGN_OR_RETURN(RestRoutes routes, RestRoutes::Make(*api, RestRules()));
  auto gateway =
      std::unique_ptr<RestGateway>(new RestGateway(rules, std::move(api), std::move(routes)));
  gateway->openapi_ = OpenApiOf(*gateway->api_, gateway->routes_, version);
  return gateway;
}

void RestGateway::Open(std::shared_ptr<RestCalls> calls) {
  const std::lock_guard lock(mutex_);
  stage_ = Stage::kOpen;
  calls_ = std::move(calls);
}

void RestGateway::Close(Deadline deadline) {
  std::shared_ptr<RestCalls> calls;
  {
    const std::lock_guard lock(mutex_);
    stage_ = Stage::kClosed;
    calls.swap(calls_);
  }
  if (calls != nullptr) calls->Close(deadline);
}

absl::StatusOr<std::shared_ptr<RestCalls>> RestGateway::Calls() const {
  const std::lock_guard lock(mutex_);
  if (stage_ == Stage::kOpen) return calls_;
  if (stage_ == Stage::kStarting) {
    return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
                 "the process starts: shards are being loaded", {{kRetryAfterMsFact, "1000"}});
  }
  return Error(absl::StatusCode::kUnavailable, reason::kDraining, "the process stops");
}

std::optional<HttpAnswer> RestGateway::RefuseHead(const HttpRequest& request) const {
  const RouteMatch match = routes_.Find(request.verb, request.path());
  if (match.route == nullptr) return NoSuchPath(request, match);
  if (auto refusal = http::RefuseHead(request, *match.route, rules_)) return refusal;
  if (const auto calls = Calls(); !calls.ok()) return ErrorAnswer(calls.status());
  return std::nullopt;
}

bool RestGateway::TakesBody(const HttpRequest& request) const {
  const RouteMatch match = routes_.Find(request.verb, request.path());
  return match.route != nullptr && match.route->takes_body();
}

HttpAnswer RestGateway::Answer(const HttpRequest& request) const {
  const RouteMatch match = routes_.Find(request.verb, request.path());
  if (match.route == nullptr) return NoSuchPath(request, match);
  const auto call = MakeRestCall(*api_, match, request);
  if (!call.ok()) return ErrorAnswer(call.status());
  const auto calls = Calls();
  if (!calls.ok()) return ErrorAnswer(calls.status());
  const RestReply reply = (*calls)->Make(*call);
  if (reply.status.code() != 0) return ErrorAnswer(reply.status);
  auto json = MessageToJson(*api_, *match.route->method->output_type(), reply.response);
  if (!json.ok()) return ErrorAnswer(json.status());
  return {.body = *std::move(json) + "\n"};
}

}  // namespace kith::http
