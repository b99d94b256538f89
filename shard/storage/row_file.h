#ifndef KITH_SHARD_STORAGE_ROW_FILE_H_
#define KITH_SHARD_STORAGE_ROW_FILE_H_

#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/vector/row_table.h"
#include "shard/storage/faults.h"
#include "shard/storage/file_system.h"

namespace kith::storage {

inline constexpr uint32_t kExtentBitsMax = 16;
inline constexpr uint64_t kExtentBytesMax = 16 << 20;

// How many rows an extent file of a new shard holds, as a power of two: 65,536 at most, and few
// enough that the first point of a shard of large vectors does not cost a gigabyte of disk.
constexpr uint32_t ExtentBitsFor(uint32_t vector_bytes) {
  const uint64_t rows = kExtentBytesMax / RowTable::StrideFor(vector_bytes);
  const auto bits = static_cast<uint32_t>(std::bit_width(rows));
  return bits > kExtentBitsMax ? kExtentBitsMax : bits - 1;
}

struct RowFileOptions {
  std::string directory;
  FileSystem* files = nullptr;
  uint32_t vector_bytes = 0;
  uint32_t extent_bits = kExtentBitsMax;
  Faults faults;
};

// Whether these `stride` bytes are the whole record of `row`. Reads them once; a hit that was just
// compared has them in the cache.
bool IsWholeRecord(const std::byte* record, uint32_t stride, uint32_t row);

struct RowContent {
  uint32_t row = 0;
  PointKey key;
  uint16_t slot = 0;
  uint64_t version = 0;
  uint64_t content_hash = 0;
  float inverse_norm = 1;
  std::string_view vector;
};

// The memory-mapped image of the live vectors by row: {head, vector} records in extent files. Not
// durable by itself: every record carries its checksum and number, and what is wrong or missing is
// written again from the state database at start. An extent may be missing: none of its rows lives.
//
// Threads: one writer; readers use a View, which stays valid while it is held, also over extents
// that are dropped meanwhile. The writer never touches a row below a published row_end, unless to
// write a damaged one again: who reads it meanwhile finds a record that is not whole.
class RowFile {
 public:
  // The mapped extents as of one moment, null where one was dropped. Copyable; keeps the maps
  // alive.
  struct View {
    std::shared_ptr<const std::vector<const std::byte*>> pointers;
    std::shared_ptr<const void> maps;
    uint32_t extent_bits = 0;
    uint32_t stride = 0;
    uint32_t missing_extents = 0;  // below the last one

    bool HasExtent(uint32_t extent) const {
      return pointers != nullptr && extent < pointers->size() && (*pointers)[extent] != nullptr;
    }
    uint64_t missing_rows() const { return uint64_t{missing_extents} << extent_bits; }

    RowTable Table(uint32_t row_end) const {
      return {pointers->data(), extent_bits, stride, row_end};
    }
  };

  virtual ~RowFile() = default;
  static absl::StatusOr<std::unique_ptr<RowFile>> Open(const RowFileOptions& options);

  // Makes room for the rows of [begin, end): the only step that can fail for want of disk.
  virtual absl::Status Reserve(uint32_t begin, uint32_t end) = 0;
  virtual void Write(const RowContent& content) = 0;  // of a row that has room
  // Gives extents back to the disk. No view taken from now on may read a row of them; the views
  // taken before keep them, and with them their space, until the last of those is gone.
  virtual absl::Status Drop(std::span<const uint32_t> extents) = 0;
  // At start: forgets, durably, whatever an earlier life wrote from `row` on. It may have given
  // those numbers to other points than this one will.
  virtual absl::Status ClearFrom(uint32_t row) = 0;
  virtual View view() const = 0;
  // Whether the record of `row` is whole and its own.
  virtual bool IsValid(uint32_t row) const = 0;
  virtual absl::Status Sync() = 0;
  virtual uint64_t bytes() const = 0;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_ROW_FILE_H_
