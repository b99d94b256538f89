#include "coordinator/http/rest_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "absl/strings/escaping.h"
#include "common/base/status.h"

namespace kith::http {
namespace {

using google::protobuf::FieldDescriptor;

std::vector<std::string_view> SplitPath(std::string_view path) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

// The last segment's verb, taken off it.
std::string_view TakeCustomVerb(std::string_view* path) {
  const size_t colon = path->rfind(':');
  const size_t slash = path->rfind('/');
  if (colon == std::string_view::npos || (slash != std::string_view::npos && colon < slash)) {
    return {};
  }
  const std::string_view verb = path->substr(colon + 1);
  *path = path->substr(0, colon);
  return verb;
}

PathPattern ParsePattern(std::string_view path) {
  PathPattern pattern;
  pattern.custom_verb = TakeCustomVerb(&path);
  for (const std::string_view part : SplitPath(path)) {
    const bool is_field = part.size() > 2 && part.front() == '{' && part.back() == '}';
    pattern.segments.push_back(
        {std::string(is_field ? part.substr(1, part.size() - 2) : part), is_field});
  }
  return pattern;
}

// Two patterns that some path fits both of.
bool Overlap(const PathPattern& a, const PathPattern& b) {
  if (a.custom_verb != b.custom_verb || a.segments.size() != b.segments.size()) return false;
  for (size_t i = 0; i < a.segments.size(); ++i) {
    const PathPattern::Segment& one = a.segments[i];
    const PathPattern::Segment& other = b.segments[i];
    if (!one.is_field && !other.is_field && one.text != other.text) return false;
  }
  return true;
}

absl::StatusOr<Route> RouteOf(const ApiDescriptors& api, const RestRule& rule) {
  Route route{.method = api.FindMethod(rule.method),
              .verb = std::string(rule.verb),
              .path = std::string(rule.path),
              .pattern = ParsePattern(rule.path),
              .timeout = std::chrono::milliseconds(rule.timeout_ms)};
  if (route.method == nullptr) {
    return absl::InternalError(fmt::format("REST: there is no method {}", rule.method));
  }
  for (const std::string& name : route.pattern.fields()) {
    const FieldDescriptor* const field = route.method->input_type()->FindFieldByName(name);
    if (field == nullptr || field->type() != FieldDescriptor::TYPE_STRING || field->is_repeated()) {
      return absl::InternalError(
          fmt::format("REST: {} has no string {{{}}} for {}", rule.method, name, rule.path));
    }
  }
  return route;
}

// The fields of a path that fits.
std::optional<std::vector<std::pair<std::string, std::string>>> Fit(
    const PathPattern& pattern, const std::vector<std::string_view>& parts) {
  if (parts.size() != pattern.segments.size()) return std::nullopt;
  std::vector<std::pair<std::string, std::string>> fields;
  for (size_t i = 0; i < parts.size(); ++i) {
    const PathPattern::Segment& segment = pattern.segments[i];
    const std::optional<std::string> text = PercentDecoded(parts[i]);
    if (!text.has_value()) return std::nullopt;
    if (segment.is_field ? text->empty() : *text != segment.text) return std::nullopt;
    if (segment.is_field) fields.emplace_back(segment.text, *text);
  }
  return fields;
}

}  // namespace

std::vector<std::string> PathPattern::fields() const {
  std::vector<std::string> names;
  for (const Segment& segment : segments) {
    if (segment.is_field) names.push_back(segment.text);
  }
  return names;
}

std::optional<std::string> PercentDecoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const auto is_hex = [&](size_t at) {
      return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at])) != 0;
    };
    if (!is_hex(i + 1) || !is_hex(i + 2)) return std::nullopt;
    decoded += absl::HexStringToBytes(ToAbsl(text.substr(i + 1, 2)));
    i += 2;
  }
  return decoded;
}

absl::StatusOr<RestRoutes> RestRoutes::Make(const ApiDescriptors& api,
                                            std::span<const RestRule> rules) {
  RestRoutes made;
  for (const RestRule& rule : rules) {
    KITH_ASSIGN_OR_RETURN(Route route, RouteOf(api, rule));
    for (const Route& other : made.routes_) {
      if (other.verb == route.verb && Overlap(other.pattern, route.pattern)) {
        return absl::InternalError(fmt::format("REST: {} {} and {} are for the same requests",
                                               route.verb, route.path, other.path));
      }
    }
    made.routes_.push_back(std::move(route));
  }
  return made;
}

RouteMatch RestRoutes::Find(std::string_view verb, std::string_view path) const {
  if (verb == "HEAD") verb = "GET";
  if (path.ends_with(':')) return {};
  const std::string_view custom_verb = TakeCustomVerb(&path);
  const std::vector<std::string_view> parts = SplitPath(path);
  RouteMatch match;
  for (const Route& route : routes_) {
    if (route.pattern.custom_verb != custom_verb) continue;
    auto fields = Fit(route.pattern, parts);
    if (!fields.has_value()) continue;
    match.allowed.push_back(route.verb);
    if (route.verb != verb) continue;
    match.route = &route;
    match.fields = *std::move(fields);
  }
  std::sort(match.allowed.begin(), match.allowed.end());
  return match;
}

}  // namespace kith::http
