#ifndef KITH_COORDINATOR_HTTP_HTTP_MESSAGE_H_
#define KITH_COORDINATOR_HTTP_HTTP_MESSAGE_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kith::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

// A request, whatever library read it.
struct HttpRequest {
  std::string verb = {};
  std::string target = {};  // as sent: path and query, percent-encoded
  Headers headers = {};     // names in small letters
  std::string body = {};
  std::string peer = {};  // who sent it: "10.0.0.1:40000"; empty: not known
  // False once the caller has gone away; may be empty: then it is there.
  std::function<bool()> is_wanted = {};

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  std::string_view query() const {
    const size_t mark = target.find('?');
    return mark == std::string::npos ? std::string_view()
                                     : std::string_view(target).substr(mark + 1);
  }
  size_t CountOf(std::string_view name) const {
    size_t count = 0;
    for (const auto& header : headers) count += header.first == name ? 1 : 0;
    return count;
  }
  // The first of that name.
  std::optional<std::string_view> Find(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return std::nullopt;
  }
};

inline constexpr char kJson[] = "application/json";

struct HttpAnswer {
  int code = 200;
  std::string body = {};
  std::string content_type = kJson;
  Headers headers = {};
};

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_HTTP_MESSAGE_H_
