#ifndef KITH_COORDINATOR_HTTP_REST_ROUTES_H_
#define KITH_COORDINATOR_HTTP_REST_ROUTES_H_

#include <google/protobuf/descriptor.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/http/api_descriptors.h"
#include "coordinator/http/rest_table.h"

namespace kith::http {

// A path as it is matched: between slashes a word, or a field; at the end a verb of our own.
struct PathPattern {
  struct Segment {
    std::string text;  // the word, or the name of the field
    bool is_field = false;
    bool operator==(const Segment&) const = default;
  };
  std::vector<Segment> segments;
  std::string custom_verb;  // after the colon; empty: none

  bool operator==(const PathPattern&) const = default;
  std::vector<std::string> fields() const;
};

struct Route {
  const google::protobuf::MethodDescriptor* method = nullptr;
  std::string verb;
  std::string path;  // as the table has it
  PathPattern pattern;
  std::chrono::milliseconds timeout{0};

  bool takes_body() const { return verb == "POST" || verb == "PUT" || verb == "PATCH"; }
};

struct RouteMatch {
  const Route* route = nullptr;                             // null: nothing is there for this verb
  std::vector<std::pair<std::string, std::string>> fields;  // of the path, decoded
  std::vector<std::string> allowed;  // verbs of the path; empty: no such path
};

// Threads: any.
class RestRoutes {
 public:
  // INTERNAL where a rule names a method or a field that is not there, or one that is no string, or
  // where two are for the same requests: a bug of the table.
  static absl::StatusOr<RestRoutes> Make(const ApiDescriptors& api,
                                         std::span<const RestRule> rules);

  // `path` as sent, percent-encoded. HEAD is matched as GET.
  RouteMatch Find(std::string_view verb, std::string_view path) const;
  const std::vector<Route>& all() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

// %41 becomes A; nothing where an escape is broken.
std::optional<std::string> PercentDecoded(std::string_view text);

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_REST_ROUTES_H_
