#ifndef KITH_SHARD_STORAGE_SHARD_SPEC_FILE_H_
#define KITH_SHARD_STORAGE_SHARD_SPEC_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "shard/storage/node_directory.h"

namespace kith::storage {

// The bytes of a shard directory's SPEC file: what was asked for when the copy was created.
std::string EncodeShardSpec(const NodeDirectory::ShardDirectory& shard);
// DATA_LOSS CORRUPTION, FAILED_PRECONDITION FORMAT_VERSION. Leaves `path` empty.
absl::StatusOr<NodeDirectory::ShardDirectory> ParseShardSpec(const std::string& file,
                                                             const std::string& bytes);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_SHARD_SPEC_FILE_H_
