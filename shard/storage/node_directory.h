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
  // Second names of files that a backup copies; a start removes what is left there.
  std::string pinned_path() const { return path() + "/pinned"; }

  struct ShardDirectory {
    ShardSpec spec;
    Uuid copy;
    uint32_t row_extent_bits = 0;  // 2^this rows an extent of the row file
    std::string path;
  };
  struct Unreadable {
    ShardDirectory directory;  // what its name says: shard, copy, path
    absl::Status why;
  };
  // What stands under shard/. One bad directory says nothing of the others.
  struct Listing {
    std::vector<ShardDirectory> shards;   // created completely
    std::vector<Unreadable> unreadable;   // named like a shard, but SPEC is missing or damaged
    std::vector<ShardDirectory> dropped;  // marked, not removed yet: shard, copy, path
  };
  // Removes the leftovers of an unfinished create; logs and ignores what has no shard's name.
  virtual absl::StatusOr<Listing> ListShards() = 0;
  // Where it fails nothing is left that a later start would take for a shard.
  absl::StatusOr<ShardDirectory> CreateShard(const ShardSpec& spec, uint32_t row_extent_bits);
  // The two halves of it. A staged shard's directory has its folders and SPEC, and whoever stages
  // it may put files there; it is no shard before it is published, and a start removes it.
  // Publishing gives it its path; where that fails it is removed.
  virtual absl::StatusOr<ShardDirectory> StageShard(const ShardSpec& spec,
                                                    uint32_t row_extent_bits) = 0;
  virtual absl::Status PublishShard(ShardDirectory& staged) = 0;
  virtual void RemoveStaged(const ShardDirectory& staged) = 0;
  // Durable: from here on the shard does not come back. Its new path goes into `shard`; where it
  // fails it can be called again.
  virtual absl::Status MarkDropped(ShardDirectory& shard) = 0;
  virtual absl::Status RemoveDropped(const ShardDirectory& shard) = 0;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_NODE_DIRECTORY_H_
