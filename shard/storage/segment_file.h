#ifndef KITH_SHARD_STORAGE_SEGMENT_FILE_H_
#define KITH_SHARD_STORAGE_SEGMENT_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "index/list_segment.h"
#include "shard/storage/file_system.h"

namespace kith::storage {

// What a segment file says of itself, checked against what the manifest expects.
struct SegmentIdentity {
  Uuid incarnation;
  std::string index_version;
};

// An immutable file of canonical lists: header, list table, per list rows | bias | plane A | plane
// B, side rows, an XXH3-64 per 64 KiB block, an XXH3-128 of the whole. docs/formats.md has the
// bytes. Written beside, synced, renamed, directory synced. A file knows its own name: give it
// another and it is refused.
absl::Status WriteSegmentFile(FileSystem& files, const std::string& path,
                              const SegmentIdentity& identity, const index::IndexVersion& version,
                              const index::ListSegment& segment);

// DATA_LOSS CORRUPTION for anything that is not exactly what was written; sizes are checked before
// memory is taken. FAILED_PRECONDITION WRONG_INCARNATION or FORMAT_VERSION.
absl::StatusOr<std::shared_ptr<const index::ListSegment>> ReadSegmentFile(
    FileSystem& files, const std::string& path, const SegmentIdentity& identity,
    const index::IndexVersion& version);

// Makes a segment file that was copied from a backup one of incarnation `to`: read and checked as
// above, written beside, renamed.
absl::Status ReassignSegmentFile(FileSystem& files, const std::string& path, const Uuid& to);

// A bitmap of dead rows with its checksum, in a file of its own. What it takes follows from the
// pages of which some rows are dead and others live.
absl::Status WriteTombstoneFile(FileSystem& files, const std::string& path,
                                const index::Tombstones& tombstones);
absl::StatusOr<index::Tombstones> ReadTombstoneFile(FileSystem& files, const std::string& path);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_SEGMENT_FILE_H_
