#ifndef KITH_SHARD_FSCK_ROW_IMAGE_H_
#define KITH_SHARD_FSCK_ROW_IMAGE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "shard/fsck/fsck_report.h"
#include "shard/storage/file_system.h"
#include "shard/storage/node_directory.h"
#include "shard/storage/state_store.h"

namespace kith::fsck {

// The row file of a shard as it lies there, for reading alone: an open row file makes its extents
// as long as they should be.
class RowImage {
 public:
  // Extents of a wrong size go into the report.
  RowImage(storage::FileSystem& files, const storage::NodeDirectory::ShardDirectory& shard,
           Report& report);

  // Compares the record of a live row with what the truth says of it.
  void Compare(const storage::RowRecord& record);
  // Adds what the comparisons found: one line an extent.
  void AddTo(Report& report) const;

 private:
  struct Extent {
    std::string path;
    std::unique_ptr<storage::MappedFile> map;  // null: missing, or its size is reported already
    uint64_t wrong_rows = 0;
    uint32_t first_wrong = 0;
  };

  bool IsRight(const Extent& extent, const storage::RowRecord& record) const;

  const uint32_t extent_bits_;
  const uint32_t stride_;
  const std::string directory_;
  std::vector<Extent> extents_;
};

}  // namespace kith::fsck

#endif  // KITH_SHARD_FSCK_ROW_IMAGE_H_
