#include "coordinator/admin/training/training_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/admin/parameter_choice.h"

namespace kith::coordinator {
namespace {

constexpr uint64_t kPointsMin = 256;  // a code book has so many words
// Comparing the held-out points with every point costs points x dimension each; about a minute.
constexpr uint64_t kExactElementsMax = 200'000'000'000;
constexpr uint64_t kHeldOutOfMany = 100;  // however many points there are

uint64_t HeldOut(uint64_t points, uint64_t needed, uint32_t dimension) {
  const uint64_t affordable = std::max(kHeldOutOfMany, kExactElementsMax / (points * dimension));
  return std::min({kHeldOutMax, affordable, points / 10, points - needed});
}

absl::Status CheckEnoughPoints(const CollectionRecord& record, uint32_t lists, uint64_t points) {
  const uint64_t needed = std::max<uint64_t>(kPointsMin, lists);
  if (points >= needed) return absl::OkStatus();
  return Error(
      absl::StatusCode::kFailedPrecondition, reason::kTooFewPoints,
      fmt::format("collection {} has {} points, training{} needs at least {}: add "
                  "points{}; until then every search is exact",
                  record.name, points, lists > kPointsMin ? fmt::format(" {} lists", lists) : "",
                  needed, lists > kPointsMin ? " or ask for fewer lists" : ""),
      {{"points", fmt::format("{}", points)}, {"needed", fmt::format("{}", needed)}});
}

}  // namespace

uint64_t ExpectedPoints(const CollectionRecord& record, const IndexChoice& choice,
                        uint64_t points) {
  const uint64_t said =
      choice.expected_points != 0 ? choice.expected_points : record.expected_points;
  return std::max(said, points);
}

absl::StatusOr<TrainingPlan> PlanTraining(const CollectionRecord& record, const IndexChoice& choice,
                                          const TrainingSize& size) {
  index::AutoRequest request =
      RequestOf(record, choice, ExpectedPoints(record, choice, size.points));
  request.points_to_train = size.points;
  KITH_RETURN_IF_ERROR(CheckEnoughPoints(record, request.lists, size.points));
  const index::AutoChoice chosen = index::ChooseParameters(request, size.nodes);
  TrainingPlan plan;
  plan.points = size.points;
  plan.lists = chosen.parameters.lists;
  plan.subspaces = chosen.parameters.subspaces;
  plan.plane_b_bytes = chosen.parameters.plane_b_bytes;
  plan.chosen = Explain(request, size.nodes, chosen);
  plan.target_recall = choice.target_recall != 0 ? choice.target_recall : record.target_recall;
  const std::string known = KnownRecall(chosen.parameters, plan.target_recall);
  if (!known.empty()) plan.chosen.push_back(known);
  const uint64_t minimum = std::max<uint64_t>(kPointsMin, plan.lists);
  plan.held_out = HeldOut(size.points, minimum, record.dimension);
  if (plan.held_out < kHeldOutMin) plan.held_out = 0;
  plan.sample = std::min(std::max(chosen.sample, minimum), size.points - plan.held_out);
  return plan;
}

}  // namespace kith::coordinator
