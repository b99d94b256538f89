#ifndef KITH_SHARD_PARTS_ROW_MOVE_H_
#define KITH_SHARD_PARTS_ROW_MOVE_H_

#include <cstdint>

#include "shard/storage/state_store.h"

namespace kith::shard {

// A live row as it was read, to be given a new number.
struct RowMove {
  uint32_t row = 0;
  storage::StateStore::StoredRow stored;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_ROW_MOVE_H_
