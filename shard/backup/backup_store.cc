#include "shard/backup/backup_store.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "shard/storage/checked_text.h"
#include "shard/storage/errno_status.h"

namespace kith::shard {
namespace {

constexpr char kStoreKind[] = "kith-backup-store";
constexpr uint64_t kManifestBytesMax = uint64_t{256} << 20;

absl::Status NoStore(const std::string& directory, std::string_view what) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kStorage,
               fmt::format("backup.directory {} {}", directory, what));
}

absl::Status NotFound(const std::string& name) {
  return Error(absl::StatusCode::kNotFound, reason::kBackupNotFound,
               fmt::format("there is no backup {}", name));
}

// Says what to do about a manifest that is damaged. One of a newer program is not.
absl::Status Unusable(const absl::Status& status) {
  if (!absl::IsDataLoss(status)) return status;
  return Error(
      status.code(), reason::kCorruption,
      fmt::format("{}. Take another backup, and delete this one: until then nothing that a "
                  "backup leaves behind is freed",
                  std::string(status.message())));
}

// What an empty directory may hold: a lock, an unfinished FORMAT, and what a fresh file system puts
// into its root.
bool MayStandInAnEmptyDirectory(const std::string& name) {
  return name == "LOCK" || name == "FORMAT.new" || name == "lost+found";
}

// Names of backups have no dot: what has one is an unfinished manifest.
bool IsBackupName(const std::string& name) { return name.find('.') == std::string::npos; }

}  // namespace

absl::StatusOr<std::unique_ptr<BackupStore>> BackupStore::Open(const BackupStoreOptions& options,
                                                               Access access) {
  if (!options.files->Exists(options.directory)) {
    return NoStore(options.directory,
                   "does not exist: create it for the user that kithd runs as, or mount its disk");
  }
  std::unique_ptr<BackupStore> store(new BackupStore(options));
  // A directory of something else stays as it is, without a lock in it.
  KITH_RETURN_IF_ERROR(store->CheckFormat(Access::kRead));
  if (access == Access::kRead) return store;
  KITH_ASSIGN_OR_RETURN(store->lock_, storage::LockFile::Acquire(store->Path("LOCK")));
  KITH_RETURN_IF_ERROR(store->CheckFormat(Access::kChange));
  KITH_RETURN_IF_ERROR(store->Prepare());
  KITH_RETURN_IF_ERROR(store->LearnOrigins());
  return store;
}

absl::Status BackupStore::CheckFormat(Access access) {
  storage::FileSystem& files = *options_.files;
  const std::string file = Path("FORMAT");
  if (files.Exists(file)) {
    KITH_ASSIGN_OR_RETURN(const std::string bytes,
                          files.ReadAll(file, storage::CheckedText::kBytesMax));
    return storage::CheckedText::Parse(kStoreKind, file, bytes).status();
  }
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(options_.directory));
  const auto foreign = std::find_if_not(names.begin(), names.end(), MayStandInAnEmptyDirectory);
  if (foreign != names.end()) {
    return NoStore(options_.directory,
                   fmt::format("holds {} and no FORMAT file: it is no store of backups. Name an "
                               "empty directory",
                               *foreign));
  }
  if (access == Access::kRead) return absl::OkStatus();
  return files.ReplaceFile(file, storage::CheckedText(kStoreKind).Encode());
}

absl::Status BackupStore::Prepare() {
  for (const char* folder : {"blobs", "backups", "incoming"}) {
    KITH_RETURN_IF_ERROR(options_.files->EnsureDirectory(Path(folder)));
  }
  return SweepFolder(Path("incoming"), {});
}

// Of backups that cannot be read nothing is learnt: their files are copied again if need be.
absl::Status BackupStore::LearnOrigins() {
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
  for (const std::string& name : names) {
    const absl::StatusOr<BackupManifest> manifest = Read(name);
    if (!manifest.ok()) continue;
    for (const PlacedFile& placed : FilesOf(*manifest)) {
      if (!placed.file->origin.empty()) origins_[placed.file->origin] = *placed.file;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> BackupStore::Names() const {
  if (!options_.files->Exists(Path("backups"))) return std::vector<std::string>();
  KITH_ASSIGN_OR_RETURN(std::vector<std::string> names, options_.files->List(Path("backups")));
  std::erase_if(names, [](const std::string& name) { return !IsBackupName(name); });
  return names;
}

bool BackupStore::Has(const std::string& name) const {
  return options_.files->Exists(Path("backups/" + name));
}

absl::StatusOr<BackupManifest> BackupStore::Read(const std::string& name) const {
  if (!IsBackupName(name) || !Has(name)) return NotFound(name);
  const std::string file = Path("backups/" + name);
  KITH_ASSIGN_OR_RETURN(const std::string bytes, options_.files->ReadAll(file, kManifestBytesMax));
  absl::StatusOr<BackupManifest> manifest = ParseBackupManifest(file, bytes);
  if (!manifest.ok()) return Unusable(manifest.status());
  if (manifest->name == name) return manifest;
  return Unusable(storage::CorruptFile(
      file,
      fmt::format("it is that of backup {}: the file was renamed or copied", manifest->name)));
}

std::string BackupStore::BlobPath(const std::string& sha256) const {
  return Path(fmt::format("blobs/{}/{}", sha256.substr(0, 2), sha256));
}

const BackupFile* BackupStore::FindOrigin(const std::string& origin) const {
  if (origin.empty()) return nullptr;
  const auto found = origins_.find(origin);
  if (found == origins_.end()) return nullptr;
  const auto bytes = options_.files->FileBytes(BlobPath(found->second.sha256));
  return bytes.ok() && *bytes == found->second.bytes ? &found->second : nullptr;
}

absl::Status BackupStore::CheckRoom(const std::string& source) const {
  KITH_ASSIGN_OR_RETURN(const uint64_t bytes, options_.files->FileBytes(source));
  KITH_ASSIGN_OR_RETURN(const uint64_t free, options_.files->FreeBytes(options_.directory));
  if (free >= options_.reserve_bytes && free - options_.reserve_bytes >= bytes) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kResourceExhausted, reason::kDiskFull,
               fmt::format("no room in {}: a file of {} bytes does not fit into the {} bytes that "
                           "are free there and leave {} (storage.disk_reserve_mb). Delete old "
                           "backups or take a larger disk",
                           options_.directory, bytes, free, options_.reserve_bytes));
}

// Under a name that a sweep removes until its content is known.
absl::StatusOr<BackupFile> BackupStore::Add(const std::string& source,
                                            const storage::PieceWatch& watch) {
  storage::FileSystem& files = *options_.files;
  const std::string incoming = Path(fmt::format("incoming/{}", next_incoming_++));
  const absl::Status linked = files.Link(source, incoming);
  if (!linked.ok() && !absl::IsUnimplemented(linked)) return linked;
  if (!linked.ok()) KITH_RETURN_IF_ERROR(CheckRoom(source));
  absl::StatusOr<storage::FileSum> sum = linked.ok()
                                             ? storage::SumFile(files, incoming, watch)
                                             : storage::CopyFile(files, source, incoming, watch);
  const absl::Status placed = sum.ok() ? Place(incoming, *sum) : sum.status();
  if (!placed.ok()) {
    if (files.Exists(incoming)) (void)files.Remove(incoming);
    return placed;
  }
  return BackupFile{{}, sum->bytes, sum->sha256, {}};
}

absl::Status BackupStore::Place(const std::string& incoming, const storage::FileSum& sum) {
  storage::FileSystem& files = *options_.files;
  const std::string blob = BlobPath(sum.sha256);
  if (const auto bytes = files.FileBytes(blob); bytes.ok() && *bytes == sum.bytes) {
    return files.Remove(incoming);
  }
  const std::string folder = storage::ParentDirectory(blob);
  KITH_RETURN_IF_ERROR(files.EnsureDirectory(folder));
  KITH_RETURN_IF_ERROR(files.Rename(incoming, blob));
  unsynced_.insert(folder);
  added_bytes_ += sum.bytes;
  return absl::OkStatus();
}

absl::Status BackupStore::Commit(const BackupManifest& manifest) {
  for (const std::string& folder : unsynced_) {
    KITH_RETURN_IF_ERROR(options_.files->SyncDirectory(folder));
  }
  unsynced_.clear();
  return options_.files->ReplaceFile(Path("backups/" + manifest.name),
                                     EncodeBackupManifest(manifest));
}

absl::Status BackupStore::Remove(const std::string& name) {
  if (!IsBackupName(name) || !Has(name)) return NotFound(name);
  KITH_RETURN_IF_ERROR(options_.files->Remove(Path("backups/" + name)));
  KITH_RETURN_IF_ERROR(options_.files->SyncDirectory(Path("backups")));
  return Sweep();
}

absl::StatusOr<std::set<std::string>> BackupStore::NamedBlobs() const {
  std::set<std::string> named;
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
  for (const std::string& name : names) {
    KITH_ASSIGN_OR_RETURN(const BackupManifest manifest, Read(name));
    for (const PlacedFile& placed : FilesOf(manifest)) named.insert(placed.file->sha256);
  }
  return named;
}

absl::Status BackupStore::Sweep() {
  KITH_RETURN_IF_ERROR(SweepFolder(Path("incoming"), {}));
  const absl::StatusOr<std::set<std::string>> named = NamedBlobs();
  if (!named.ok()) {
    spdlog::warn("event=backups_not_swept directory={} error={}", options_.directory,
                 telemetry::LogValue(named.status().ToString()));
    return absl::OkStatus();
  }
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> present,
                        options_.files->List(Path("backups")));
  for (const std::string& name : present) {
    if (IsBackupName(name)) continue;
    KITH_RETURN_IF_ERROR(options_.files->Remove(Path("backups/" + name)));
  }
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> folders,
                        options_.files->List(Path("blobs")));
  for (const std::string& folder : folders) {
    KITH_RETURN_IF_ERROR(SweepFolder(Path("blobs/" + folder), *named));
  }
  return absl::OkStatus();
}

absl::Status BackupStore::SweepFolder(const std::string& folder,
                                      const std::set<std::string>& kept) {
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names, options_.files->List(folder));
  for (const std::string& name : names) {
    if (!kept.contains(name)) {
      KITH_RETURN_IF_ERROR(options_.files->Remove(folder + "/" + name));
    }
  }
  return absl::OkStatus();
}

}  // namespace kith::shard
