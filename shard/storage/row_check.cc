#include "shard/storage/row_check.h"

#include <cstring>

#include "common/vector/row_table.h"
#include "shard/storage/digest.h"
#include "shard/storage/row_file.h"

namespace kith::storage {

bool IsRecordOf(const std::byte* record, uint32_t stride, const RowRecord& row) {
  RowHeader header;
  std::memcpy(&header, record, sizeof(header));
  return IsWholeRecord(record, stride, row.row) && header.version == row.version &&
         PointKey::FromBytes(header.key) == row.key &&
         header.content_hash == ContentHash(row.vector, row.payload) &&
         std::memcmp(record + sizeof(header), row.vector.data(), row.vector.size()) == 0;
}

}  // namespace kith::storage
