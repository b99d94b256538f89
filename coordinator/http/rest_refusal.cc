#include "coordinator/http/rest_refusal.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/http/rest_error.h"

namespace kith::http {
namespace {

using Refusal = std::optional<HttpAnswer>;

constexpr int kBadRequest = 400;
constexpr int kForbidden = 403;
constexpr int kUnsupportedMediaType = 415;

HttpAnswer Refused(int code, std::string_view message) {
  const absl::StatusCode status =
      code == kForbidden ? absl::StatusCode::kPermissionDenied : absl::StatusCode::kInvalidArgument;
  return ErrorAnswer(Error(status, reason::kBadRequest, message), code);
}

bool IsSame(std::string_view text, std::string_view word) {
  return absl::EqualsIgnoreCase(ToAbsl(text), ToAbsl(word));
}

std::string_view WithoutPort(std::string_view host) {
  const size_t bracket = host.find(']');
  if (bracket != std::string_view::npos) return host.substr(0, bracket + 1);
  return host.substr(0, host.find(':'));
}

bool IsAddressOrLocalhost(std::string_view host) {
  const std::string name(WithoutPort(host));
  if (name.empty() || name.front() == '[' || IsSame(name, "localhost")) return true;
  in_addr address{};
  return inet_pton(AF_INET, name.c_str(), &address) == 1;
}

Refusal RefuseHost(const HttpRequest& request, HostRule rule) {
  const auto host = request.Find("host");
  if (rule == HostRule::kAny || !host.has_value() || IsAddressOrLocalhost(*host)) return {};
  return Refused(
      kForbidden,
      fmt::format("this port listens on loopback only and answers to an address or "
                  "\"localhost\" as Host, not to \"{}\"; a proxy before it should send one "
                  "of them",
                  *host));
}

// A browser says where a page comes from that makes it send something. Only a page of this port
// itself may; programs say nothing of the kind.
Refusal RefuseOtherSites(const HttpRequest& request, const Route& route) {
  if (route.verb == "GET") return {};  // changes nothing, and no other page may read the answer
  const auto site = request.Find("sec-fetch-site");
  const bool from_elsewhere = site.has_value() && *site != "same-origin" && *site != "none";
  bool has_other_origin = false;
  if (const auto origin = request.Find("origin")) {
    const size_t slashes = origin->find("://");
    has_other_origin = slashes == std::string_view::npos ||
                       !IsSame(origin->substr(slashes + 3), request.Find("host").value_or(""));
  }
  if (!from_elsewhere && !has_other_origin) return {};
  return Refused(kForbidden, "a page of another site may not send this through a browser");
}

// What two readers could read in two ways.
Refusal RefuseFraming(const HttpRequest& request) {
  for (const auto& [name, value] : request.headers) {
    const bool is_token = std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 ||
             std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) !=
                 std::string_view::npos;
    });
    if (!is_token) return Refused(kBadRequest, "a header's name has characters that none may have");
  }
  const size_t codings = request.CountOf("transfer-encoding");
  const size_t lengths = request.CountOf("content-length");
  if (codings + lengths > 1) {
    return Refused(kBadRequest, "send one Content-Length, or Transfer-Encoding: chunked");
  }
  if (codings == 1 && !IsSame(*request.Find("transfer-encoding"), "chunked")) {
    return Refused(kBadRequest, "the only Transfer-Encoding that is read is chunked");
  }
  if (lengths == 0) return {};
  const std::string_view length = *request.Find("content-length");
  const bool is_number = !length.empty() && length.size() < 19 &&
                         std::all_of(length.begin(), length.end(),
                                     [](unsigned char c) { return std::isdigit(c) != 0; });
  if (!is_number) return Refused(kBadRequest, "Content-Length is not a number");
  return {};
}

uint64_t LengthOf(const HttpRequest& request) {
  uint64_t length = 0;
  const auto text = request.Find("content-length");
  if (text.has_value() && !absl::SimpleAtoi(ToAbsl(*text), &length)) return 0;
  return length;
}

bool IsJson(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  if (!IsSame(std::string(absl::StripAsciiWhitespace(ToAbsl(type))), kJson)) return false;
  const std::string rest = absl::AsciiStrToLower(ToAbsl(content_type.substr(type.size())));
  const size_t charset = rest.find("charset=");
  if (charset == std::string::npos) return true;
  const std::string name = rest.substr(charset + 8);
  return name.starts_with("utf-8") || name.starts_with("\"utf-8\"");
}

}  // namespace

HttpAnswer BodyTooLarge(size_t body_bytes_max) {
  constexpr int kContentTooLarge = 413;
  return ErrorAnswer(
      Error(absl::StatusCode::kInvalidArgument, reason::kBatchTooLarge,
            fmt::format("the body is longer than {} bytes; send less at a time", body_bytes_max)),
      kContentTooLarge);
}

std::optional<HttpAnswer> RefuseHead(const HttpRequest& request, const Route& route,
                                     const RefusalRules& rules) {
  if (auto refusal = RefuseHost(request, rules.host)) return refusal;
  if (auto refusal = RefuseOtherSites(request, route)) return refusal;
  if (auto refusal = RefuseFraming(request)) return refusal;
  const bool has_body = request.Find("transfer-encoding").has_value() || LengthOf(request) > 0;
  if (!has_body) return {};
  if (!route.takes_body()) {
    return Refused(kBadRequest,
                   fmt::format("{} takes no body here: put its fields into the query", route.verb));
  }
  if (LengthOf(request) > rules.body_bytes_max) return BodyTooLarge(rules.body_bytes_max);
  if (!IsSame(request.Find("content-encoding").value_or("identity"), "identity")) {
    return Refused(kUnsupportedMediaType, "bodies are taken as they are: no Content-Encoding");
  }
  if (!IsJson(request.Find("content-type").value_or(""))) {
    return Refused(kUnsupportedMediaType,
                   "send the request as JSON in UTF-8, with Content-Type: application/json");
  }
  return {};
}

}  // namespace kith::http
