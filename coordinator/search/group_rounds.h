#ifndef KITH_COORDINATOR_SEARCH_GROUP_ROUNDS_H_
#define KITH_COORDINATOR_SEARCH_GROUP_ROUNDS_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "common/payload/payload_schema.h"
#include "coordinator/search/point_reader.h"
#include "coordinator/search/search_query.h"

namespace kith::coordinator {

// Hits by the value of a payload field. Groups come in the order of their nearest point, so the
// first so many values that turn up among the nearest points are the groups; four times as many
// points are looked at until each group is full, at most limits::kLimitMax. What the payloads say
// is remembered from round to round.
//
// Threads: one at a time.
class GroupRounds {
 public:
  // `group_by` passed CheckSearch; `groups`: how many.
  GroupRounds(const GroupBy& group_by, const PayloadSchema& schema, uint32_t groups);

  // How many of the nearest points the round under way looks at.
  uint32_t candidates() const { return candidates_; }
  // Keys of hits whose payloads were not read yet, at most kKeysPerRead; empty: all were.
  std::string Unread(const HitColumns& hits) const;
  // What their payloads say. A payload that does not fit the schema says nothing.
  void Learn(const std::string& keys, const PointRows& points);
  // Forms the groups of the nearest points; true where more of them are to be looked at, and then
  // candidates() says how many.
  bool WantsMore(const HitColumns& hits);
  // The groups that were formed last, instead of the answer's hits. `completeness` is that of the
  // hits. A hit whose point has changed since is left out, and `degraded` says so.
  void Take(SearchAnswer& answer) const;

  static constexpr size_t kKeysPerRead = 512;  // of at most 64 KiB each

 private:
  struct Values {
    uint64_t version = 0;             // of the point; 0: it is gone
    std::vector<std::string> values;  // as EncodeAs gives them
  };
  struct Group {
    std::string value;
    std::vector<size_t> hits;  // places in the columns
  };

  const Values& ValuesOf(const HitColumns& hits, size_t i) const;
  void Add(const HitColumns& hits, size_t i);

  const GroupBy group_by_;
  const PayloadField field_;
  const uint32_t groups_max_;
  uint32_t candidates_;
  std::unordered_map<std::string, Values> values_;    // by key
  std::vector<Group> groups_;                         // in the order of their nearest hit
  std::unordered_map<std::string, size_t> place_of_;  // of a value among them
  bool has_changed_ = false;                          // a hit was left out
  bool is_full_ = false;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_GROUP_ROUNDS_H_
