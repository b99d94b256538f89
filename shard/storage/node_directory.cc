#include "shard/storage/node_directory.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/checked_text.h"
#include "shard/storage/lock_file.h"
#include "shard/storage/shard_spec_file.h"

namespace kith::storage {
namespace {

constexpr char kKind[] = "kith-node-directory";
constexpr char kCreating[] = ".creating-";
constexpr char kDropping[] = ".dropping-";

// What a directory may hold and still count as empty: a lock, an unfinished FORMAT, and what a
// fresh file system puts into its root.
bool MayStandInAnEmptyDirectory(const std::string& name) {
  return name == "LOCK" || name == "FORMAT.new" || name == "lost+found";
}

bool IsLeftover(const std::string& name) {
  return name.starts_with(kCreating) || name.starts_with(kDropping);
}

std::string ShardDirectoryName(const NodeDirectory::ShardDirectory& shard) {
  return fmt::format("{}-{}", shard.spec.shard, shard.copy.ToString());
}

class LockedNodeDirectory final : public NodeDirectory {
 public:
  LockedNodeDirectory(std::string path, FileSystem& files, std::unique_ptr<LockFile> lock)
      : path_(std::move(path)), files_(files), lock_(std::move(lock)) {}

  const std::string& path() const override { return path_; }
  const Uuid& node_id() const override { return node_id_; }

  absl::Status OpenOrCreate();
  absl::StatusOr<std::vector<ShardDirectory>> ListShards() override;
  absl::StatusOr<ShardDirectory> CreateShard(const ShardSpec& spec) override;
  absl::Status RemoveShard(const ShardDirectory& shard) override;

 private:
  std::string shards_path() const { return path_ + "/shard"; }
  absl::Status CreateFormat();
  absl::Status ReadFormat();
  absl::StatusOr<ShardDirectory> ReadShard(const std::string& name);

  const std::string path_;
  FileSystem& files_;
  const std::unique_ptr<LockFile> lock_;
  Uuid node_id_;
};

// FORMAT comes first, the rest of the tree is completed at every start: so a directory without a
// FORMAT is either not ours or still empty.
absl::Status LockedNodeDirectory::OpenOrCreate() {
  if (files_.Exists(path_ + "/FORMAT")) {
    KITH_RETURN_IF_ERROR(ReadFormat());
  } else {
    KITH_RETURN_IF_ERROR(CreateFormat());
  }
  for (const std::string& child : {log_path(), meta_path(), artifacts_path(), shards_path()}) {
    KITH_RETURN_IF_ERROR(files_.EnsureDirectory(child));
  }
  return absl::OkStatus();
}

absl::Status LockedNodeDirectory::CreateFormat() {
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(path_));
  const auto foreign = std::find_if_not(names.begin(), names.end(), MayStandInAnEmptyDirectory);
  if (foreign != names.end()) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kStorage,
                 fmt::format("{} is not empty (it holds {}) and has no FORMAT file, so it is not a "
                             "data directory of kith. Choose an empty directory",
                             path_, *foreign));
  }
  node_id_ = Uuid::Random();
  CheckedText format(kKind);
  format.Put("cluster", Uuid::Random().ToString());
  format.Put("node", node_id_.ToString());
  KITH_RETURN_IF_ERROR(files_.ReplaceFile(path_ + "/FORMAT", format.Encode()));
  spdlog::info("event=data_directory_created path={} node={}", path_, node_id_.ToString());
  return absl::OkStatus();
}

absl::Status LockedNodeDirectory::ReadFormat() {
  const std::string file = path_ + "/FORMAT";
  KITH_ASSIGN_OR_RETURN(const std::string bytes, files_.ReadAll(file, CheckedText::kBytesMax));
  KITH_ASSIGN_OR_RETURN(const CheckedText format, CheckedText::Parse(kKind, file, bytes));
  KITH_ASSIGN_OR_RETURN(node_id_, format.Id("node"));
  return format.Id("cluster").status();
}

absl::StatusOr<NodeDirectory::ShardDirectory> LockedNodeDirectory::ReadShard(
    const std::string& name) {
  const std::string path = fmt::format("{}/{}", shards_path(), name);
  const std::string file = path + "/SPEC";
  KITH_ASSIGN_OR_RETURN(const std::string bytes, files_.ReadAll(file, CheckedText::kBytesMax));
  KITH_ASSIGN_OR_RETURN(ShardDirectory shard, ParseShardSpec(file, bytes));
  shard.path = path;
  if (ShardDirectoryName(shard) == name) return shard;
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               fmt::format("{} describes {}: the directory was renamed or the file was copied. "
                           "Put it back under its own name",
                           file, ShardDirectoryName(shard)));
}

absl::StatusOr<std::vector<NodeDirectory::ShardDirectory>> LockedNodeDirectory::ListShards() {
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(shards_path()));
  std::vector<ShardDirectory> shards;
  for (const std::string& name : names) {
    if (IsLeftover(name)) {
      spdlog::info("event=leftover_removed path={}/{}", shards_path(), name);
      KITH_RETURN_IF_ERROR(files_.RemoveTree(fmt::format("{}/{}", shards_path(), name)));
      continue;
    }
    KITH_ASSIGN_OR_RETURN(ShardDirectory shard, ReadShard(name));
    shards.push_back(std::move(shard));
  }
  return shards;
}

// Complete under another name first; the rename makes it exist.
absl::StatusOr<NodeDirectory::ShardDirectory> LockedNodeDirectory::CreateShard(
    const ShardSpec& spec) {
  ShardDirectory shard{spec, Uuid::Random(), {}};
  const std::string name = ShardDirectoryName(shard);
  const std::string unfinished = fmt::format("{}/{}{}", shards_path(), kCreating, name);
  KITH_RETURN_IF_ERROR(files_.CreateDirectories(unfinished));
  for (const char* child : {"state", "rows", "seg"}) {
    KITH_RETURN_IF_ERROR(files_.CreateDirectories(fmt::format("{}/{}", unfinished, child)));
  }
  KITH_RETURN_IF_ERROR(files_.ReplaceFile(unfinished + "/SPEC", EncodeShardSpec(shard)));
  shard.path = fmt::format("{}/{}", shards_path(), name);
  KITH_RETURN_IF_ERROR(files_.Rename(unfinished, shard.path));
  KITH_RETURN_IF_ERROR(files_.SyncDirectory(shards_path()));
  spdlog::info("event=shard_directory_created path={} collection={}", shard.path, spec.collection);
  return shard;
}

absl::Status LockedNodeDirectory::RemoveShard(const ShardDirectory& shard) {
  const std::string dropped =
      fmt::format("{}/{}{}", shards_path(), kDropping, ShardDirectoryName(shard));
  KITH_RETURN_IF_ERROR(files_.Rename(shard.path, dropped));
  KITH_RETURN_IF_ERROR(files_.SyncDirectory(shards_path()));
  spdlog::info("event=shard_directory_dropped path={}", shard.path);
  return files_.RemoveTree(dropped);
}

}  // namespace

absl::StatusOr<std::unique_ptr<NodeDirectory>> NodeDirectory::Open(const std::string& path,
                                                                   FileSystem& files) {
  KITH_RETURN_IF_ERROR(files.EnsureDirectory(path));
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<LockFile> lock, LockFile::Acquire(path + "/LOCK"));
  auto directory = std::make_unique<LockedNodeDirectory>(path, files, std::move(lock));
  KITH_RETURN_IF_ERROR(directory->OpenOrCreate());
  return directory;
}

}  // namespace kith::storage
