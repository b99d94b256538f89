#ifndef KITH_COORDINATOR_ADMIN_RECONCILE_H_
#define KITH_COORDINATOR_ADMIN_RECONCILE_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/meta/meta_store.h"
#include "coordinator/admin/catalog.h"
#include "coordinator/admin/index_health.h"
#include "coordinator/admin/operations.h"
#include "coordinator/admin/shard_steps.h"

namespace kith::coordinator {

// What the last look at one node found.
struct NodeHealth {
  std::string node;
  bool reachable = false;
  std::string message;        // why not
  uint32_t shards = 0;        // placed there
  uint32_t shards_ready = 0;  // of those, as the node says
};

// Keeps the cluster as the metadata says. Each pass finishes what a crash left half done (records
// being created or dropped, payload fields being added or dropped, trainings and index versions
// nobody waits for), asks every shard for
// its state and brings the map and its live point counts up to date.
//
// A shard missing under an ACTIVE record is never created again: that would turn a lost disk into
// an empty collection. It is reported, and its points count as not searched.
//
// Threads: any for nodes(), indexes() and RunOnce; Start and Stop once.
class Reconciler {
 public:
  Reconciler(Catalog& catalog, Operations& operations)
      : catalog_(catalog), operations_(operations) {}
  ~Reconciler() { Stop(); }
  Reconciler(const Reconciler&) = delete;
  Reconciler& operator=(const Reconciler&) = delete;

  // One pass. Run it before the first request is served: it fills the map. An error means that the
  // metadata could not be read; nodes that are down are no error, the next pass asks them again.
  absl::Status RunOnce();
  // RunOnce every `period` on a thread of its own.
  void Start(std::chrono::milliseconds period = std::chrono::milliseconds(1000));
  void Stop();

  std::vector<NodeHealth> nodes() const;
  // What serves, by collection: those that are trained.
  std::vector<CollectionHealth> indexes() const;

 private:
  // When to try again what failed, later each time.
  struct Backoff {
    Deadline next;
    std::chrono::milliseconds delay;
  };

  void Loop(std::chrono::milliseconds period);
  bool NeedsSilentNode(const CollectionRecord& record) const;
  void Finish(const CollectionRecord& record);
  absl::Status FinishLocked(const CollectionRecord& record);
  absl::StatusOr<CollectionRecord> DropUnrestored(const CollectionRecord& record);
  void LookAt(const CollectionRecord& record);
  void NotePoints(const CollectionRecord& record, const std::vector<ShardSurvey>& surveys);
  void NoteHealth(const std::vector<ShardSurvey>& surveys);
  void PublishHealth();
  void FinishFields(const CollectionRecord& record, const std::vector<ShardSurvey>& surveys);
  void RemoveStrays(const CollectionRecord& record, const std::vector<ShardSurvey>& surveys);
  void CancelLostTraining(const CollectionRecord& record);

  Catalog& catalog_;
  Operations& operations_;

  std::mutex pass_mutex_;  // one pass at a time; guards what follows
  std::map<std::string, Backoff> backoff_;
  std::map<std::string, NodeHealth> pass_health_;
  std::vector<CollectionHealth> pass_index_;
  std::set<ShardId> counted_;  // shards whose size is known since this start
  SurveyPass pass_;
  // Incarnations without a lost training, and how many operations had begun when that was so.
  std::map<std::string, uint64_t> training_cleared_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::vector<NodeHealth> nodes_;
  std::vector<CollectionHealth> indexes_;
  std::thread thread_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_RECONCILE_H_
