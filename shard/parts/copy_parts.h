#ifndef KITH_SHARD_PARTS_COPY_PARTS_H_
#define KITH_SHARD_PARTS_COPY_PARTS_H_

#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/shard_api/shard_calls.h"
#include "shard/parts/snapshot.h"
#include "shard/parts/suspect_rows.h"
#include "shard/parts/upkeep_counts.h"
#include "shard/storage/artifact_store.h"
#include "shard/storage/digest.h"
#include "shard/storage/faults.h"
#include "shard/storage/file_system.h"
#include "shard/storage/log_hint.h"
#include "shard/storage/log_store.h"
#include "shard/storage/row_file.h"
#include "shard/storage/state_store.h"

namespace kith::shard {

// What the parts of one shard copy share: its stores and its current snapshot. Owned by the copy,
// which destroys it after every thread that uses it has stopped.
struct CopyParts {
  ShardSpec spec;
  std::string directory;
  uint32_t vector_bytes = 0;
  storage::FileSystem* files = nullptr;  // of the node, as the next three
  storage::LogStore* log = nullptr;
  storage::LogHint* hint = nullptr;
  storage::ArtifactStore* artifacts = nullptr;
  Clock* clock = nullptr;
  storage::Faults faults;
  std::unique_ptr<storage::StateStore> state;
  std::unique_ptr<storage::RowFile> rows;
  storage::SlotDigests digests;  // of the truth; the writer's
  SnapshotCell snapshots;
  UpkeepCounts counts;
  SuspectRows suspects;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_COPY_PARTS_H_
