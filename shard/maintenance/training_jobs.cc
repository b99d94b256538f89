#include "shard/maintenance/training_jobs.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/scheduling.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "index/plan.h"
#include "index/train.h"
#include "shard/parts/index_status.h"

namespace kith::shard {
namespace {

constexpr int kNice = 10;
// A sample that nobody added to for this long has lost its coordinator.
constexpr auto kAbandoned = std::chrono::minutes(2);
constexpr uint64_t kSampleBytesMax = uint64_t{8} << 30;

absl::Status NoSuchJob(const std::string& job) {
  return Error(absl::StatusCode::kNotFound, reason::kOperationNotFound,
               "this node has no training job " + job + "; it may have restarted: train again");
}

// All vectors of the job's chunks in (hash, key) order.
std::string SortedVectors(const std::vector<TrainingChunk>& chunks, size_t vector_bytes) {
  struct Place {
    uint64_t hash;
    PointKey key;
    const char* vector;
  };
  std::vector<Place> places;
  for (const TrainingChunk& chunk : chunks) {
    for (size_t i = 0; i < chunk.sample.hashes.size(); ++i) {
      places.push_back({chunk.sample.hashes[i],
                        PointKey::FromBytes(chunk.sample.keys.data() + i * PointKey::kSize),
                        chunk.sample.vectors.data() + i * vector_bytes});
    }
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::tie(a.hash, a.key) < std::tie(b.hash, b.key);
  });
  std::string vectors;
  vectors.reserve(places.size() * vector_bytes);
  for (const Place& place : places) vectors.append(place.vector, vector_bytes);
  return vectors;
}

absl::Status CheckChunk(const TrainingChunk& chunk) {
  const size_t count = chunk.sample.hashes.size();
  const size_t vector_bytes = size_t{chunk.dimension} * ElementSize(chunk.element_type);
  if (chunk.dimension == 0 || chunk.dimension > limits::kDimensionMax ||
      chunk.sample.keys.size() != count * PointKey::kSize ||
      chunk.sample.vectors.size() != count * vector_bytes) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
                 "the parts of a training chunk do not agree in size");
  }
  return absl::OkStatus();
}

}  // namespace

TrainingJobs::~TrainingJobs() { Stop(std::move(job_)); }

void TrainingJobs::Stop(std::unique_ptr<Job> job) {
  if (job == nullptr) return;
  job->cancelled = true;
  if (job->thread.joinable()) job->thread.join();
}

bool TrainingJobs::IsOver(Job& job) {
  if (!job.thread.joinable()) return std::chrono::steady_clock::now() > job.touched + kAbandoned;
  std::lock_guard lock(job.mutex);
  return job.state.done;
}

absl::Status TrainingJobs::Add(TrainingChunk chunk) {
  KITH_RETURN_IF_ERROR(CheckChunk(chunk));
  std::lock_guard lock(mutex_);
  if (job_ != nullptr && job_->name != chunk.job && IsOver(*job_)) Stop(std::move(job_));
  if (job_ == nullptr) {
    job_ = std::make_unique<Job>();
    job_->name = chunk.job;
  }
  if (job_->name != chunk.job || job_->thread.joinable()) {
    return Error(absl::StatusCode::kResourceExhausted, reason::kTrainingInProgress,
                 "this node trains " + job_->name + " already; wait for it or cancel it");
  }
  job_->touched = std::chrono::steady_clock::now();
  job_->bytes += chunk.sample.vectors.size();
  if (job_->bytes > kSampleBytesMax) {
    return Error(absl::StatusCode::kResourceExhausted, reason::kMemoryLimit,
                 "the training sample is larger than 8 GiB; train fewer lists");
  }
  job_->chunks.push_back(std::move(chunk));
  return absl::OkStatus();
}

absl::Status TrainingJobs::Start(const StartTrainingCall& call) {
  std::lock_guard lock(mutex_);
  if (job_ == nullptr || job_->name != call.job) return NoSuchJob(call.job);
  // A repeated start: from here on the chunks are the trainer's, which takes them as it goes.
  if (job_->thread.joinable()) return absl::OkStatus();
  for (const TrainingChunk& chunk : job_->chunks) {
    if (chunk.dimension != call.dimension || chunk.element_type != call.element_type) {
      return Error(absl::StatusCode::kInvalidArgument, reason::kDimensionMismatch,
                   "the training sample has another shape than the training call");
    }
  }
  spdlog::info("event=training_starts job={} lists={} subspaces={}", call.job, call.lists,
               call.subspaces);
  Job& job = *job_;
  job.thread = std::thread([this, &job, call] { Run(job, call); });
  return absl::OkStatus();
}

void TrainingJobs::Run(Job& job, const StartTrainingCall& call) {
  pthread_setname_np(pthread_self(), "kith-train");
  YieldToOthers(kNice);
  absl::StatusOr<TrainingState> state = Train(job, call);
  spdlog::info("event=training_ended_on_node job={} status={}", job.name,
               telemetry::LogValue(state.status().ToString()));
  std::lock_guard lock(job.mutex);
  if (state.ok()) {
    job.state = *std::move(state);
  } else {
    job.state.error = state.status();
  }
  job.state.done = true;
}

absl::StatusOr<TrainingState> TrainingJobs::Train(Job& job, const StartTrainingCall& call) {
  index::IndexParameters parameters;
  parameters.dimension = call.dimension;
  parameters.metric = call.metric;
  parameters.element_type = call.element_type;
  parameters.lists = call.lists;
  parameters.subspaces = call.subspaces;
  index::SetPlaneB(call.plane_b_bytes, parameters);
  parameters.seed = call.seed;
  const size_t vector_bytes = size_t{call.dimension} * ElementSize(call.element_type);
  const std::string vectors = SortedVectors(job.chunks, vector_bytes);
  job.chunks.clear();
  index::TrainingControl control;
  control.threads = threads_;
  control.progress = [&job](double progress) { job.progress = progress; };
  control.cancelled = [&job] { return job.cancelled.load(); };
  const auto version = index::TrainIndexVersion(
      parameters,
      {reinterpret_cast<const std::byte*>(vectors.data()), vectors.size() / vector_bytes}, control);
  if (!version.ok()) return FromIndex(version.status());
  KITH_RETURN_IF_ERROR(artifacts_.Save(**version));
  TrainingState state;
  state.progress = 1;
  state.artifact = (*version)->hash;
  state.artifact_bytes = index::SerializeIndexVersion(**version).size();
  return state;
}

absl::StatusOr<TrainingState> TrainingJobs::State(const std::string& job) {
  std::lock_guard lock(mutex_);
  if (job_ == nullptr || job_->name != job) return NoSuchJob(job);
  std::lock_guard state_lock(job_->mutex);
  TrainingState state = job_->state;
  if (!state.done) state.progress = job_->progress;
  return state;
}

bool TrainingJobs::busy() {
  std::lock_guard lock(mutex_);
  return job_ != nullptr && !IsOver(*job_);
}

absl::Status TrainingJobs::Cancel(const std::string& job) {
  std::unique_ptr<Job> stopped;
  {
    std::lock_guard lock(mutex_);
    if (job_ == nullptr || job_->name != job) return absl::OkStatus();
    stopped = std::move(job_);
  }
  Stop(std::move(stopped));
  return absl::OkStatus();
}

}  // namespace kith::shard
