#ifndef KITH_SHARD_SEARCH_SEARCH_QUEUE_H_
#define KITH_SHARD_SEARCH_SEARCH_QUEUE_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/base/ids.h"
#include "common/base/limits.h"
#include "shard/search/fair_lanes.h"
#include "shard/search/queue_patience.h"

namespace kith::shard {

struct SearchQueueOptions {
  size_t jobs_max = limits::kSearchQueueMax;
  size_t background_max = 16;  // jobs
  // How long an interactive search may wait while the queue stands; 0: as long as its deadline.
  std::chrono::nanoseconds wait_target = std::chrono::milliseconds(5);
};

// Why a call was not taken, or not carried out.
enum class QueueRefusal : uint8_t {
  kFull,      // no place
  kWait,      // it would wait longer than is any use
  kDeadline,  // its deadline would pass before it was answered
  kExpired,   // its deadline had passed, when it came or when its turn did
};
inline constexpr size_t kQueueRefusals = 4;
const char* QueueRefusalName(QueueRefusal refusal);

// What a node's queue is like now; refusals since the start.
struct SearchQueueFigures {
  std::array<uint64_t, kQueuedPriorities> jobs{};  // that wait
  uint64_t wait_ns = 0;       // expected of what comes next, of interactive priority
  uint64_t searches_max = 0;  // that may wait or run, of the kind that came last
  bool is_standing = false;   // longer than bursts explain
  std::array<uint64_t, kQueueRefusals> refusals{};
};

// What waits for a node's search threads: who is let in, and whose turn is next (FairLanes). A call
// is admitted as a whole, before anything is made of it; then its parts are pushed, as many as it
// has and whenever they come.
//
// What comes after its deadline is DEADLINE_EXCEEDED at once. Otherwise refused is, with
// RESOURCE_EXHAUSTED and a time to come back:
// - what finds no place (QUEUE_FULL). Half of the places anybody may take; of the other half no
//   collection more than its even share.
// - what could not be answered by its deadline, by what the last calls took (OVERLOADED);
// - interactive searches, while the queue stands, beyond what keeps the threads busy (OVERLOADED).
//   Reads are spared that: they are short, and a search that was answered needs them.
// Nothing is refused on a guess while nothing waits: so what was learnt wrong is learnt anew.
//
// Background calls go to a pool of their own, in the order in which they come; refused is what
// comes late, or finds that pool's places taken. They teach nothing: that pool's threads give way.
//
// Outlives the pools' tasks; so do the pools the pushes. Threads: any.
class SearchQueue {
 public:
  SearchQueue(Executor& pool, Executor& background, const Clock& clock,
              const SearchQueueOptions& options)
      : pool_(pool),
        background_(background),
        clock_(clock),
        options_(options),
        patience_(options.wait_target) {}

  // All shards of a collection, by its incarnation, are one flow.
  std::shared_ptr<SearchFlow> FlowOf(const Uuid& collection);

  absl::Status Admit(const QueuedWork& call);
  // Of a call that was admitted. `run` is called once, on a thread of the pool.
  void Push(const QueuedWork& work, absl::AnyInvocable<void(Turn)> run);

  size_t threads() const { return pool_.threads(); }
  SearchQueueFigures figures() const;

 private:
  using Span = std::chrono::nanoseconds;
  bool IsFull(const QueuedWork& call) const;
  Span ExpectedWait(const QueuedWork& call, Deadline now) const;
  Span ServiceOf(const QueuedWork& call) const;
  absl::Status Refuse(QueueRefusal why, Span wait);
  void RunNext();
  void RunInBackground(const QueuedWork& work, absl::AnyInvocable<void(Turn)> run);

  Executor& pool_;
  Executor& background_;
  const Clock& clock_;
  const SearchQueueOptions options_;

  mutable std::mutex mutex_;
  FairLanes lanes_;  // guarded by mutex_, as all below and the flows
  QueuePatience patience_;
  std::map<std::string, std::weak_ptr<SearchFlow>, std::less<>> flows_;  // by incarnation
  Span last_service_{};  // of a search of interactive priority
  std::array<uint64_t, kQueueRefusals> refusals_{};
};

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_SEARCH_QUEUE_H_
