#ifndef KITH_SHARD_PARTS_INDEX_STATUS_H_
#define KITH_SHARD_PARTS_INDEX_STATUS_H_

#include "absl/status/status.h"
#include "common/base/status.h"
#include "index/status.h"

namespace kith::shard {

// The engine's small status in the form every other border uses.
inline absl::Status FromIndex(const index::Status& status) {
  const auto code = [&] {
    switch (status.code()) {
      case index::Code::kOk:
        return absl::StatusCode::kOk;
      case index::Code::kInvalidArgument:
        return absl::StatusCode::kInvalidArgument;
      case index::Code::kFailedPrecondition:
        return absl::StatusCode::kFailedPrecondition;
      case index::Code::kResourceExhausted:
        return absl::StatusCode::kResourceExhausted;
      case index::Code::kCancelled:
        return absl::StatusCode::kCancelled;
      case index::Code::kDeadlineExceeded:
        return absl::StatusCode::kDeadlineExceeded;
      case index::Code::kDataLoss:
        return absl::StatusCode::kDataLoss;
    }
    return absl::StatusCode::kInternal;
  }();
  if (code == absl::StatusCode::kOk) return absl::OkStatus();
  return Error(code, status.reason(), status.message());
}

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_INDEX_STATUS_H_
