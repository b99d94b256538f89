#include "coordinator/search/group_rounds.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/payload/payload_values.h"

namespace kith::coordinator {
namespace {

constexpr uint32_t kMore = 4;
constexpr uint32_t kCandidatesMin = 64;

std::string KeyAt(const HitColumns& hits, size_t i) {
  return hits.keys.substr(i * PointKey::kSize, PointKey::kSize);
}

}  // namespace

GroupRounds::GroupRounds(const GroupBy& group_by, const PayloadSchema& schema, uint32_t groups)
    : group_by_(group_by),
      field_(schema[FindField(schema, group_by.field).value_or(0)]),
      groups_max_(groups),
      candidates_(
          std::clamp(groups * group_by.group_size * kMore, kCandidatesMin, limits::kLimitMax)) {}

std::string GroupRounds::Unread(const HitColumns& hits) const {
  std::string keys;
  for (size_t i = 0; i < hits.size() && keys.size() < kKeysPerRead * PointKey::kSize; ++i) {
    std::string key = KeyAt(hits, i);
    const auto found = values_.find(key);
    // A point that was read before and found in a newer version since is read again; one that was
    // replaced after the search has a newer version than its hit, and is done with.
    if (found == values_.end() ||
        (found->second.version != 0 && found->second.version < hits.versions[i])) {
      keys += key;
    }
  }
  return keys;
}

void GroupRounds::Learn(const std::string& keys, const PointRows& points) {
  const PayloadSchema schema = {field_};
  for (size_t i = 0; i < points.rows.size(); ++i) {
    const PointRows::Row& row = points.rows[i];
    Values known;
    known.version = row.is_found ? row.version : 0;
    auto read = ReadIndexedValues(row.payload, schema);
    if (row.is_found && read.ok()) {
      for (IndexedValue& value : *read) known.values.push_back(std::move(value.value));
    }
    values_[keys.substr(i * PointKey::kSize, PointKey::kSize)] = std::move(known);
  }
}

const GroupRounds::Values& GroupRounds::ValuesOf(const HitColumns& hits, size_t i) const {
  static const Values kNothing;
  const auto found = values_.find(KeyAt(hits, i));
  return found == values_.end() ? kNothing : found->second;
}

void GroupRounds::Add(const HitColumns& hits, size_t i) {
  const Values& known = ValuesOf(hits, i);
  if (known.version != hits.versions[i]) {
    has_changed_ = true;
    return;
  }
  for (const std::string& value : known.values) {
    auto place = place_of_.find(value);
    if (place == place_of_.end()) {
      if (groups_.size() == groups_max_) continue;
      place = place_of_.emplace(value, groups_.size()).first;
      groups_.push_back({value, {}});
    }
    Group& group = groups_[place->second];
    if (group.hits.size() < group_by_.group_size) group.hits.push_back(i);
  }
}

bool GroupRounds::WantsMore(const HitColumns& hits) {
  groups_.clear();
  place_of_.clear();
  has_changed_ = false;
  for (size_t i = 0; i < hits.size(); ++i) Add(hits, i);
  is_full_ = groups_.size() == groups_max_ &&
             std::all_of(groups_.begin(), groups_.end(), [&](const Group& group) {
               return group.hits.size() == group_by_.group_size;
             });
  if (is_full_ || hits.size() < candidates_ || candidates_ == limits::kLimitMax) return false;
  candidates_ = std::min(candidates_ * kMore, limits::kLimitMax);
  return true;
}

void GroupRounds::Take(SearchAnswer& answer) const {
  const HitColumns& from = answer.hits;
  HitColumns taken;
  HitGroups groups;
  groups.candidates = static_cast<uint32_t>(from.size());
  const bool are_all_seen =
      from.size() < candidates_ && answer.completeness == Completeness::kExact;
  groups.is_complete = (is_full_ || are_all_seen) && !has_changed_;
  for (const Group& group : groups_) {
    groups.values.push_back(DecodeAs(field_.type, group.value).value_or(FieldValue()));
    taken.counts.push_back(static_cast<uint32_t>(group.hits.size()));
    for (const size_t i : group.hits) {
      taken.keys.append(from.keys, i * PointKey::kSize, PointKey::kSize);
      taken.scores.push_back(from.scores[i]);
      taken.versions.push_back(from.versions[i]);
    }
  }
  if (has_changed_) answer.degraded.push_back(reason::kChangedMeanwhile);
  answer.hits = std::move(taken);
  answer.groups = std::move(groups);
}

}  // namespace kith::coordinator
