#ifndef KITH_COORDINATOR_WRITE_SELECTED_WRITE_H_
#define KITH_COORDINATOR_WRITE_SELECTED_WRITE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/shard_api/shard_service.h"
#include "coordinator/cluster/cluster_map.h"
#include "coordinator/search/call_deadlines.h"
#include "coordinator/search/deadline_timer.h"
#include "coordinator/search/sealed_token.h"
#include "coordinator/write/upsert_call.h"

namespace kith::coordinator {

// One call of a write to the points that pass a filter: asks one shard after another for batch
// after batch. How far it has come is the shard and, of that shard, the bound of versions below
// which points are still to be done; both stand in the token.
//
// Threads: one at a time; whichever a reply comes on.
class SelectedWrite : public std::enable_shared_from_this<SelectedWrite> {
 public:
  struct Plan {
    std::shared_ptr<const CollectionEntry> entry;
    SelectedWriteCall call;
    Deadline deadline;
  };
  struct Host {
    DeadlineTimer& timer;
    const Clock& clock;
  };

  static void Begin(Plan plan, const Host& host, Done<SelectedWriteAnswer> done);

 private:
  SelectedWrite(Plan plan, const Host& host, Done<SelectedWriteAnswer> done);

  absl::Status Check();
  absl::Status ResumeAt(const std::string& token);
  std::string Token() const;
  WriteCall NextCall() const;
  void Step();
  void Take(absl::StatusOr<WriteReply> reply);

  const Plan plan_;
  const Host host_;
  const Deadline pause_at_;
  const CallDeadlines deadlines_;
  TokenSubject subject_;
  std::string body_hash_;
  Done<SelectedWriteAnswer> done_;
  size_t route_ = 0;
  uint64_t version_below_ = 0;  // of the route; 0: its part has not begun
  uint64_t batches_ = 0;        // of this call
  SelectedWriteAnswer answer_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_WRITE_SELECTED_WRITE_H_
