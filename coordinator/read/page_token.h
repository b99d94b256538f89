#ifndef KITH_COORDINATOR_READ_PAGE_TOKEN_H_
#define KITH_COORDINATOR_READ_PAGE_TOKEN_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/ids.h"

namespace kith::coordinator {

// Where the next page of a scroll begins: behind the point `last` of the collection of that
// incarnation. It names no shard and no snapshot, so it holds over restarts and moves of slots.
std::string PageToken(const Uuid& incarnation, const PointKey& last);

// INVALID_ARGUMENT BAD_PAGE_TOKEN naming page_token: nothing that PageToken made, changed since, or
// of another incarnation.
absl::StatusOr<PointKey> LastOf(std::string_view token, const Uuid& incarnation);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_READ_PAGE_TOKEN_H_
