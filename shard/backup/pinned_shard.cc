#include "shard/backup/pinned_shard.h"

#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/state_checkpoint.h"

namespace kith::shard {
namespace {

constexpr size_t kFrameHashBytes = 16;  // of segment and tombstone files, at their end

// RocksDB numbers a database's table files and keeps a checksum of each. The shard and its
// incarnation keep those of two databases apart, and the checksum those of a directory that was
// copied and then went on twice.
std::string OriginOfTable(const CreateBackupCall::Shard& shard, const PinnedFile& file,
                          const std::string& checksum) {
  if (checksum.empty()) return "";
  return fmt::format("table:{}:{}:{}:{}:{}", shard.incarnation.ToString(), shard.shard,
                     file.path.substr(file.path.find('/') + 1), file.bytes, checksum);
}

// They end with the hash of all before.
absl::StatusOr<std::string> OriginOfFrame(storage::FileSystem& files, const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const auto map, files.MapReadOnly(path));
  if (map->size() < kFrameHashBytes) return std::string();
  const std::string_view bytes(reinterpret_cast<const char*>(map->data()), map->size());
  return fmt::format("frame:{}:{}", bytes.size(),
                     absl::BytesToHexString(ToAbsl(bytes.substr(bytes.size() - kFrameHashBytes))));
}

// RocksDB's own text logs are no part of a database.
bool IsText(std::string_view name) { return name.starts_with("LOG"); }

absl::StatusOr<std::vector<PinnedFile>> FilesOf(storage::FileSystem& files,
                                                const std::string& directory) {
  std::vector<PinnedFile> found;
  for (const std::string folder : {"state", "seg", "artifacts"}) {
    KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                          files.List(directory + "/" + folder));
    for (const std::string& name : names) {
      if (IsText(name)) continue;
      PinnedFile file{folder + "/" + name, {}, 0};
      KITH_ASSIGN_OR_RETURN(file.bytes, files.FileBytes(directory + "/" + file.path));
      found.push_back(std::move(file));
    }
  }
  return found;
}

}  // namespace

absl::Status CheckHolds(uint64_t acknowledged_lsn, const BackupShard& shard) {
  if (shard.lsn >= acknowledged_lsn) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("writes of shard {} up to lsn {} were acknowledged, its copied state ends at {}",
                  shard.shard, acknowledged_lsn, shard.lsn));
}

absl::StatusOr<PinnedShard> PinnedShard::Pin(Node& node, storage::FileSystem& files,
                                             const CreateBackupCall::Shard& shard) {
  PinnedShard pinned;
  pinned.directory_ = fmt::format("{}/{}", node.directory().pinned_path(), shard.shard);
  KITH_ASSIGN_OR_RETURN(const uint64_t acknowledged,
                        node.PinShard(shard.shard, shard.incarnation, pinned.directory_));
  KITH_ASSIGN_OR_RETURN(pinned.files_, FilesOf(files, pinned.directory_));
  KITH_ASSIGN_OR_RETURN(const storage::StateCheckpoint state,
                        storage::ReadStateCheckpoint(files, pinned.directory_ + "/state"));
  pinned.facts_ = {shard.shard, state.applied.applied_lsn, state.applied.live_points, 0,
                   storage::SumOf(state.digests).ToString()};
  KITH_RETURN_IF_ERROR(CheckHolds(acknowledged, pinned.facts_));
  for (PinnedFile& file : pinned.files_) {
    const std::string name = file.path.substr(file.path.find('/') + 1);
    if (file.path.starts_with("seg/")) {
      KITH_ASSIGN_OR_RETURN(file.origin, OriginOfFrame(files, pinned.PathOf(file)));
    } else if (file.path.starts_with("artifacts/")) {
      file.origin = "artifact:" + name;
    } else if (const auto table = state.table_checksums.find(name);
               table != state.table_checksums.end()) {
      file.origin = OriginOfTable(shard, file, table->second);
    }
  }
  return pinned;
}

absl::Status RemovePins(Node& node, storage::FileSystem& files) {
  const std::string pins = node.directory().pinned_path();
  return files.Exists(pins) ? files.RemoveTree(pins) : absl::OkStatus();
}

}  // namespace kith::shard
