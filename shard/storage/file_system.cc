#include "shard/storage/file_system.h"

#include "common/base/status.h"

namespace kith::storage {

namespace {

absl::Status WriteSynced(FileSystem& files, const std::string& path, std::string_view bytes) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file, files.Create(path));
  KITH_RETURN_IF_ERROR(file->Append(bytes));
  return file->Sync();
}

}  // namespace

absl::Status FileSystem::ReplaceFile(const std::string& path, std::string_view bytes) {
  const std::string beside = path + ".new";
  absl::Status status = WriteSynced(*this, beside, bytes);
  if (status.ok()) status = Rename(beside, path);
  if (!status.ok()) {
    (void)Remove(beside);
    return status;
  }
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
