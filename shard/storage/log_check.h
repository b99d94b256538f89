#ifndef KITH_SHARD_STORAGE_LOG_CHECK_H_
#define KITH_SHARD_STORAGE_LOG_CHECK_H_

#include <span>

#include "absl/status/status.h"
#include "shard/storage/log_hint.h"
#include "shard/storage/log_store.h"
#include "shard/storage/node_directory.h"

namespace kith::storage {

// Whether the log has every entry that it must still have: of each shard those above what its state
// has applied and what was truncated, as far as the hint says they were acknowledged. It is opened
// for reading alone: an open for writing removes files which a damaged MANIFEST does not name.
// After a clean stop nothing is read; else what the log held in memory is read a second time.
//
// DATA_LOSS CORRUPTION where the log is damaged. A shard whose state is, or that has an entry which
// cannot be read, is left to its own start.
absl::Status CheckLogBeforeOpening(const LogOptions& options, const LogHint& hint,
                                   std::span<const NodeDirectory::ShardDirectory> shards);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_LOG_CHECK_H_
