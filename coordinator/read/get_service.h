#ifndef KITH_COORDINATOR_READ_GET_SERVICE_H_
#define KITH_COORDINATOR_READ_GET_SERVICE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/base/limits.h"
#include "common/shard_api/shard_service.h"
#include "coordinator/cluster/cluster_map.h"
#include "coordinator/search/deadline_timer.h"
#include "coordinator/search/point_reader.h"
#include "coordinator/search/write_token.h"

namespace kith::coordinator {

struct GetPointsCall {
  std::string collection;
  std::vector<PointKey> keys;  // at most limits::kPointsPerCallMax
  bool with_vector = false;
  bool with_payload = false;
  std::vector<WriteToken> tokens;
  std::optional<Deadline> deadline;  // absent: 30 s
};

struct CountCall {
  std::string collection;
  std::shared_ptr<const Filter> filter = nullptr;  // only what passes; null: all
  std::optional<Deadline> deadline = {};           // absent: 30 s
};

struct FacetPointsCall {
  std::string collection;
  std::string field;
  std::shared_ptr<const Filter> filter = nullptr;  // only of what passes; null: of all
  uint32_t limit = limits::kFacetLimitDefault;
  std::vector<WriteToken> tokens = {};
  std::optional<Deadline> deadline = {};  // absent: 30 s
};

struct FacetAnswer {
  struct Value {
    FieldValue value;
    uint64_t count = 0;
  };
  std::vector<Value> values;  // by count, then by value
  uint64_t distinct = 0;
};

// Points by id, and how many there are. All or nothing: one shard's error is the call's.
// Codes: INVALID_ARGUMENT naming the field; NOT_FOUND COLLECTION_NOT_FOUND; RESOURCE_EXHAUSTED
// QUEUE_FULL, BATCH_TOO_LARGE; those of ShardService::Get and Stat.
//
// `admin` runs the calls that block. Everything outlives the calls. Threads: any.
class GetService {
 public:
  GetService(const ClusterMap& map, DeadlineTimer& timer, const Clock& clock, Executor& admin)
      : map_(map), timer_(timer), clock_(clock), admin_(admin), reader_(timer, clock) {}

  // One row a key, in order.
  void Get(const GetPointsCall& call, Done<PointRows> done) const;
  // Exact, from the shards' own counts.
  void Count(const CountCall& call, Done<uint64_t> done) const;
  // Exact, from the shards' postings. RESOURCE_EXHAUSTED TOO_MANY_VALUES.
  void Facet(const FacetPointsCall& call, Done<FacetAnswer> done) const;

 private:
  using EntryPtr = std::shared_ptr<const CollectionEntry>;

  void CountAll(EntryPtr entry, Deadline deadline, Done<uint64_t> done) const;
  void CountPassing(EntryPtr entry, std::shared_ptr<const Filter> filter, Deadline deadline,
                    Done<uint64_t> done) const;

  const ClusterMap& map_;
  DeadlineTimer& timer_;
  const Clock& clock_;
  Executor& admin_;
  const PointReader reader_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_READ_GET_SERVICE_H_
