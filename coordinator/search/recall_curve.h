#ifndef KITH_COORDINATOR_SEARCH_RECALL_CURVE_H_
#define KITH_COORDINATOR_SEARCH_RECALL_CURVE_H_

#include <cstdint>

#include "common/meta/meta_store.h"

namespace kith::coordinator {

// A search that names no depth scans at most this share of the points, unless a measured curve
// shows that more brings the recall it aims at.
inline constexpr double kScannedShareMax = 0.05;

// Over three steps of the ladder of lists: a smaller gain is none.
inline constexpr double kFlatGain = 0.0005;

// The recall the curve must show before a target counts as reached: a fifth fewer misses than
// asked for. The curve is measured with points of the collection itself, whose neighbours are a
// little easier to find than those of a stranger's query.
double RecallGoal(double target_recall);

// How hard a search looks beside the number of lists: each shard alike.
struct SearchEffort {
  uint32_t refine = 0;    // candidates looked at through plane B
  double stop_ratio = 0;  // of early termination (index/search.h); 0: none

  friend bool operator==(const SearchEffort&, const SearchEffort&) = default;
};

inline SearchEffort EffortOf(const RecallMeasure& measure) {
  return {measure.refine, measure.stop_ratio};
}

struct ProbeChoice {
  uint32_t nprobe = 1;
  SearchEffort effort;  // as measured; refine 0: nothing was measured
  bool is_reached = false;
};

// How many lists to probe, and how hard to look, for `target_recall` under the record's serving
// version. Of the measured curves whose confidence interval's lower end reaches RecallGoal
// somewhere the one that gets there with the least work (the first, where the record does not say
// of how many points it was trained): its first such place, interpolated between the measured
// points (recall is concave in nprobe, so a straight line asks for too much rather than too
// little). Where no curve gets there: what measured best within kScannedShareMax, and where nothing
// is that cheap, the last measured. All lists where nothing was measured; 1 where nothing was
// trained. Pure.
ProbeChoice ChooseProbes(const CollectionRecord& record, double target_recall);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_RECALL_CURVE_H_
