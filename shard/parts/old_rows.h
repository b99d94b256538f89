#ifndef KITH_SHARD_PARTS_OLD_ROWS_H_
#define KITH_SHARD_PARTS_OLD_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "common/payload/payload_schema.h"
#include "common/vector/point_key.h"

namespace kith::shard {

// What the live rows of [begin, end) say in a field that is newly indexed, as they were read.
struct OldRows {
  struct Row {
    uint32_t row = 0;
    PointKey key;
    std::vector<std::string> values;  // as EncodeAs gives them
    bool fits = true;
  };

  uint16_t place = 0;
  PayloadField field;
  uint32_t begin = 0;
  uint32_t end = 0;
  std::vector<Row> rows;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_OLD_ROWS_H_
