#ifndef KITH_SHARD_PARTS_SELECTED_POINTS_H_
#define KITH_SHARD_PARTS_SELECTED_POINTS_H_

#include <string>

namespace kith::shard {

// What a filter picked for a write: live points, each once.
struct SelectedPoints {
  std::string keys;       // 17 bytes a point
  bool has_more = false;  // more pass than were asked for
};

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_SELECTED_POINTS_H_
