#include "shard/maintenance/checkpointer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <set>
#include <utility>

#include "common/base/status.h"
#include "shard/storage/segment_file.h"

namespace kith::shard {
namespace {

std::set<std::string> FilesOf(const Manifest& manifest) {
  std::set<std::string> files;
  if (!manifest.tombstones.empty()) files.insert(manifest.tombstones);
  for (const Manifest::Index& index : manifest.indexes) {
    files.insert(index.segments.begin(), index.segments.end());
  }
  return files;
}

}  // namespace

Checkpointer::Checkpointer(CopyParts& parts, Manifest manifest)
    : parts_(parts), manifest_(std::move(manifest)) {
  const auto snapshot = parts_.snapshots.Pin();
  for (size_t i = 0; i < manifest_.indexes.size(); ++i) {
    const BuiltIndex& built = snapshot->indexes[i];
    if (built.segments.size() != manifest_.indexes[i].segments.size()) continue;  // to be rebuilt
    for (size_t j = 0; j < built.segments.size(); ++j) {
      files_[built.segments[j]] = manifest_.indexes[i].segments[j];
    }
  }
}

std::string Checkpointer::Path(const std::string& file) const {
  return parts_.directory + "/seg/" + file;
}

absl::StatusOr<std::string> Checkpointer::SegmentFile(
    const BuiltIndex& index, const std::shared_ptr<const index::ListSegment>& segment,
    Manifest& next) {
  if (const auto found = files_.find(segment); found != files_.end()) return found->second;
  const std::string file = fmt::format("{:08}.seg", next.next_file++);
  KITH_RETURN_IF_ERROR(storage::WriteSegmentFile(*parts_.files, Path(file),
                                                 {parts_.spec.incarnation, index.version->hash},
                                                 *index.version, *segment));
  files_[segment] = file;
  return file;
}

absl::StatusOr<Manifest> Checkpointer::Describe(const Snapshot& snapshot) {
  Manifest next;
  next.lsn = snapshot.lsn;
  next.row_end = snapshot.row_end;
  next.next_file = manifest_.next_file;
  for (const BuiltIndex& index : snapshot.indexes) {
    Manifest::Index listed{index.version->hash, index.indexed_end, index.ready, {}};
    for (const auto& segment : index.segments) {
      KITH_ASSIGN_OR_RETURN(std::string file, SegmentFile(index, segment, next));
      listed.segments.push_back(std::move(file));
    }
    next.indexes.push_back(std::move(listed));
  }
  if (snapshot.tombstones.dead_rows() != 0) {
    next.tombstones = fmt::format("{:08}.dead", next.next_file++);
    KITH_RETURN_IF_ERROR(storage::WriteTombstoneFile(*parts_.files, Path(next.tombstones),
                                                     snapshot.tombstones.ToWords(next.row_end)));
  }
  return next;
}

absl::Status Checkpointer::Run() {
  const auto snapshot = parts_.snapshots.Pin();
  KITH_ASSIGN_OR_RETURN(Manifest next, Describe(*snapshot));
  auto batch = parts_.state->NewBatch();
  batch->PutManifest(EncodeManifest(next));
  KITH_RETURN_IF_ERROR(parts_.state->Write(*batch));
  if (!parts_.faults.skip_flush) KITH_RETURN_IF_ERROR(parts_.state->Flush());
  // From here on the new checkpoint is the one a start finds.
  KITH_RETURN_IF_ERROR(parts_.log->Truncate(parts_.spec.shard, snapshot->lsn));
  KITH_RETURN_IF_ERROR(parts_.state->ForgetDead(snapshot->lsn));
  KITH_RETURN_IF_ERROR(parts_.state->ExpireDedupe(parts_.clock->UnixMs()));
  manifest_ = std::move(next);
  const std::set<std::string> current = FilesOf(manifest_);
  std::erase_if(files_, [&](const auto& file) { return !current.contains(file.second); });
  return RemoveOrphans();
}

absl::Status Checkpointer::RemoveOrphans() {
  const std::set<std::string> current = FilesOf(manifest_);
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> present,
                        parts_.files->List(parts_.directory + "/seg"));
  for (const std::string& file : present) {
    if (!current.contains(file)) KITH_RETURN_IF_ERROR(parts_.files->Remove(Path(file)));
  }
  return absl::OkStatus();
}

}  // namespace kith::shard
