#ifndef KITH_SHARD_BACKUP_BACKUP_MANIFEST_H_
#define KITH_SHARD_BACKUP_BACKUP_MANIFEST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/shard_api/local_backups.h"

namespace kith::shard {

struct BackupFile {
  std::string path;  // below the shard's directory: state/NAME, seg/NAME or artifacts/NAME
  uint64_t bytes = 0;
  std::string sha256;  // names the file in the store
  // What the file was known by where it came from, without reading it; empty: by nothing. Another
  // file that is known by the same has the same bytes.
  std::string origin;
};

struct ShardManifest {
  BackupShard facts;  // bytes: the sum of those of `files`
  std::vector<BackupFile> files;
};

struct CollectionManifest {
  std::string name;
  std::string record;
  std::vector<ShardManifest> shards;
};

// One complete backup: which files of the store it is made of.
struct BackupManifest {
  std::string name;
  uint64_t created_unix_ms = 0;
  uint64_t added_bytes = 0;
  std::vector<CollectionManifest> collections;
};

// A file and what it belongs to; all point into the manifest.
struct PlacedFile {
  const CollectionManifest* collection = nullptr;
  const ShardManifest* shard = nullptr;
  const BackupFile* file = nullptr;
};
std::vector<PlacedFile> FilesOf(const BackupManifest& manifest);

// "backup nightly, collection c, shard 3: state/000012.sst", for messages.
std::string PlaceOf(const BackupManifest& backup, const CollectionManifest& collection,
                    const ShardManifest& shard, const BackupFile& file);

Backup SummaryOf(const BackupManifest& manifest);

std::string EncodeBackupManifest(const BackupManifest& manifest);
// `path` is for messages. DATA_LOSS CORRUPTION, also for a path or hash that this program would not
// have written: what stands here becomes file names. FAILED_PRECONDITION FORMAT_VERSION.
absl::StatusOr<BackupManifest> ParseBackupManifest(const std::string& path, std::string_view bytes);

}  // namespace kith::shard

#endif  // KITH_SHARD_BACKUP_BACKUP_MANIFEST_H_
