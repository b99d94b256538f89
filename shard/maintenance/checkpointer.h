#ifndef KITH_SHARD_MAINTENANCE_CHECKPOINTER_H_
#define KITH_SHARD_MAINTENANCE_CHECKPOINTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/maintenance/manifest.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

// Makes the present snapshot what the next start begins from: segment and tombstone files,
// manifest, a flush of the truth, and the log cut below it. A crash anywhere leaves the old
// checkpoint or the new one.
//
// Threads: one at a time (the copy's maintenance lock).
class Checkpointer {
 public:
  // `manifest` is what stands on disk, and `parts` was just recovered from it.
  Checkpointer(CopyParts& parts, Manifest manifest);

  absl::Status Run();
  // Removes files that no manifest names: left by a crash between two steps.
  absl::Status RemoveOrphans();
  uint64_t lsn() const { return manifest_.lsn; }

 private:
  absl::StatusOr<Manifest> Describe(const Snapshot& snapshot);
  absl::StatusOr<std::string> SegmentFile(const BuiltIndex& index,
                                          const std::shared_ptr<const index::ListSegment>& segment,
                                          Manifest& next);
  std::string Path(const std::string& file) const;

  CopyParts& parts_;
  Manifest manifest_;
  // Files of the segments that are on disk; holding the pointer keeps it from being reused.
  std::unordered_map<std::shared_ptr<const index::ListSegment>, std::string> files_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_CHECKPOINTER_H_
