#include "shard/maintenance/checkpointer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/base/status.h"
#include "shard/storage/segment_file.h"

namespace kith::shard {
namespace {

void AddFiles(const Manifest& manifest, std::set<std::string>& files) {
  if (!manifest.tombstones.empty()) files.insert(manifest.tombstones);
  for (const Manifest::Index& index : manifest.indexes) {
    files.insert(index.segments.begin(), index.segments.end());
  }
}

}  // namespace

Checkpointer::Checkpointer(CopyParts& parts, Manifest manifest)
    : parts_(parts), next_file_(manifest.next_file) {
  Adopt(std::move(manifest));
  RememberFiles(*parts_.snapshots.Pin());
}

// By version and not by place: an index whose artifact is gone was left out of the snapshot.
void Checkpointer::RememberFiles(const Snapshot& snapshot) {
  for (const Manifest::Index& listed : manifest_.indexes) {
    const BuiltIndex* built = snapshot.FindIndex(listed.version);
    if (built == nullptr || built->segments.size() != listed.segments.size()) continue;
    for (size_t i = 0; i < listed.segments.size(); ++i) {
      files_[built->segments[i]] = listed.segments[i];
    }
  }
}

std::string Checkpointer::Path(const std::string& file) const {
  return parts_.directory + "/seg/" + file;
}

void Checkpointer::Adopt(Manifest manifest) {
  manifest_ = std::move(manifest);
  written_.reset();
  std::set<std::string> versions;
  for (const Manifest::Index& index : manifest_.indexes) versions.insert(index.version);
  std::lock_guard lock(versions_mutex_);
  versions_ = std::move(versions);
}

std::set<std::string> Checkpointer::files() const {
  std::set<std::string> files;
  AddFiles(manifest_, files);
  return files;
}

std::set<std::string> Checkpointer::versions() const {
  std::lock_guard lock(versions_mutex_);
  return versions_;
}

// Above every file that lies there, too: one of them may be what a manifest names that a start
// finds although its flush was reported as failed.
absl::StatusOr<uint64_t> Checkpointer::NextFreeFile() const {
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> present,
                        parts_.files->List(parts_.directory + "/seg"));
  uint64_t next = next_file_;
  for (const std::string& file : present) {
    uint64_t number = 0;
    const bool numbered = absl::SimpleAtoi(file.substr(0, file.find('.')), &number);
    if (numbered) next = std::max(next, number + 1);
  }
  return next;
}

absl::StatusOr<std::string> Checkpointer::SegmentFile(const BuiltIndex& index,
                                                      const Segment& segment) {
  if (const auto found = files_.find(segment); found != files_.end()) return found->second;
  const std::string file = fmt::format("{:08}.seg", next_file_++);
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
  for (const BuiltIndex& index : snapshot.indexes) {
    Manifest::Index listed{index.version->hash, index.indexed_end, index.ready, {}};
    for (const auto& segment : index.segments) {
      KITH_ASSIGN_OR_RETURN(std::string file, SegmentFile(index, segment));
      listed.segments.push_back(std::move(file));
    }
    next.indexes.push_back(std::move(listed));
  }
  if (snapshot.tombstones.dead_rows() != 0) {
    next.tombstones = fmt::format("{:08}.dead", next_file_++);
    KITH_RETURN_IF_ERROR(
        storage::WriteTombstoneFile(*parts_.files, Path(next.tombstones), snapshot.tombstones));
  }
  next.next_file = next_file_;
  return next;
}

absl::Status Checkpointer::Run() {
  // At most one manifest is ever in doubt, and with it the files of one attempt.
  if (written_.has_value()) KITH_RETURN_IF_ERROR(FlushWritten());
  const auto snapshot = parts_.snapshots.Pin();
  ForgetFilesOfOthers(*snapshot);
  KITH_ASSIGN_OR_RETURN(next_file_, NextFreeFile());
  absl::StatusOr<Manifest> next = Describe(*snapshot);
  if (!next.ok()) {
    (void)RemoveOrphans();  // what was written of it takes the space that it lacked
    return next.status();
  }
  auto batch = parts_.state->NewBatch();
  batch->PutManifest(EncodeManifest(*next));
  KITH_RETURN_IF_ERROR(parts_.state->Write(*batch));
  written_ = *std::move(next);
  KITH_RETURN_IF_ERROR(FlushWritten());
  return Trim(snapshot->lsn);
}

// From here on the new checkpoint is the one a start finds.
absl::Status Checkpointer::FlushWritten() {
  if (!parts_.faults.skip_flush) KITH_RETURN_IF_ERROR(parts_.state->Flush());
  Adopt(Manifest(*written_));
  return absl::OkStatus();
}

absl::Status Checkpointer::Trim(uint64_t lsn) {
  KITH_RETURN_IF_ERROR(parts_.log->Truncate(parts_.spec.shard, lsn));
  KITH_RETURN_IF_ERROR(parts_.state->ForgetDead(lsn));
  uint64_t expired = 1;
  while (expired != 0) {  // each call holds the writer for a bounded time
    KITH_ASSIGN_OR_RETURN(expired, parts_.state->ExpireDedupe(parts_.clock->UnixMs()));
  }
  return RemoveOrphans();
}

// Of segments that were merged or dropped: no later checkpoint names them.
void Checkpointer::ForgetFilesOfOthers(const Snapshot& snapshot) {
  std::set<Segment, std::owner_less<>> current;
  for (const BuiltIndex& index : snapshot.indexes) {
    current.insert(index.segments.begin(), index.segments.end());
  }
  std::erase_if(files_, [&](const auto& file) { return !current.contains(file.first); });
}

absl::Status Checkpointer::RemoveOrphans() {
  std::set<std::string> kept;
  AddFiles(manifest_, kept);
  if (written_.has_value()) AddFiles(*written_, kept);
  for (const auto& [segment, file] : files_) kept.insert(file);
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> present,
                        parts_.files->List(parts_.directory + "/seg"));
  for (const std::string& file : present) {
    if (!kept.contains(file)) KITH_RETURN_IF_ERROR(parts_.files->Remove(Path(file)));
  }
  return absl::OkStatus();
}

}  // namespace kith::shard
