// What a backup takes of a shard::Copy.
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/copy.h"
#include "shard/storage/file_copy.h"

namespace kith::shard {

// Under the upkeep's lock no other checkpoint replaces the files that this one names. What is
// written between it and the copy of the state is in the copy, as a start after it would find it.
absl::StatusOr<uint64_t> Copy::Pin(const std::string& directory) {
  const uint64_t applied = parts_->snapshots.Pin()->lsn;
  std::lock_guard lock(upkeep_mutex_);
  if (closing_) {
    return Error(absl::StatusCode::kUnavailable, reason::kDraining, "the shard is being closed");
  }
  KITH_RETURN_IF_ERROR(RunCheckpoint());
  for (const char* folder : {"/seg", "/artifacts"}) {
    KITH_RETURN_IF_ERROR(parts_->files->CreateDirectories(directory + folder));
  }
  KITH_RETURN_IF_ERROR(parts_->state->Checkpoint(directory + "/state"));
  KITH_RETURN_IF_ERROR(PinFiles(directory));
  return applied;
}

absl::Status Copy::PinFiles(const std::string& directory) const {
  for (const std::string& file : checkpointer_.files()) {
    KITH_RETURN_IF_ERROR(storage::LinkOrCopy(*parts_->files, parts_->directory + "/seg/" + file,
                                             directory + "/seg/" + file));
  }
  for (const std::string& version : checkpointer_.versions()) {
    KITH_ASSIGN_OR_RETURN(const std::string path, parts_->artifacts->PathOf(version));
    KITH_RETURN_IF_ERROR(
        storage::LinkOrCopy(*parts_->files, path, directory + "/artifacts/" + version));
  }
  return absl::OkStatus();
}

absl::StatusOr<storage::Digest> Copy::TruthDigest() const {
  KITH_ASSIGN_OR_RETURN(const storage::SlotDigests digests, parts_->state->ReadDigests());
  return storage::SumOf(digests);
}

}  // namespace kith::shard
