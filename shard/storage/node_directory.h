#ifndef KITH_SHARD_STORAGE_NODE_DIRECTORY_H_
#define KITH_SHARD_STORAGE_NODE_DIRECTORY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/shard_api/shard_calls.h"
#include "shard/storage/file_system.h"

namespace kith::storage {

// The node's data directory: FORMAT (magic, format version, oldest reader, cluster and node
// identity, checksummed), LOCK (held while open), log/, artifacts/, shard/{id}-{copy}/ each with a
// SPEC file. One process a directory.
//
// Threads: any.
class NodeDirectory {
 public:
  virtual ~NodeDirectory() = default;

  // Creates an empty directory's files, or opens an existing one.
  // FAILED_PRECONDITION DIRECTORY_IN_USE (says which process), FORMAT_VERSION (says both versions
  // and what to do), STORAGE (read-only, no rights, not a kith directory but not empty);
  // DATA_LOSS CORRUPTION where FORMAT does not match its checksum.
  static absl::StatusOr<std::unique_ptr<NodeDirectory>> Open(const std::string& path,
                                                             FileSystem& files);

  virtual const std::string& path() const = 0;
  virtual const Uuid& node_id() const = 0;
  std::string log_path() const { return path() + "/log"; }
  std::string meta_path() const { return path() + "/meta"; }
  std::string artifacts_path() const { return path() + "/artifacts"; }
  std::string hint_path() const { return path() + "/HINT"; }

  struct ShardDirectory {
    ShardSpec spec;
    Uuid copy;
    std::string path;
  };
  // The shards that were created completely; leftovers of an unfinished create or drop are removed.
  virtual absl::StatusOr<std::vector<ShardDirectory>> ListShards() = 0;
  virtual absl::StatusOr<ShardDirectory> CreateShard(const ShardSpec& spec) = 0;
  virtual absl::Status RemoveShard(const ShardDirectory& shard) = 0;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_NODE_DIRECTORY_H_
