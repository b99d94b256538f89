#include "shard/backup/shard_restore.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/backup/blob_check.h"
#include "shard/storage/segment_file.h"
#include "shard/storage/sha256.h"

namespace kith::shard {
namespace {

using ShardDirectory = storage::NodeDirectory::ShardDirectory;

constexpr std::string_view kArtifacts = "artifacts/";

absl::Status Damaged(std::string_view place, std::string_view blob, std::string_view wrong) {
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               fmt::format("{}: {}: {}. Nothing was restored; `kith backup verify` names all that "
                           "is damaged, and an older backup may be whole",
                           place, blob, wrong));
}

bool IsSegment(const std::string& path) {
  return path.starts_with("seg/") && path.ends_with(".seg");
}

// The steps for one shard.
class ShardRestore {
 public:
  ShardRestore(const RestoreSource& source, const ShardManifest& shard)
      : source_(source), shard_(shard) {}

  absl::Status Fill(const ShardDirectory& staged) const {
    for (const BackupFile& file : shard_.files) {
      if (file.path.starts_with(kArtifacts)) continue;
      KITH_RETURN_IF_ERROR(Copy(file, staged.path + "/" + file.path));
      if (!IsSegment(file.path)) continue;
      KITH_RETURN_IF_ERROR(storage::ReassignSegmentFile(
          source_.files, staged.path + "/" + file.path, staged.spec.incarnation));
    }
    for (const char* folder : {"/state", "/seg"}) {
      KITH_RETURN_IF_ERROR(source_.files.SyncDirectory(staged.path + folder));
    }
    return source_.files.SyncDirectory(staged.path);
  }

  // Last before the shard is opened: a node sweeps artifacts that no shard uses for long.
  absl::Status InstallArtifacts() const {
    for (const BackupFile& file : shard_.files) {
      if (file.path.starts_with(kArtifacts)) KITH_RETURN_IF_ERROR(InstallArtifact(file));
    }
    return absl::OkStatus();
  }

  absl::Status CompareTruth(ShardId shard) const {
    KITH_ASSIGN_OR_RETURN(const storage::Digest digest, source_.node.TruthDigest(shard));
    KITH_ASSIGN_OR_RETURN(const ShardStat stat, source_.node.Stat(shard, Deadline::max()));
    const BackupShard& expected = shard_.facts;
    if (digest.ToString() == expected.digest && stat.live_points == expected.points &&
        stat.applied_lsn == expected.lsn) {
      return absl::OkStatus();
    }
    return Error(
        absl::StatusCode::kDataLoss, reason::kCorruption,
        fmt::format("backup {}, collection {}, shard {}: restored {} points up to lsn {} with "
                    "digest {}, expected {} up to {} with {}",
                    source_.backup.name, source_.collection.name, expected.shard, stat.live_points,
                    stat.applied_lsn, digest.ToString(), expected.points, expected.lsn,
                    expected.digest));
  }

 private:
  std::string Place(const BackupFile& file) const {
    return PlaceOf(source_.backup, source_.collection, shard_, file);
  }

  absl::Status Compare(const BackupFile& file, const storage::FileSum& sum) const {
    const std::string wrong = WrongSum(file, sum);
    if (wrong.empty()) return absl::OkStatus();
    return Damaged(Place(file), source_.store.BlobPath(file.sha256), wrong);
  }

  absl::Status Copy(const BackupFile& file, const std::string& to) const {
    const std::string blob = source_.store.BlobPath(file.sha256);
    if (!source_.files.Exists(blob)) return Damaged(Place(file), blob, "it is missing");
    KITH_ASSIGN_OR_RETURN(const storage::FileSum sum,
                          storage::CopyFile(source_.files, blob, to, source_.watch));
    return Compare(file, sum);
  }

  // Through the door by which artifacts come from other nodes: it checks that the content is that
  // of the name, and knows which are there already.
  absl::Status InstallArtifact(const BackupFile& file) const {
    const std::string blob = source_.store.BlobPath(file.sha256);
    if (!source_.files.Exists(blob)) return Damaged(Place(file), blob, "it is missing");
    KITH_ASSIGN_OR_RETURN(const auto bytes, source_.files.OpenToRead(blob));
    storage::Sha256 hash;
    ArtifactChunk chunk;
    chunk.artifact = file.path.substr(kArtifacts.size());
    chunk.total_bytes = file.bytes;
    while (true) {
      chunk.data.resize(limits::kArtifactChunkBytes);
      KITH_ASSIGN_OR_RETURN(const size_t count, bytes->Read(chunk.data.data(), chunk.data.size()));
      if (count == 0) break;
      chunk.data.resize(count);
      hash.Add(chunk.data);
      chunk.checksum = XXH3_64bits(chunk.data.data(), chunk.data.size());
      const absl::Status written = source_.node.WriteArtifact(chunk, Deadline::max());
      if (absl::IsDataLoss(written) || absl::IsInvalidArgument(written)) {
        return Damaged(Place(file), blob, std::string(written.message()));
      }
      KITH_RETURN_IF_ERROR(written);
      chunk.offset += count;
      KITH_RETURN_IF_ERROR(source_.watch(count));
    }
    return Compare(file, {chunk.offset, hash.Finish()});
  }

  const RestoreSource& source_;
  const ShardManifest& shard_;
};

}  // namespace

absl::Status RestoreShard(const RestoreSource& source, const ShardManifest& shard,
                          const ShardSpec& spec) {
  const ShardRestore restore(source, shard);
  KITH_ASSIGN_OR_RETURN(ShardDirectory staged, source.node.StageShard(spec));
  absl::Status filled = restore.Fill(staged);
  if (filled.ok()) filled = restore.InstallArtifacts();
  if (!filled.ok()) {
    source.node.RemoveStaged(staged);
    return filled;
  }
  KITH_RETURN_IF_ERROR(source.node.AdoptShard(std::move(staged)));
  return restore.CompareTruth(spec.shard);
}

}  // namespace kith::shard
