#ifndef KITH_COORDINATOR_SEARCH_POINT_DEADLINE_H_
#define KITH_COORDINATOR_SEARCH_POINT_DEADLINE_H_

#include <algorithm>
#include <chrono>
#include <optional>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {

inline constexpr std::chrono::seconds kPointDeadlineDefault{30};

// When a call of the Points service ends: 30 s from now where the caller set no deadline, 60 s at
// most. DEADLINE_EXCEEDED DEADLINE where it has passed: nothing was done.
inline absl::StatusOr<Deadline> PointDeadline(std::optional<Deadline> wanted, Deadline now) {
  if (!wanted.has_value()) return now + kPointDeadlineDefault;
  if (*wanted <= now) {
    return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                 "the deadline had passed when the call arrived; nothing was done");
  }
  return std::min(*wanted, now + std::chrono::milliseconds(limits::kDeadlineMsMax));
}

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_POINT_DEADLINE_H_
