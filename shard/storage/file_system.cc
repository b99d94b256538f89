#include "shard/storage/file_system.h"

#include "common/base/status.h"

namespace kith::storage {

absl::Status FileSystem::ReplaceFile(const std::string& path, std::string_view bytes) {
  const std::string beside = path + ".new";
  {
    KITH_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file, Create(beside));
    KITH_RETURN_IF_ERROR(file->Append(bytes));
    KITH_RETURN_IF_ERROR(file->Sync());
  }
  KITH_RETURN_IF_ERROR(Rename(beside, path));
  return SyncDirectory(ParentDirectory(path));
}

absl::Status FileSystem::EnsureDirectory(const std::string& path) {
  if (Exists(path)) return absl::OkStatus();
  const std::string parent = ParentDirectory(path);
  KITH_RETURN_IF_ERROR(EnsureDirectory(parent));
  KITH_RETURN_IF_ERROR(CreateDirectories(path));
  return SyncDirectory(parent);
}

std::string ParentDirectory(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  const size_t slash = end == std::string::npos ? end : path.find_last_of('/', end);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace kith::storage
