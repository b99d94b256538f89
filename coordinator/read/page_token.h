#ifndef KITH_COORDINATOR_READ_PAGE_TOKEN_H_
#define KITH_COORDINATOR_READ_PAGE_TOKEN_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/payload/filter.h"
#include "common/vector/point_key.h"

namespace kith::coordinator {

// Where the next page of a scroll begins: behind the point `last` of the collection of that
// incarnation, among the points that pass the filter. It names no shard and no snapshot, so it
// holds over restarts and moves of slots.
struct PageSubject {
  Uuid incarnation;
  const Filter* filter = nullptr;  // null: all points
};
std::string PageToken(const PageSubject& subject, const PointKey& last);

// INVALID_ARGUMENT BAD_PAGE_TOKEN naming page_token: nothing that PageToken made, changed since, of
// another incarnation, or of another filter.
absl::StatusOr<PointKey> LastOf(std::string_view token, const PageSubject& subject);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_READ_PAGE_TOKEN_H_
