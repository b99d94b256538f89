#ifndef KITH_SHARD_SHARD_SPEC_CHECK_H_
#define KITH_SHARD_SHARD_SPEC_CHECK_H_

#include "absl/status/status.h"
#include "common/shard_api/shard_calls.h"

namespace kith::shard {

// INVALID_ARGUMENT BAD_REQUEST where no shard can be made of it.
absl::Status CheckSpec(const ShardSpec& spec);

}  // namespace kith::shard

#endif  // KITH_SHARD_SHARD_SPEC_CHECK_H_
