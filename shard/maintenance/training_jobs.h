#ifndef KITH_SHARD_MAINTENANCE_TRAINING_JOBS_H_
#define KITH_SHARD_MAINTENANCE_TRAINING_JOBS_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/shard_api/shard_calls.h"
#include "shard/storage/artifact_store.h"

namespace kith::shard {

// The one training job a node may have: collects its sample, sorts it by (hash, id) so that the
// layout of the shards leaves no trace, trains on a niced thread and saves the artifact.
//
// Threads: any. The destructor cancels and waits.
class TrainingJobs {
 public:
  TrainingJobs(storage::ArtifactStore& artifacts, int threads)
      : artifacts_(artifacts), threads_(threads) {}
  ~TrainingJobs();

  absl::Status Add(TrainingChunk chunk);
  absl::Status Start(const StartTrainingCall& call);
  absl::StatusOr<TrainingState> State(const std::string& job);
  absl::Status Cancel(const std::string& job);
  bool busy();  // collects or trains

 private:
  struct Job {
    std::string name;
    std::vector<TrainingChunk> chunks;
    uint64_t bytes = 0;
    std::chrono::steady_clock::time_point touched;  // when a chunk came last
    std::atomic<double> progress{0};
    std::atomic<bool> cancelled{false};
    std::thread thread;
    std::mutex mutex;
    TrainingState state;  // guarded by mutex
  };

  void Run(Job& job, const StartTrainingCall& call);
  absl::StatusOr<TrainingState> Train(Job& job, const StartTrainingCall& call);
  static void Stop(std::unique_ptr<Job> job);
  static bool IsOver(Job& job);

  storage::ArtifactStore& artifacts_;
  const int threads_;
  std::mutex mutex_;
  std::unique_ptr<Job> job_;  // guarded by mutex_
};

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_TRAINING_JOBS_H_
