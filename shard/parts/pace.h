#ifndef KITH_SHARD_PARTS_PACE_H_
#define KITH_SHARD_PARTS_PACE_H_

namespace kith::shard {

// How far upkeep goes: under a stream of writes it keeps up and leaves what would have to be done
// again soon; once it is quiet it leaves the copy much as a new one would be.
enum class Pace { kBusy, kQuiet };

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_PACE_H_
