#include "shard/maintenance/checkpoint_pin.h"

#include "common/base/status.h"
#include "shard/storage/file_copy.h"

namespace kith::shard {
namespace {

absl::Status PinFiles(const CopyParts& parts, const Checkpointer& checkpointer,
                      const std::string& directory) {
  for (const std::string& file : checkpointer.files()) {
    KITH_RETURN_IF_ERROR(storage::LinkOrCopy(*parts.files, parts.directory + "/seg/" + file,
                                             directory + "/seg/" + file));
  }
  for (const std::string& version : checkpointer.versions()) {
    KITH_ASSIGN_OR_RETURN(const std::string path, parts.artifacts->PathOf(version));
    KITH_RETURN_IF_ERROR(
        storage::LinkOrCopy(*parts.files, path, directory + "/artifacts/" + version));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PinCheckpoint(const CopyParts& parts, const Checkpointer& checkpointer,
                           const std::string& directory) {
  for (const char* folder : {"/seg", "/artifacts"}) {
    KITH_RETURN_IF_ERROR(parts.files->CreateDirectories(directory + folder));
  }
  KITH_RETURN_IF_ERROR(parts.state->Checkpoint(directory + "/state"));
  return PinFiles(parts, checkpointer, directory);
}

}  // namespace kith::shard
