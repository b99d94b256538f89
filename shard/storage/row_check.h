#ifndef KITH_SHARD_STORAGE_ROW_CHECK_H_
#define KITH_SHARD_STORAGE_ROW_CHECK_H_

#include <cstddef>
#include <cstdint>

#include "shard/storage/state_store.h"

namespace kith::storage {

// Whether these `stride` bytes are the whole record that a row file has of this row of the truth.
bool IsRecordOf(const std::byte* record, uint32_t stride, const RowRecord& row);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_ROW_CHECK_H_
