#ifndef KITH_COORDINATOR_READ_SCROLL_SERVICE_H_
#define KITH_COORDINATOR_READ_SCROLL_SERVICE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/shard_api/shard_service.h"
#include "coordinator/cluster/cluster_map.h"
#include "coordinator/search/deadline_timer.h"
#include "coordinator/search/write_token.h"

namespace kith::coordinator {

struct ScrollPointsCall {
  std::string collection;
  uint32_t limit = limits::kPageDefault;
  std::string page_token;
  bool with_vector = false;
  bool with_payload = false;
  std::vector<WriteToken> tokens;
  std::optional<Deadline> deadline;        // absent: 30 s
  std::shared_ptr<const Filter> filter{};  // only what passes; null: all
};

// One page, as the shards gave it: one reply after the other is the order of the points.
struct ScrollPage {
  std::vector<ScrollReply> parts;
  size_t vector_bytes = 0;      // of one point
  std::string next_page_token;  // empty: the last page
};

// All points of a collection, or those that pass a filter, page by page, ordered by slot and then
// by key. Pages are read from one shard after the other; a point that is there (and passes) during
// all of them is on exactly one. Where few pass, a page ends before it is full. Codes:
// INVALID_ARGUMENT naming the field, BAD_PAGE_TOKEN; NOT_FOUND COLLECTION_NOT_FOUND; those of
// ShardService::Scroll; DATA_LOSS CORRUPTION for a reply that breaks the order or its own shape. A
// failure is the page's, and the token that asked for it can be used again.
//
// Everything outlives the calls. Threads: any.
class ScrollService {
 public:
  ScrollService(const ClusterMap& map, DeadlineTimer& timer, const Clock& clock)
      : map_(map), timer_(timer), clock_(clock) {}

  void Scroll(const ScrollPointsCall& call, Done<ScrollPage> done) const;

 private:
  const ClusterMap& map_;
  DeadlineTimer& timer_;
  const Clock& clock_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_READ_SCROLL_SERVICE_H_
