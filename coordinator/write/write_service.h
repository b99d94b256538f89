#ifndef KITH_COORDINATOR_WRITE_WRITE_SERVICE_H_
#define KITH_COORDINATOR_WRITE_WRITE_SERVICE_H_

#include <vector>

#include "absl/functional/any_invocable.h"
#include "common/base/clock.h"
#include "common/shard_api/shard_service.h"
#include "coordinator/cluster/cluster_map.h"
#include "coordinator/search/deadline_timer.h"
#include "coordinator/search/scatter_gather.h"
#include "coordinator/write/upsert_call.h"
#include "coordinator/write/write_routing.h"

namespace kith::coordinator {

// The write path above the shards: validate, route by slot, fold the shards' outcomes into one
// status a point. Each shard's part is durable or refused by itself; there is no transaction.
//
// A deadline is 30 s where the caller set none, 60 s at most. A shard that does not answer by then
// leaves its points with DEADLINE_EXCEEDED UNKNOWN_OUTCOME: repeat with the same request_id.
// The call fails as a whole where it could not be understood or where no shard wrote anything.
//
// Codes of a call: INVALID_ARGUMENT naming the field, REQUEST_ID_REUSED; NOT_FOUND
// COLLECTION_NOT_FOUND; those of ShardService::Write. Of a point: also ALREADY_EXISTS POINT_EXISTS,
// NOT_FOUND POINT_NOT_FOUND, ABORTED VERSION_MISMATCH with the fact stored_version.
//
// Outlives its calls; so do the map and the timer. Threads: any.
class WriteService {
 public:
  WriteService(const ClusterMap& map, DeadlineTimer& timer, const Clock& clock)
      : map_(map), timer_(timer), clock_(clock) {}

  // That ends the calls whose shards are late; for whoever waits for their callers.
  DeadlineTimer& timer() const { return timer_; }

  // Points are written in order: of two with the same id the last wins.
  void Upsert(const UpsertCall& call, Done<UpsertAnswer> done) const;
  // One error for all: a delete can be repeated as it is.
  void Delete(const DeleteCall& call, Done<DeleteAnswer> done) const;
  // One status a point, as of an upsert; of a point also INVALID_ARGUMENT BAD_PAYLOAD,
  // PAYLOAD_TOO_LARGE.
  void ChangePayload(const ChangePayloadCall& call, Done<UpsertAnswer> done) const;
  // To all points that pass a filter, shard after shard, in batches: each shard does those that
  // pass when its part begins and that nobody has written since. Ends after
  // limits::kSelectedPerCallMax points or half of its time, with a token to go on by. An error
  // leaves what was done before it done; the same call again goes on, with the same request_id from
  // where it stopped.
  void WriteSelected(const SelectedWriteCall& call, Done<SelectedWriteAnswer> done) const;

 private:
  struct Sending;
  // Routes the batch, sends every shard its part and hands on what became of them.
  using Finish = absl::AnyInvocable<void(const std::vector<ShardWrite>&, Replies<WriteReply>&)>;
  void Send(Sending sending, Finish finish) const;

  const ClusterMap& map_;
  DeadlineTimer& timer_;
  const Clock& clock_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_WRITE_WRITE_SERVICE_H_
