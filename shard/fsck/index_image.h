#ifndef KITH_SHARD_FSCK_INDEX_IMAGE_H_
#define KITH_SHARD_FSCK_INDEX_IMAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "index/tombstones.h"
#include "shard/fsck/fsck_report.h"
#include "shard/fsck/shard_check.h"
#include "shard/maintenance/manifest.h"

namespace kith::fsck {

// One index of a shard's checkpoint: which rows its segment files list. Each file that cannot be
// read goes into the report; of an index that lacks one nothing else is compared.
class IndexImage {
 public:
  IndexImage(const CheckHost& host, const storage::NodeDirectory::ShardDirectory& shard,
             const shard::Manifest::Index& listed, Report& report);

  // A live row of the truth.
  void Note(uint32_t row);
  // After all rows were noted: whether each live one below the index's end is listed once, and no
  // other that is not dead.
  void Compare(const index::Tombstones& tombstones, Report& report) const;

 private:
  void List(uint32_t row);

  const std::string path_;  // of the segments
  const shard::Manifest::Index listed_;
  bool is_readable_ = true;
  std::vector<uint8_t> listings_;  // of each row below the end: how often it is listed, 2 at most
  std::vector<bool> lives_;
  uint64_t beyond_ = 0;  // listed above the end
};

}  // namespace kith::fsck

#endif  // KITH_SHARD_FSCK_INDEX_IMAGE_H_
