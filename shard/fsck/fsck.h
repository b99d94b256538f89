#ifndef KITH_SHARD_FSCK_FSCK_H_
#define KITH_SHARD_FSCK_FSCK_H_

#include <string>

#include "absl/status/statusor.h"
#include "shard/fsck/fsck_report.h"
#include "shard/storage/file_system.h"

namespace kith::fsck {

enum class Mode {
  kCheck,   // changes nothing but the process id in LOCK
  kRepair,  // then takes away what stands in the way of the next start and can be made again
};

// Reads everything under a data directory that no kithd serves, every file of every kind, and
// compares what says the same twice: checksums, digests, ids with rows, postings with payloads,
// tombstones, row file and segments with the truth, shards with the metadata.
//
// NOT_FOUND where it is none; FAILED_PRECONDITION DIRECTORY_IN_USE. What is wrong in it is in the
// report, in the order in which it would trouble a start.
absl::StatusOr<Report> CheckDirectory(const std::string& directory, storage::FileSystem& files,
                                      Mode mode);

}  // namespace kith::fsck

#endif  // KITH_SHARD_FSCK_FSCK_H_
