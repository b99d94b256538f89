#ifndef KITH_COORDINATOR_SEARCH_POINT_READER_H_
#define KITH_COORDINATOR_SEARCH_POINT_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/shard_api/shard_service.h"
#include "coordinator/cluster/cluster_map.h"
#include "coordinator/search/deadline_timer.h"

namespace kith::coordinator {

struct PointRead {
  std::shared_ptr<const CollectionEntry> entry;
  std::string keys;  // PointKey::kSize bytes a point
  bool with_vector = false;
  bool with_payload = false;
  std::vector<uint64_t> wait_lsns;  // one a route, or empty
  Deadline deadline;
};

// Points in the order they were asked for: views into the shards' replies, which it keeps.
struct PointRows {
  struct Row {
    bool is_found = false;
    uint64_t version = 0;
    std::string_view vector;  // stored form
    std::string_view payload;
  };

  PointRows() = default;
  PointRows(PointRows&&) = default;
  PointRows& operator=(PointRows&&) = default;
  PointRows(const PointRows&) = delete;

  std::vector<Row> rows;
  std::vector<GetReply> replies;
};

// Reads points by key from the shards that own them: for GetPoints, for a query by point, and for
// the payloads and vectors of hits. All or nothing: the first shard's error is the read's.
// Threads: any.
class PointReader {
 public:
  PointReader(DeadlineTimer& timer, const Clock& clock) : timer_(timer), clock_(clock) {}

  // Codes of ShardService::Get; RESOURCE_EXHAUSTED BATCH_TOO_LARGE where the points do not fit an
  // answer of 64 MiB; DATA_LOSS CORRUPTION for a reply whose parts do not fit each other.
  void Read(PointRead read, Done<PointRows> done) const;

 private:
  DeadlineTimer& timer_;
  const Clock& clock_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_POINT_READER_H_
