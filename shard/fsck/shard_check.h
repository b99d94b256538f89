#ifndef KITH_SHARD_FSCK_SHARD_CHECK_H_
#define KITH_SHARD_FSCK_SHARD_CHECK_H_

#include <cstdint>
#include <optional>
#include <string>

#include "shard/fsck/fsck_report.h"
#include "shard/storage/artifact_store.h"
#include "shard/storage/file_system.h"
#include "shard/storage/log_hint.h"
#include "shard/storage/log_store.h"
#include "shard/storage/node_directory.h"

namespace kith::fsck {

// What the shards of a directory share.
struct CheckHost {
  storage::FileSystem* files = nullptr;
  storage::LogStore* log = nullptr;  // null: it cannot be read
  storage::LogHint* hint = nullptr;
  storage::ArtifactStore* artifacts = nullptr;
};

// Checks one shard whose SPEC was read; what is wrong goes into the report. Answers the lsn that
// its state has applied; none where the state cannot be read.
std::optional<uint64_t> CheckShard(const CheckHost& host,
                                   const storage::NodeDirectory::ShardDirectory& shard,
                                   Report& report);

}  // namespace kith::fsck

#endif  // KITH_SHARD_FSCK_SHARD_CHECK_H_
