#ifndef KITH_COORDINATOR_SEARCH_SEARCH_THROTTLE_H_
#define KITH_COORDINATOR_SEARCH_SEARCH_THROTTLE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/shard_api/search_priority.h"

namespace kith::coordinator {

// Refuses searches on arrival, before anything is made of them, while the shards refuse many: each
// that is sent to overloaded shards costs them time, and where one of several shards refuses it
// what the others did is lost. So many are let through that the shards take two of three of them;
// the rest tells how much they can take by now. After "Handling Overload" in "Site Reliability
// Engineering" (Beyer et al., 2016), with half a second's memory instead of two minutes'.
//
// Counted by collection and priority, for so the shards refuse; names that share a place share
// their fate.
// Threads: any.
class SearchThrottle {
 public:
  explicit SearchThrottle(const Clock& clock) : clock_(clock) {}

  // RESOURCE_EXHAUSTED OVERLOADED with a time to come back, or OK: then the shards are asked, and
  // NoteRefused is told where they do not take it.
  absl::Status Admit(std::string_view collection, SearchPriority priority);
  void NoteRefused(std::string_view collection, SearchPriority priority);

  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  // Of the last moments: older calls count less and less.
  struct Counts {
    std::mutex mutex;
    double taken = 0;
    double refused = 0;
    Deadline at{};
    void Fade(Deadline now);
    double ShareToRefuse() const;
  };
  static constexpr size_t kPlaces = 64;
  Counts& CountsOf(std::string_view collection, SearchPriority priority);
  double Draw();

  const Clock& clock_;
  std::array<Counts, kPlaces * kSearchPriorities> counts_;
  std::atomic<uint64_t> draws_{0};
  std::atomic<uint64_t> refused_{0};
};

// Whether shards refused because they have too much to do.
bool IsOverload(const absl::Status& status);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_SEARCH_THROTTLE_H_
