#include "coordinator/admin/collection_shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

constexpr uint32_t kSubspacesMax = 64;
constexpr uint32_t kPlaneBBytesMin = 4;
constexpr double kTargetRecallMin = 0.5;
constexpr double kTargetRecallMax = 0.999;

absl::Status Bad(std::string_view field, std::string_view message) {
  return FieldError(field, reason::kBadRequest, message);
}

bool LowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

template <typename Enum>
bool Named(Enum value) {
  return static_cast<int>(value) >= 1 && static_cast<int>(value) <= 3;
}

}  // namespace

absl::Status CheckName(const std::string& name, std::string_view field) {
  const bool fits = !name.empty() && name.size() <= limits::kCollectionNameBytesMax;
  const bool letters = fits && LowerOrDigit(name[0]) &&
                       std::all_of(name.begin(), name.end(),
                                   [](char c) { return LowerOrDigit(c) || c == '_' || c == '-'; });
  if (letters) return absl::OkStatus();
  return Bad(field, "a name is 1 to 63 of a-z, 0-9, _ and -, and starts with a letter or a digit");
}

absl::Status CheckDescription(const std::string& description) {
  if (description.size() <= limits::kDescriptionBytesMax) return absl::OkStatus();
  return Bad("description", fmt::format("has {} bytes, at most {} are kept", description.size(),
                                        limits::kDescriptionBytesMax));
}

absl::Status CheckEtag(const CollectionRecord& record, const std::string& etag) {
  if (etag.empty() || etag == EtagOf(record)) return absl::OkStatus();
  return Error(absl::StatusCode::kAborted, reason::kEtagMismatch,
               fmt::format("collection {} has changed since: its etag is {}; read it again, decide "
                           "again",
                           record.name, EtagOf(record)),
               {{"etag", EtagOf(record)}});
}

absl::Status CheckShape(uint32_t dimension, Metric metric, ElementType element_type) {
  if (dimension < 1 || dimension > limits::kDimensionMax) {
    return Bad("dimension", fmt::format("{} is outside 1 to {}", dimension, limits::kDimensionMax));
  }
  if (!Named(metric)) return Bad("metric", "name one of L2, INNER_PRODUCT and COSINE");
  if (!Named(element_type)) return Bad("element_type", "name one of F32, F16 and U8");
  return absl::OkStatus();
}

absl::Status CheckShards(uint32_t shards) {
  if (shards >= 1 && shards <= limits::kShardsMax) return absl::OkStatus();
  return Bad("shards", fmt::format("{} is outside 1 to {}", shards, limits::kShardsMax));
}

absl::Status CheckIndexChoice(const IndexChoice& choice, uint32_t dimension) {
  if (choice.lists > limits::kNprobeMax) {
    return Bad("index.lists", fmt::format("{} is above {}; 0 chooses by the number of points",
                                          choice.lists, limits::kNprobeMax));
  }
  const uint32_t subspaces_max = std::min(kSubspacesMax, dimension);
  if (choice.subspaces > subspaces_max) {
    return Bad("index.subspaces",
               fmt::format("{} is above {} (64, and no more than the dimension); 0 chooses",
                           choice.subspaces, subspaces_max));
  }
  const uint32_t plane_b_min = std::min(kPlaneBBytesMin, dimension);
  if (choice.plane_b_bytes != 0 &&
      (choice.plane_b_bytes < plane_b_min || choice.plane_b_bytes > dimension)) {
    return Bad("index.plane_b_bytes",
               fmt::format("{} is outside {} to {}, the dimension; 0 chooses", choice.plane_b_bytes,
                           plane_b_min, dimension));
  }
  // Written so that NaN is refused too.
  const bool in_range =
      choice.target_recall >= kTargetRecallMin && choice.target_recall <= kTargetRecallMax;
  if (choice.target_recall != 0 && !in_range) {
    return Bad("index.target_recall",
               fmt::format("{} is outside {} to {}; 0 means 0.95", choice.target_recall,
                           kTargetRecallMin, kTargetRecallMax));
  }
  return absl::OkStatus();
}

absl::Status CheckExpected(const IndexChoice& choice, uint64_t shards) {
  const uint64_t most = limits::kRowsMax * shards;
  if (choice.expected_points <= most) return absl::OkStatus();
  return Bad("index.expected_points", fmt::format("{} is above {} (2^32 rows a shard, {} shards)",
                                                  choice.expected_points, most, shards));
}

}  // namespace kith::coordinator
