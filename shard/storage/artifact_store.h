#ifndef KITH_SHARD_STORAGE_ARTIFACT_STORE_H_
#define KITH_SHARD_STORAGE_ARTIFACT_STORE_H_

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/shard_api/shard_calls.h"
#include "index/index_version.h"
#include "shard/storage/file_system.h"

namespace kith::storage {

// Trained quantizers as immutable files named by their content hash; shared by the node's shards.
// Names come from the network: only 32 hex digits are ever a file name here.
// Threads: any.
class ArtifactStore {
 public:
  ArtifactStore(std::string directory, FileSystem& files);

  absl::Status Save(const index::IndexVersion& version);
  // NOT_FOUND INDEX_VERSION_NOT_READY; DATA_LOSS CORRUPTION.
  absl::StatusOr<std::shared_ptr<const index::IndexVersion>> Load(const std::string& hash);
  // INVALID_ARGUMENT BAD_REQUEST for what is no hash. Whether the file is there is another
  // question.
  absl::StatusOr<std::string> PathOf(const std::string& hash) const;
  absl::StatusOr<ArtifactChunk> ReadChunk(const std::string& hash, uint64_t offset);
  absl::Status WriteChunk(const ArtifactChunk& chunk);
  // Called now and then: removes what kSweepsUnused of these calls in a row found neither in `used`
  // nor loaded nor touched by any other call. So many, because a version is trained or fetched
  // before anything refers to it.
  static constexpr int kSweepsUnused = 10;
  absl::Status Sweep(const std::set<std::string>& used);

 private:
  absl::Status Complete(const std::string& hash, const std::string& bytes);
  bool IsUnused(const std::string& hash, const std::set<std::string>& used);

  const std::string directory_;
  FileSystem& files_;
  std::mutex mutex_;
  std::map<std::string, std::string> incoming_;  // chunks received so far, at most a few
  std::map<std::string, std::weak_ptr<const index::IndexVersion>> loaded_;
  std::map<std::string, int> unused_sweeps_;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_ARTIFACT_STORE_H_
