#ifndef KITH_COORDINATOR_SEARCH_RECALL_SAMPLER_H_
#define KITH_COORDINATOR_SEARCH_RECALL_SAMPLER_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "coordinator/cluster/cluster_map.h"
#include "coordinator/search/deadline_timer.h"
#include "coordinator/search/query_plan.h"
#include "coordinator/search/recall_window.h"
#include "coordinator/search/search_metrics.h"
#include "coordinator/search/search_query.h"

namespace kith::coordinator {

// Samples that wait for their exact search; one more is dropped.
inline constexpr size_t kRecallQueueMax = 4;
// An answer's neighbours beyond these are not compared.
inline constexpr uint32_t kRecallDepthMax = 100;
// A sampled search whose shard let it wait longer than this for a thread, or that comes while more
// calls than this wait for their shards, shows that the cluster has enough to do.
inline constexpr std::chrono::milliseconds kRecallQueuedMax{2};
inline constexpr size_t kRecallCallsInFlightMax = 64;
// Exact searches take at most a twentieth of the time.
inline constexpr int kRecallRest = 19;
// A sample is compared soon or not at all: writes since the answer would count as misses.
inline constexpr std::chrono::milliseconds kRecallAgeMax{2'000};
inline constexpr std::chrono::milliseconds kRecallDeadline{10'000};

struct RecallSamplerOptions {
  uint64_t one_in = 1000;       // queries: one of so many is sampled; 0: none
  uint64_t per_second_max = 2;  // and no more than these, whatever comes
  size_t window = 1000;         // samples that the figures are of
  uint64_t seed = 0x6b697468;   // of the choice
};

// Who said how deep to look.
enum class RecallDepth : uint8_t { kCollection = 0, kRequest = 1 };
enum class RecallDrop : uint8_t { kRate, kOverload, kDeadline, kQueue, kStale, kFailed };
inline constexpr size_t kRecallDrops = 6;

struct RecallReading {
  std::string collection;
  RecallDepth depth = RecallDepth::kCollection;
  RecallEstimate estimate;
};

// Live recall: asks some of the searches that were answered through an index once more, exactly,
// and compares the ids. One after another, on a niced thread, and only where the cluster has time:
// what is refused is counted. A window begins anew with another index version.
//
// Not sampled: exact and flat searches, those with a filter or bounded by a distance or score,
// incomplete answers.
// Threads: any; Offer never blocks for long and is called for every search. Stop once, before the
// map and the timer go.
class RecallSampler {
 public:
  RecallSampler(const ClusterMap& map, DeadlineTimer& timer, const Clock& clock,
                RecallSamplerOptions options);
  ~RecallSampler() { Stop(); }
  RecallSampler(const RecallSampler&) = delete;
  RecallSampler& operator=(const RecallSampler&) = delete;

  void Offer(const AnsweredSearch& search);
  void Stop();

  // Of the versions that serve now.
  std::vector<RecallReading> readings() const;
  uint64_t samples() const { return samples_.load(std::memory_order_relaxed); }
  uint64_t dropped(RecallDrop why) const {
    return dropped_[static_cast<size_t>(why)].load(std::memory_order_relaxed);
  }
  // Samples that wait or are being compared.
  size_t pending() const { return pending_.load(std::memory_order_acquire); }

 private:
  struct Sample;
  struct Exact;
  struct Window {
    Uuid incarnation;
    std::string version;
    RecallWindow samples;
  };

  std::optional<uint32_t> Choose(uint32_t queries);
  std::optional<RecallDrop> WhyNot(const AnsweredSearch& search);
  bool TakeTurn(Deadline now);
  void Compare(const Sample& sample);
  absl::StatusOr<SearchAnswer> AskExactly(const Sample& sample);
  void Keep(const Sample& sample, RecallSample found);
  void Drop(RecallDrop why) {
    dropped_[static_cast<size_t>(why)].fetch_add(1, std::memory_order_relaxed);
  }

  const ClusterMap& map_;
  DeadlineTimer& timer_;
  const Clock& clock_;
  const RecallSamplerOptions options_;
  std::atomic<uint64_t> queries_{0};  // offered and of the kind that is sampled
  std::atomic<uint64_t> samples_{0};
  std::array<std::atomic<uint64_t>, kRecallDrops> dropped_{};
  std::atomic<size_t> pending_{0};

  std::atomic<bool> stopping_{false};

  mutable std::mutex mutex_;
  Deadline next_turn_{};  // no sample is taken before; guarded by mutex_, as the next
  std::map<std::pair<std::string, RecallDepth>, Window> windows_;
  Executor pool_;  // last: its thread uses what is above
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_RECALL_SAMPLER_H_
