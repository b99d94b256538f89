#include "coordinator/admin/training/training_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/plan.h"

namespace kith::coordinator {
namespace {

constexpr uint64_t kPointsMin = 256;  // a code book has so many words
// One reply carries the hashes of a whole sample.
constexpr uint64_t kSampleMax = limits::kMessageBytesMax / sizeof(uint64_t) * 9 / 10;
constexpr uint64_t kSampleBytesMax = uint64_t{4} << 30;  // as floats, on the node that trains
// Comparing the held-out points with every point costs points x dimension each; about a minute.
constexpr uint64_t kExactElementsMax = 200'000'000'000;
constexpr uint64_t kHeldOutOfMany = 100;  // however many points there are

uint32_t Chosen(uint32_t asked, uint32_t record) { return asked != 0 ? asked : record; }

uint64_t HeldOut(uint64_t points, uint64_t needed, uint32_t dimension) {
  const uint64_t affordable = std::max(kHeldOutOfMany, kExactElementsMax / (points * dimension));
  return std::min({kHeldOutMax, affordable, points / 10, points - needed});
}

}  // namespace

absl::StatusOr<TrainingPlan> PlanTraining(const CollectionRecord& record, const IndexChoice& choice,
                                          uint64_t points) {
  const uint32_t lists = Chosen(choice.lists, record.lists);
  const uint32_t subspaces = Chosen(choice.subspaces, record.subspaces);
  const uint32_t plane_b_bytes = Chosen(choice.plane_b_bytes, record.plane_b_bytes);
  const uint64_t needed = std::max<uint64_t>(kPointsMin, lists);
  if (points < needed) {
    return Error(
        absl::StatusCode::kFailedPrecondition, reason::kTooFewPoints,
        fmt::format("collection {} has {} points, training{} needs at least {}: add "
                    "points{}; until then every search is exact",
                    record.name, points, lists > kPointsMin ? fmt::format(" {} lists", lists) : "",
                    needed, lists > kPointsMin ? " or ask for fewer lists" : ""),
        {{"points", fmt::format("{}", points)}, {"needed", fmt::format("{}", needed)}});
  }
  TrainingPlan plan;
  plan.points = points;
  plan.lists = lists != 0 ? lists : index::AutoLists(points);
  plan.subspaces = subspaces != 0 ? subspaces : index::AutoSubspaces(record.dimension);
  plan.plane_b_bytes = plane_b_bytes != 0 ? plane_b_bytes : record.dimension;
  plan.target_recall = choice.target_recall != 0 ? choice.target_recall : record.target_recall;
  const uint64_t minimum = std::max<uint64_t>(kPointsMin, plan.lists);
  plan.held_out = HeldOut(points, minimum, record.dimension);
  if (plan.held_out < kHeldOutMin) plan.held_out = 0;
  const uint64_t affordable =
      std::min(kSampleMax, kSampleBytesMax / (record.dimension * sizeof(float)));
  plan.sample = std::min({index::SamplePoints(points, plan.lists), points - plan.held_out,
                          std::max(minimum, affordable)});
  return plan;
}

}  // namespace kith::coordinator
