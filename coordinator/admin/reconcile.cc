#include "coordinator/admin/reconcile.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "coordinator/admin/index_versions.h"
#include "coordinator/admin/payload_fields.h"

namespace kith::coordinator {
namespace {

using State = CollectionRecord::State;

constexpr std::chrono::milliseconds kFirstDelay{1000};
constexpr std::chrono::milliseconds kLongestDelay{30'000};

// What an unknown shard is taken to hold: as much as the others, and never nothing, so that an
// answer without it does not look complete.
uint64_t GuessedPoints(const std::vector<ShardSurvey>& surveys) {
  uint64_t points = 0;
  uint64_t known = 0;
  for (const ShardSurvey& survey : surveys) {
    if (!survey.stat.ok()) continue;
    points += survey.stat->live_points;
    ++known;
  }
  return known == 0 ? 1 : std::max<uint64_t>(1, points / known);
}

}  // namespace

absl::Status Reconciler::RunOnce() {
  std::lock_guard pass(pass_mutex_);
  KITH_ASSIGN_OR_RETURN(const std::vector<CollectionRecord> records, catalog_.meta().List());
  KITH_RETURN_IF_ERROR(catalog_.PublishAliases());
  std::erase_if(backoff_, [&](const auto& waiting) {
    return std::none_of(records.begin(), records.end(), [&](const CollectionRecord& record) {
      return record.name == waiting.first;
    });
  });
  pass_health_.clear();
  pass_index_.clear();
  pass_ = {};
  for (const auto& [name, service] : catalog_.context().nodes) pass_health_[name].node = name;
  for (const CollectionRecord& record : records) {
    if (record.state == State::kActive) LookAt(record);
  }
  // Afterwards, when it is known which nodes are silent: to create and drop waits long for each.
  for (const CollectionRecord& record : records) {
    if (record.state != State::kActive && !NeedsSilentNode(record)) Finish(record);
  }
  PublishHealth();
  return absl::OkStatus();
}

bool Reconciler::NeedsSilentNode(const CollectionRecord& record) const {
  return std::any_of(
      record.shards.begin(), record.shards.end(),
      [&](const ShardPlacement& placement) { return pass_.silent.contains(placement.node); });
}

void Reconciler::Finish(const CollectionRecord& record) {
  const auto found = backoff_.find(record.name);
  const Deadline now = catalog_.context().clock->Now();
  if (found != backoff_.end() && now < found->second.next) return;
  const Catalog::NameLock lock = catalog_.TryLock(record.name);
  if (!lock.owns_lock()) return;  // it is being created or dropped right now
  const absl::Status finished = FinishLocked(record);
  if (finished.ok()) {
    if (found != backoff_.end()) backoff_.erase(found);
    return;
  }
  const auto delay =
      found == backoff_.end() ? kFirstDelay : std::min(found->second.delay * 2, kLongestDelay);
  backoff_[record.name] = {now + delay, delay};
  spdlog::warn("event=collection_unfinished collection={} state={} retry_ms={} error={}",
               record.name, record.state == State::kCreating ? "creating" : "dropping",
               delay.count(), telemetry::LogValue(finished.ToString()));
}

absl::Status Reconciler::FinishLocked(const CollectionRecord& known) {
  // Read again under the lock: whoever held it may have finished the work.
  const auto read = catalog_.meta().Get(known.name);
  if (absl::IsNotFound(read.status())) return absl::OkStatus();
  KITH_RETURN_IF_ERROR(read.status());
  CollectionRecord record = *read;
  if (record.state == State::kRestoring) {
    if (operations_.Running(record.name)) return absl::OkStatus();
    KITH_ASSIGN_OR_RETURN(record, DropUnrestored(record));
  }
  if (record.state == State::kCreating) {
    KITH_RETURN_IF_ERROR(CreateShards(catalog_, record));
    spdlog::info("event=collection_create_finished collection={}", record.name);
    return catalog_
        .Modify(record,
                [](CollectionRecord& current) {
                  current.state = State::kActive;
                  return absl::OkStatus();
                })
        .status();
  }
  if (record.state == State::kDropping) {
    KITH_RETURN_IF_ERROR(DropShards(catalog_, record));
    spdlog::info("event=collection_drop_finished collection={}", record.name);
    return catalog_.Delete(record);
  }
  return absl::OkStatus();
}

// A process that ended in the middle left shards of which nobody knows whether they are whole.
absl::StatusOr<CollectionRecord> Reconciler::DropUnrestored(const CollectionRecord& record) {
  spdlog::warn("event=restore_was_cut_short collection={}", record.name);
  return catalog_.Modify(record, [](CollectionRecord& current) {
    current.state = State::kDropping;
    return absl::OkStatus();
  });
}

void Reconciler::LookAt(const CollectionRecord& record) {
  const std::vector<ShardSurvey> surveys = SurveyShards(catalog_, record, pass_);
  NoteHealth(surveys);
  if (!catalog_.context().map->Find(record.name).ok()) {
    const absl::Status published = catalog_.Publish(record.name);
    if (!published.ok() && !absl::IsNotFound(published)) {
      spdlog::error("event=collection_not_published collection={} error={}", record.name,
                    telemetry::LogValue(published.ToString()));
    }
  }
  NotePoints(record, surveys);
  if (auto health = HealthOfCollection(record, surveys)) pass_index_.push_back(*std::move(health));
  FinishFields(record, surveys);
  if (operations_.Running(record.name)) return;
  if (HasUnheldVersions(record, surveys)) RemoveStrays(record, surveys);
  CancelLostTraining(record);
}

void Reconciler::NotePoints(const CollectionRecord& record,
                            const std::vector<ShardSurvey>& surveys) {
  const auto entry = catalog_.context().map->Find(record.name);
  if (!entry.ok() || (*entry)->record.incarnation != record.incarnation) return;
  for (size_t i = 0; i < surveys.size() && i < (*entry)->routes.size(); ++i) {
    const ShardRoute& route = *(*entry)->routes[i];
    if (surveys[i].stat.ok()) {
      counted_.insert(route.shard);
      route.NoteLivePoints(surveys[i].stat->live_points);
    } else if (!counted_.contains(route.shard) && route.live_points.load() == 0) {
      route.NoteLivePoints(GuessedPoints(surveys));
    }
  }
}

void Reconciler::NoteHealth(const std::vector<ShardSurvey>& surveys) {
  for (const ShardSurvey& survey : surveys) {
    NodeHealth& health = pass_health_[survey.placement.node];
    health.node = survey.placement.node;
    ++health.shards;
    const absl::Status& status = survey.stat.status();
    const bool silent = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
    health.reachable |= !silent || ReasonOf(status) == reason::kNotReady;
    if (survey.stat.ok() && survey.stat->ready) {
      ++health.shards_ready;
    } else if (health.message.empty()) {
      health.message = survey.stat.ok() ? survey.stat->not_ready_reason
                                        : std::string(AtShard(status, survey.placement).message());
    }
  }
}

void Reconciler::PublishHealth() {
  std::vector<NodeHealth> nodes;
  for (auto& [name, health] : pass_health_) {
    if (health.shards == 0) {
      // A node without shards: any answer shows that it is there.
      CollectionRecord probe;
      probe.shards.push_back({0, name, {}});
      const absl::Status answered = CheckNodes(catalog_, probe);
      health.reachable = answered.ok();
      health.message = std::string(answered.message());
    }
    nodes.push_back(health);
  }
  std::lock_guard lock(mutex_);
  for (const NodeHealth& health : nodes) {
    const auto before = std::find_if(nodes_.begin(), nodes_.end(), [&](const NodeHealth& other) {
      return other.node == health.node;
    });
    if (before != nodes_.end() && before->reachable == health.reachable) continue;
    spdlog::info("event=node_health node={} reachable={} message={}", health.node, health.reachable,
                 health.message);
  }
  nodes_ = std::move(nodes);
  indexes_ = pass_index_;
}

// An operation that begins does so under this lock: it and this do not step at once.
void Reconciler::FinishFields(const CollectionRecord& record,
                              const std::vector<ShardSurvey>& surveys) {
  if (!NeedsFieldStep(record, surveys)) return;
  const bool is_silent = std::any_of(surveys.begin(), surveys.end(),
                                     [](const auto& survey) { return !survey.stat.ok(); });
  const Catalog::NameLock lock = catalog_.TryLock(record.name);
  if (is_silent || !lock.owns_lock() || operations_.RunningPayloadIndex(record.name)) return;
  const auto current = catalog_.meta().Get(record.name);
  if (!current.ok() || current->incarnation != record.incarnation) return;
  const auto step = StepFields(catalog_, *current);
  if (!step.ok()) {
    spdlog::warn("event=payload_fields_wait collection={} error={}", record.name,
                 telemetry::LogValue(step.status().ToString()));
    return;
  }
  for (const auto& [field, why] : step->misfit) {
    spdlog::warn("event=payload_index_misfit collection={} error={}", record.name,
                 telemetry::LogValue(why.ToString()));
  }
}

void Reconciler::RemoveStrays(const CollectionRecord& known,
                              const std::vector<ShardSurvey>& surveys) {
  // A training begins under this lock, and the record read under it holds what one that ended
  // since the survey has promoted: nothing in use is dropped.
  const Catalog::NameLock lock = catalog_.TryLock(known.name);
  if (!lock.owns_lock() || operations_.Running(known.name)) return;
  const auto record = catalog_.meta().Get(known.name);
  if (!record.ok() || record->incarnation != known.incarnation) return;
  DropUnheldVersions(catalog_, *record, surveys);
}

void Reconciler::CancelLostTraining(const CollectionRecord& record) {
  const std::string job = record.incarnation.ToString();
  if (record.shards.empty() || pass_.silent.contains(record.shards.front().node)) return;
  const auto service = catalog_.Node(record.shards.front().node);
  if (!service.ok()) return;
  const Catalog::NameLock lock = catalog_.TryLock(record.name);
  if (!lock.owns_lock() || operations_.Running(record.name)) return;
  // A training that has begun since may have ended without its trainer hearing of it.
  const uint64_t begun = operations_.begun();
  const auto cleared = training_cleared_.find(job);
  if (cleared != training_cleared_.end() && cleared->second == begun) return;
  const absl::Status cancelled = (*service)->CancelTraining(job, catalog_.context().StatDeadline());
  if (cancelled.ok() || absl::IsNotFound(cancelled)) training_cleared_[job] = begun;
}

void Reconciler::Start(std::chrono::milliseconds period) {
  thread_ = std::thread([this, period] { Loop(period); });
}

void Reconciler::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Reconciler::Loop(std::chrono::milliseconds period) {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, period, [this] { return stopping_; })) {
    lock.unlock();
    const absl::Status status = RunOnce();
    if (!status.ok())
      spdlog::error("event=reconcile_failed error={}", telemetry::LogValue(status.ToString()));
    lock.lock();
  }
}

std::vector<NodeHealth> Reconciler::nodes() const {
  std::lock_guard lock(mutex_);
  return nodes_;
}

std::vector<CollectionHealth> Reconciler::indexes() const {
  std::lock_guard lock(mutex_);
  return indexes_;
}

}  // namespace kith::coordinator
