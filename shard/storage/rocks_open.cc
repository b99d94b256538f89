#include "shard/storage/rocks_open.h"

#include <fmt/format.h>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/errno_status.h"

namespace kith::storage {

absl::Status PrepareDatabaseDirectory(FileSystem& files, const std::string& directory,
                                      DatabaseAccess access) {
  if (access == DatabaseAccess::kWrite) KITH_RETURN_IF_ERROR(files.EnsureDirectory(directory));
  if (!files.Exists(directory) || files.Exists(directory + "/CURRENT")) return absl::OkStatus();
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(directory));
  for (const std::string& name : names) {
    // Neither is made before CURRENT stands, so a create that was cut short leaves none.
    if (name.ends_with(".sst") || name.ends_with(".log")) {
      return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
                   fmt::format("{} holds {} but its CURRENT file is gone. Restore it from a copy; "
                               "the directory was left as it is ({})",
                               directory, name, kDamageRemedy));
    }
  }
  return absl::OkStatus();
}

// The destructor cannot report a failed last flush; whoever needs one flushes first.
OpenDatabase::~OpenDatabase() {
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    db_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
  db_->Close().PermitUncheckedError();
}

}  // namespace kith::storage
