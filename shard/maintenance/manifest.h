#ifndef KITH_SHARD_MAINTENANCE_MANIFEST_H_
#define KITH_SHARD_MAINTENANCE_MANIFEST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace kith::shard {

// Which files make the index as of one lsn. Kept in the state database, in the batch that makes a
// checkpoint, so that files and truth never disagree. File names are this copy's own, under seg/.
struct Manifest {
  struct Index {
    std::string version;  // content hash of the artifact
    uint32_t indexed_end = 0;
    bool ready = false;
    std::vector<std::string> segments;  // in row order
  };

  uint64_t lsn = 0;
  uint32_t row_end = 0;
  uint64_t next_file = 1;  // number of the next file to be written
  std::string tombstones;  // empty: no row had died
  std::vector<Index> indexes;
};

std::string EncodeManifest(const Manifest& manifest);
// DATA_LOSS CORRUPTION; FAILED_PRECONDITION FORMAT_VERSION.
absl::StatusOr<Manifest> DecodeManifest(std::string_view bytes);

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_MANIFEST_H_
