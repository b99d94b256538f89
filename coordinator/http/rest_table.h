#ifndef KITH_COORDINATOR_HTTP_REST_TABLE_H_
#define KITH_COORDINATOR_HTTP_REST_TABLE_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace kith::http {

// Where a method of the public services is found by REST. POST, PUT and PATCH take the request as
// JSON; GET and DELETE its fields as parameters of the query. "{field}" is a field of the request,
// a string of its outermost level; a verb of our own follows a colon.
struct RestRule {
  std::string_view method;  // "kith.v1.Points.Upsert"
  std::string_view verb;
  std::string_view path;
  // Of a caller that sends no Kith-Timeout; 0: the method does without, or has its own.
  int64_t timeout_ms = 0;
};

struct NoRest {
  std::string_view method;
  std::string_view why;
};

// The one place that says so. Every method of the public services is in the one or the other list,
// which a test checks: a new method is added here with its proto.
std::span<const RestRule> RestRules();
std::span<const NoRest> MethodsWithoutRest();

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_REST_TABLE_H_
