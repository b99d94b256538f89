#ifndef KITH_INDEX_AUTO_PARAMETERS_H_
#define KITH_INDEX_AUTO_PARAMETERS_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

#include "index/parameters.h"
#include "index/plan.h"

// The parameters of an index whose user left them open: the ones that answer best among those whose
// memory there is, while it serves and while it is trained. Header-only arithmetic, without clock,
// machine or state: the coordinator may include it.
namespace kith::index {

constexpr uint64_t kUnlimitedBytes = std::numeric_limits<uint64_t>::max();
// More points than any cluster may hold; sums of bytes of so many still fit into 64 bits.
constexpr uint64_t kAutoPointsMost = uint64_t{1} << 46;

// What one node is to hold of the collection.
struct NodeShare {
  uint64_t points = 0;
  uint64_t shards = 1;
  uint64_t memory_bytes = kUnlimitedBytes;  // left for this collection; pages of rows do not count
  bool trains = false;                      // the sample is trained on here
};

struct AutoRequest {
  uint32_t dimension = 0;
  Metric metric = Metric::kL2;
  ElementType element_type = ElementType::kF32;
  uint64_t points = 0;                         // expected, on all nodes together
  uint64_t points_to_train = kUnlimitedBytes;  // that are there already: lists need some each
  uint32_t lists = 0;                          // as asked for, and so the next two; 0: chosen
  uint32_t subspaces = 0;
  uint32_t plane_b_bytes = 0;
  uint64_t sample_most = kUnlimitedBytes;  // points that a training can be given
};

// Whether what was chosen fits the memory that there is.
enum class Room : uint8_t {
  kAgain,  // also beside a next version of itself: it can be trained again while it serves
  kOnce,   // it can be built and serve, but not be trained again beside itself
  kNone,
};

struct AutoChoice {
  IndexParameters parameters;
  uint64_t sample = 0;  // points to train on
  Room room = Room::kNone;
  // Of the node that has the least left, or lacks the most.
  uint64_t steady_bytes = 0;   // while it serves
  uint64_t build_bytes = 0;    // at the peak of a training with nothing else there
  uint64_t rebuild_bytes = 0;  // at the peak of one beside itself
  uint64_t memory_bytes = kUnlimitedBytes;

  uint64_t needed_bytes() const { return room == Room::kAgain ? rebuild_bytes : build_bytes; }
  // By how much not even building it fits.
  uint64_t short_bytes() const { return build_bytes - std::min(build_bytes, memory_bytes); }
};

// About half a byte a dimension: the fewest that were measured (docs/decisions/0023).
constexpr uint32_t PackedPlaneBBytes(uint32_t dimension) {
  return std::min(dimension, std::max(kMinPackedBytes, (dimension + 1) / 2));
}

// A shape's place among those that are tried, from the one that answers best.
struct Rung {
  bool packed = false;              // plane B
  uint32_t subspaces_quarters = 4;  // of AutoSubspaces
};
constexpr Rung kRungs[] = {{false, 4}, {true, 4}, {true, 3}, {true, 2}};

// So few points to train on make lists that are no good (see kPointsPerList).
constexpr uint64_t kPointsPerListMin = 24;
constexpr uint32_t kAutoListsMin = 16;

// Lists for the points expected, and no more than what is there already can train.
constexpr uint32_t WantedLists(const AutoRequest& request) {
  const uint64_t most = std::max<uint64_t>(AutoLists(request.points_to_train),
                                           request.points_to_train / kPointsPerListMin);
  uint32_t lists = AutoLists(request.points);
  while (lists > most) lists /= 2;
  return lists;
}

constexpr IndexParameters ShapeOf(const AutoRequest& request, Rung rung) {
  IndexParameters p;
  p.dimension = request.dimension;
  p.metric = request.metric;
  p.element_type = request.element_type;
  p.lists = request.lists != 0 ? request.lists : WantedLists(request);
  const uint32_t wanted = AutoSubspaces(request.dimension);
  p.subspaces = request.subspaces != 0
                    ? request.subspaces
                    : std::max<uint32_t>(1, (wanted * rung.subspaces_quarters + 3) / 4);
  const uint32_t packed = rung.packed ? PackedPlaneBBytes(request.dimension) : 0;
  SetPlaneB(request.plane_b_bytes != 0 ? request.plane_b_bytes : packed, p);
  return p;
}

struct NodeNeed {
  uint64_t steady = 0;
  uint64_t build = 0;
  uint64_t rebuild = 0;
  bool training_is_most = false;  // not the second version
};

constexpr NodeNeed NeedOf(const IndexParameters& p, const NodeShare& share, uint64_t sample) {
  const uint64_t points = std::min(share.points, kAutoPointsMost);
  const PlannedBytes bytes = PlanBytes(p, points, share.shards);
  const uint64_t encoding = SecondVersionBytes(p, points, share.shards);
  const uint64_t training = share.trains ? TrainingBytes(p, sample) : 0;
  const uint64_t extra = std::max(encoding, training);
  NodeNeed need;
  need.steady = bytes.total() - bytes.rows;
  need.build = std::max(need.steady, bytes.tombstones + extra);
  need.rebuild = need.steady + extra;
  need.training_is_most = training > encoding;
  return need;
}

// `p` on all nodes, of which the tightest tells.
constexpr AutoChoice Judge(const AutoRequest& request, const IndexParameters& p,
                           std::span<const NodeShare> nodes) {
  AutoChoice choice;
  choice.parameters = p;
  choice.sample = std::min(SamplePoints(std::min(request.points, request.points_to_train), p.lists),
                           std::max<uint64_t>(request.sample_most, p.lists));
  choice.room = Room::kAgain;
  double tightest = -1;
  for (const NodeShare& share : nodes) {
    const NodeNeed need = NeedOf(p, share, choice.sample);
    const Room room = need.rebuild <= share.memory_bytes ? Room::kAgain
                      : need.build <= share.memory_bytes ? Room::kOnce
                                                         : Room::kNone;
    choice.room = std::max(choice.room, room);
    const double fill = static_cast<double>(need.build) /
                        static_cast<double>(std::max<uint64_t>(share.memory_bytes, 1));
    if (fill <= tightest) continue;
    tightest = fill;
    choice.steady_bytes = need.steady;
    choice.build_bytes = need.build;
    choice.rebuild_bytes = need.rebuild;
    choice.memory_bytes = share.memory_bytes;
  }
  return choice;
}

// Whether fewer lists, and so a smaller sample, would help on a node where `p` does not fit.
constexpr bool TrainingLacksRoom(const AutoChoice& choice, std::span<const NodeShare> nodes,
                                 Room wanted) {
  return std::any_of(nodes.begin(), nodes.end(), [&](const NodeShare& share) {
    const NodeNeed need = NeedOf(choice.parameters, share, choice.sample);
    const uint64_t bytes = wanted == Room::kAgain ? need.rebuild : need.build;
    return bytes > share.memory_bytes && need.training_is_most;
  });
}

// One rung, with fewer lists where it is the training of so many that does not fit.
constexpr AutoChoice TryRung(const AutoRequest& request, Rung rung,
                             std::span<const NodeShare> nodes, Room wanted) {
  IndexParameters p = ShapeOf(request, rung);
  AutoChoice choice = Judge(request, p, nodes);
  while (choice.room > wanted && request.lists == 0 && p.lists > kAutoListsMin &&
         TrainingLacksRoom(choice, nodes, wanted)) {
    p.lists /= 2;
    choice = Judge(request, p, nodes);
  }
  return choice;
}

// The first shape that can be trained again beside itself: plane B in full, then packed, then fewer
// sub-spaces. Where none can, the first that can be built at all, and where none can be that, the
// smallest, with room kNone. Parameters that were asked for are kept. Pure.
constexpr AutoChoice ChooseParameters(const AutoRequest& request,
                                      std::span<const NodeShare> nodes) {
  AutoChoice smallest;
  for (const Room wanted : {Room::kAgain, Room::kOnce}) {
    for (const Rung rung : kRungs) {
      smallest = TryRung(request, rung, nodes, wanted);
      if (smallest.room <= wanted) return smallest;
    }
  }
  return smallest;
}

}  // namespace kith::index

#endif  // KITH_INDEX_AUTO_PARAMETERS_H_
