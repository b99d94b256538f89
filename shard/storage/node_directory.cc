#include "shard/storage/node_directory.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/checked_text.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/lock_file.h"
#include "shard/storage/row_file.h"
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

std::string ShardDirectoryName(const NodeDirectory::ShardDirectory& shard) {
  return fmt::format("{}-{}", shard.spec.shard, shard.copy.ToString());
}

// What a directory's name says of the shard in it; none where it is not a shard's name.
std::optional<NodeDirectory::ShardDirectory> FromName(std::string_view name) {
  NodeDirectory::ShardDirectory shard;
  const size_t dash = name.find('-');
  if (dash == std::string_view::npos ||
      !absl::SimpleAtoi(ToAbsl(name.substr(0, dash)), &shard.spec.shard)) {
    return std::nullopt;
  }
  const absl::StatusOr<Uuid> copy = Uuid::Parse(name.substr(dash + 1));
  if (!copy.ok()) return std::nullopt;
  shard.copy = *copy;
  return shard;
}

class LockedNodeDirectory final : public NodeDirectory {
 public:
  LockedNodeDirectory(std::string path, FileSystem& files, std::unique_ptr<LockFile> lock)
      : path_(std::move(path)), files_(files), lock_(std::move(lock)) {}

  const std::string& path() const override { return path_; }
  const Uuid& node_id() const override { return node_id_; }

  absl::Status OpenOrCreate();
  absl::StatusOr<Listing> ListShards() override;
  absl::StatusOr<ShardDirectory> StageShard(const ShardSpec& spec,
                                            uint32_t row_extent_bits) override;
  absl::Status PublishShard(ShardDirectory& staged) override;
  void RemoveStaged(const ShardDirectory& staged) override;
  absl::Status MarkDropped(ShardDirectory& shard) override;
  absl::Status RemoveDropped(const ShardDirectory& shard) override;

 private:
  std::string shards_path() const { return path_ + "/shard"; }
  void RemovePinned();
  absl::Status CreateFormat();
  absl::Status ReadFormat();
  void List(const std::string& name, Listing& listing);
  absl::Status WriteStaged(const ShardDirectory& staged);
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
  RemovePinned();
  for (const std::string& child : {log_path(), meta_path(), artifacts_path(), shards_path()}) {
    KITH_RETURN_IF_ERROR(files_.EnsureDirectory(child));
  }
  // A process that was killed may have left names that only the page cache holds. What is built on
  // them from here on is acknowledged, so they are made durable first.
  for (const std::string& directory : {path_, shards_path(), artifacts_path()}) {
    KITH_RETURN_IF_ERROR(files_.SyncDirectory(directory));
  }
  return absl::OkStatus();
}

// Left by a backup that was cut short. It takes space and harms nothing else.
void LockedNodeDirectory::RemovePinned() {
  if (!files_.Exists(pinned_path())) return;
  const absl::Status removed = files_.RemoveTree(pinned_path());
  spdlog::info("event=leftover_removed path={} status={}", pinned_path(), removed.ToString());
}

absl::Status LockedNodeDirectory::CreateFormat() {
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(path_));
  const auto foreign = std::find_if_not(names.begin(), names.end(), MayStandInAnEmptyDirectory);
  if (std::find(names.begin(), names.end(), "shard") != names.end()) {
    return CorruptFile(path_ + "/FORMAT",
                       "it is gone, and the directory holds shards. Put it back "
                       "from a copy of this directory");
  }
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
  if (!files_.Exists(file)) {
    return CorruptFile(file, "it is gone. Put it back from a copy of any age: it never changes");
  }
  KITH_ASSIGN_OR_RETURN(const std::string bytes, files_.ReadAll(file, CheckedText::kBytesMax));
  KITH_ASSIGN_OR_RETURN(ShardDirectory shard, ParseShardSpec(file, bytes));
  shard.path = path;
  if (ShardDirectoryName(shard) == name) return shard;
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               fmt::format("{} describes {}: the directory was renamed or the file was copied. "
                           "Put it back under its own name",
                           file, ShardDirectoryName(shard)));
}

absl::StatusOr<NodeDirectory::Listing> LockedNodeDirectory::ListShards() {
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(shards_path()));
  Listing listing;
  for (const std::string& name : names) List(name, listing);
  return listing;
}

void LockedNodeDirectory::List(const std::string& name, Listing& listing) {
  const std::string path = fmt::format("{}/{}", shards_path(), name);
  if (name.starts_with(kCreating)) {
    const absl::Status removed = files_.RemoveTree(path);
    spdlog::info("event=leftover_removed path={} status={}", path, removed.ToString());
    return;
  }
  const bool is_dropped = name.starts_with(kDropping);
  const auto named = FromName(is_dropped ? name.substr(sizeof(kDropping) - 1) : name);
  if (!named.has_value()) {
    spdlog::warn("event=stray_file_ignored path={}", path);
    return;
  }
  ShardDirectory shard = *named;
  shard.path = path;
  if (is_dropped) {
    listing.dropped.push_back(std::move(shard));
  } else if (absl::StatusOr<ShardDirectory> read = ReadShard(name); read.ok()) {
    listing.shards.push_back(*std::move(read));
  } else {
    listing.unreadable.push_back({std::move(shard), read.status()});
  }
}

absl::Status LockedNodeDirectory::WriteStaged(const ShardDirectory& staged) {
  KITH_RETURN_IF_ERROR(files_.CreateDirectories(staged.path));
  for (const char* child : {"state", "rows", "seg"}) {
    KITH_RETURN_IF_ERROR(files_.CreateDirectories(fmt::format("{}/{}", staged.path, child)));
  }
  return files_.ReplaceFile(staged.path + "/SPEC", EncodeShardSpec(staged));
}

// Complete under another name first; the rename makes it exist.
absl::StatusOr<NodeDirectory::ShardDirectory> LockedNodeDirectory::StageShard(
    const ShardSpec& spec, uint32_t row_extent_bits) {
  ShardDirectory staged{spec, Uuid::Random(), row_extent_bits, {}};
  staged.path = fmt::format("{}/{}{}", shards_path(), kCreating, ShardDirectoryName(staged));
  const absl::Status status = WriteStaged(staged);
  if (status.ok()) return staged;
  RemoveStaged(staged);
  return status;
}

absl::Status LockedNodeDirectory::PublishShard(ShardDirectory& staged) {
  const std::string path = fmt::format("{}/{}", shards_path(), ShardDirectoryName(staged));
  absl::Status status = files_.Rename(staged.path, path);
  if (status.ok()) status = files_.SyncDirectory(shards_path());
  if (!status.ok()) {
    // One that was refused must not appear at the next start beside the one that a retry makes.
    RemoveStaged(staged);
    (void)files_.RemoveTree(path);
    return status;
  }
  staged.path = path;
  spdlog::info("event=shard_directory_created path={} collection={}", path, staged.spec.collection);
  return status;
}

void LockedNodeDirectory::RemoveStaged(const ShardDirectory& staged) {
  (void)files_.RemoveTree(staged.path);
}

absl::Status LockedNodeDirectory::MarkDropped(ShardDirectory& shard) {
  const std::string dropped =
      fmt::format("{}/{}{}", shards_path(), kDropping, ShardDirectoryName(shard));
  if (shard.path != dropped) {
    KITH_RETURN_IF_ERROR(files_.Rename(shard.path, dropped));
    shard.path = dropped;
  }
  return files_.SyncDirectory(shards_path());
}

absl::Status LockedNodeDirectory::RemoveDropped(const ShardDirectory& shard) {
  spdlog::info("event=shard_directory_dropped path={}", shard.path);
  return files_.RemoveTree(shard.path);
}

}  // namespace

absl::StatusOr<NodeDirectory::ShardDirectory> NodeDirectory::CreateShard(const ShardSpec& spec,
                                                                         uint32_t row_extent_bits) {
  KITH_ASSIGN_OR_RETURN(ShardDirectory shard, StageShard(spec, row_extent_bits));
  KITH_RETURN_IF_ERROR(PublishShard(shard));
  return shard;
}

absl::StatusOr<std::unique_ptr<NodeDirectory>> NodeDirectory::Open(const std::string& path,
                                                                   FileSystem& files) {
  KITH_RETURN_IF_ERROR(files.EnsureDirectory(path));
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<LockFile> lock, LockFile::Acquire(path + "/LOCK"));
  auto directory = std::make_unique<LockedNodeDirectory>(path, files, std::move(lock));
  KITH_RETURN_IF_ERROR(directory->OpenOrCreate());
  return directory;
}

}  // namespace kith::storage
