#include "coordinator/admin/payload_index_service.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <thread>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "coordinator/admin/payload_fields.h"

namespace kith::coordinator {
namespace {

bool IsGone(const CollectionRecord& record, const std::string& field) {
  return FieldNamed(record, field) == nullptr;
}

absl::Status GoesOn(const std::string& field, const absl::Status& why) {
  return Error(absl::StatusCode::kUnavailable, reason::kShardUnavailable,
               fmt::format("the index of field {} waits: {}; it goes on by itself when that is "
                           "over, GetCollection says how far it is",
                           field, std::string(why.message())));
}

absl::Status Draining(const std::string& field) {
  return Error(
      absl::StatusCode::kUnavailable, reason::kDraining,
      fmt::format("the coordinator stops; the index of field {} goes on when it is back", field));
}

}  // namespace

absl::StatusOr<Operation> PayloadIndexService::Start(const std::string& collection,
                                                     const Catalog::Change& change, Work work) {
  // Reconciling waits for this lock, and finds the operation running afterwards.
  const std::string name = catalog_.context().map->Resolve(collection);
  const Catalog::NameLock lock = catalog_.Lock(name);
  KITH_ASSIGN_OR_RETURN(const auto entry, catalog_.context().map->Find(name));
  CollectionRecord record = entry->record;
  KITH_RETURN_IF_ERROR(change(record));
  KITH_ASSIGN_OR_RETURN(const auto operation, operations_.Begin(kPayloadIndexKind, name));
  if (record.fields_revision != entry->record.fields_revision) {
    const auto changed = catalog_.Modify(entry->record, change);
    if (!changed.ok()) {
      operation->Finish(changed.status(), "");
      return changed.status();
    }
    record = *changed;
  }
  const bool posted = jobs_.Post(
      [operation, record, work = std::move(work)]() mutable { work(record, *operation); });
  if (posted) return operation->Snapshot();
  // What the record says is done all the same, by reconciling.
  const absl::Status full = Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull,
                                  "too many payload indexes are being changed already: try again "
                                  "when one has ended",
                                  {{kRetryAfterMsFact, "10000"}});
  operation->Finish(full, "");
  return full;
}

absl::StatusOr<Operation> PayloadIndexService::Create(const PayloadIndexCall& call) {
  const PayloadField field{call.field, call.type};
  return Start(
      call.collection, [field](CollectionRecord& record) { return AddField(record, field); },
      [this, field](const CollectionRecord& record, RunningOperation& operation) {
        const absl::Status status = RunCreate(record, field.name, operation);
        spdlog::info("event=payload_index_job_ended collection={} field={} status={}", record.name,
                     telemetry::LogValue(field.name), telemetry::LogValue(status.ToString()));
        operation.Finish(status,
                         fmt::format("field {} is indexed as {}", field.name, NameOf(field.type)));
      });
}

absl::StatusOr<Operation> PayloadIndexService::Delete(const PayloadIndexCall& call) {
  return Start(
      call.collection,
      [field = call.field](CollectionRecord& record) { return DropField(record, field); },
      [this, field = call.field](const CollectionRecord& record, RunningOperation& operation) {
        operation.Finish(RunDelete(record, field, operation),
                         fmt::format("the index of field {} is gone", field));
      });
}

absl::Status PayloadIndexService::RunCreate(CollectionRecord record, const std::string& field,
                                            RunningOperation& operation) {
  const AdminContext& context = catalog_.context();
  Deadline patience = context.clock->Now() + context.timing.node_patience;
  while (true) {
    if (operation.cancelled()) {
      return operations_.closed() ? Draining(field)
                                  : GiveUp(record, field, operation, operation.Check());
    }
    const absl::StatusOr<FieldStep> step = StepFields(catalog_, record);
    if (step.ok()) {
      patience = context.clock->Now() + context.timing.node_patience;
      const auto misfit = step->misfit.find(field);
      if (misfit != step->misfit.end()) {
        return GiveUp(step->record, field, operation, misfit->second);
      }
      const PayloadField* const now = FieldNamed(step->record, field);
      if (now == nullptr || now->state == FieldState::kDropping) {
        return Error(absl::StatusCode::kAborted, reason::kPayloadIndexNotFound,
                     fmt::format("the index of field {} was given up meanwhile; the coordinator's "
                                 "log says why",
                                 field));
      }
      if (now->state == FieldState::kReady) return absl::OkStatus();
      const auto share = step->built.find(field);
      operation.Report("building", share == step->built.end() ? 0 : share->second);
    } else if (absl::IsNotFound(step.status()) || context.clock->Now() >= patience) {
      return GoesOn(field, step.status());
    }
    (void)operation.Pause(context.timing.poll);
    const auto current = catalog_.meta().Get(record.name);
    if (current.ok() && current->incarnation == record.incarnation) record = *current;
  }
}

absl::Status PayloadIndexService::RunDelete(CollectionRecord record, const std::string& field,
                                            RunningOperation& operation) {
  const AdminContext& context = catalog_.context();
  const Deadline patience = context.clock->Now() + context.timing.node_patience;
  operation.Report("dropping", 0);
  while (true) {
    const absl::StatusOr<FieldStep> step = StepFields(catalog_, record);
    if (step.ok() && IsGone(step->record, field)) return absl::OkStatus();
    if (step.ok()) record = step->record;
    if (!step.ok() && (absl::IsNotFound(step.status()) || context.clock->Now() >= patience)) {
      return GoesOn(field, step.status());
    }
    // A cancel changes nothing: whoever is told that the field goes is not to find it again.
    if (operations_.closed()) return Draining(field);
    if (!operation.Pause(context.timing.poll).ok()) {
      std::this_thread::sleep_for(context.timing.poll);
    }
  }
}

// Leaves nothing of it behind, and answers with `why`; where a node does not answer, reconciling
// does the rest.
absl::Status PayloadIndexService::GiveUp(const CollectionRecord& known, const std::string& field,
                                         RunningOperation& operation, absl::Status why) {
  const AdminContext& context = catalog_.context();
  const Deadline patience = context.clock->Now() + context.timing.call;
  absl::StatusOr<CollectionRecord> record = catalog_.Modify(known, [&](CollectionRecord& current) {
    return IsGone(current, field) ? absl::OkStatus() : DropField(current, field);
  });
  operation.Report("dropping", 1);
  while (record.ok() && !IsGone(*record, field) && context.clock->Now() < patience &&
         !operations_.closed()) {
    const absl::StatusOr<FieldStep> step = StepFields(catalog_, *record);
    if (absl::IsNotFound(step.status())) break;
    if (step.ok()) record = step->record;
    if (!IsGone(*record, field)) std::this_thread::sleep_for(context.timing.poll);
  }
  return why;
}

}  // namespace kith::coordinator
