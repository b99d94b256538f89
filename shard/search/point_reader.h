#ifndef KITH_SHARD_SEARCH_POINT_READER_H_
#define KITH_SHARD_SEARCH_POINT_READER_H_

#include "absl/status/statusor.h"
#include "common/shard_api/shard_calls.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

// Points by id, from the truth. A point that changes while it is read is read again, so that
// version, vector and payload always belong together. Threads: any; blocks on the disk.
// INVALID_ARGUMENT BAD_REQUEST, UNAVAILABLE NOT_READY (behind the token or changing too fast),
// UNAVAILABLE STORAGE.
absl::StatusOr<GetReply> ReadPoints(const CopyParts& parts, const GetCall& call);

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_POINT_READER_H_
