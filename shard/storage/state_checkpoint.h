#ifndef KITH_SHARD_STORAGE_STATE_CHECKPOINT_H_
#define KITH_SHARD_STORAGE_STATE_CHECKPOINT_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "shard/storage/digest.h"
#include "shard/storage/state_store.h"

namespace kith::storage {

// What StateStore::Checkpoint has left in a directory, read from the files themselves.
struct StateCheckpoint {
  AppliedState applied;
  SlotDigests digests;
  // RocksDB's checksum of each table file, by the file's name; it was made when the file was
  // written.
  std::map<std::string, std::string> table_checksums;
};

// DATA_LOSS CORRUPTION; FAILED_PRECONDITION FORMAT_VERSION. Changes no file of the database.
absl::StatusOr<StateCheckpoint> ReadStateCheckpoint(FileSystem& files,
                                                    const std::string& directory);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_STATE_CHECKPOINT_H_
