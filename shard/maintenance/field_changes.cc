#include "shard/maintenance/field_changes.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "shard/maintenance/old_row_reader.h"

namespace kith::shard {

FieldChanges::FieldChanges(CopyParts& parts, FieldActions writer, Options options)
    : parts_(parts),
      writer_(std::move(writer)),
      before_step_(std::move(options.before_step)),
      on_memory_freed_(std::move(options.on_memory_freed)),
      durable_(parts.snapshots.Pin()->fields->revision),
      loop_(options.pool, [this] { return ChangeSome(); }) {}

// Also where the revision is known: what a call before this one changed may not be durable.
absl::Status FieldChanges::Set(const SetFieldsCall& call) {
  KITH_RETURN_IF_ERROR(writer_.set(call));
  KITH_RETURN_IF_ERROR(parts_.state->Flush());
  if (durable_.exchange(call.revision) != call.revision) {
    spdlog::info("event=fields_changed shard={} revision={}", parts_.spec.shard, call.revision);
  }
  loop_.Post();
  return absl::OkStatus();
}

void FieldChanges::Tick() {
  if (Waits()) loop_.Post();
}

bool FieldChanges::Waits() const {
  const auto snapshot = parts_.snapshots.Pin();
  const FieldStates& fields = *snapshot->fields;
  return fields.FindUnbuilt() || fields.FindBuilt() || fields.FindState(FieldState::kDropping);
}

// One piece of what the fields wait for. What fails, as on a full disk, is tried again by the next
// tick.
bool FieldChanges::ChangeSome() {
  if (before_step_) before_step_();
  if (stopping_ || !Waits()) return false;
  const absl::Status status = Step(*parts_.snapshots.Pin()->fields);
  const bool failed_before = failed_.exchange(!status.ok());
  if (!status.ok()) {
    if (failed_before) return false;
    spdlog::warn("event=fields_wait shard={} error={}", parts_.spec.shard,
                 telemetry::LogValue(status.ToString()));
    return false;
  }
  return Waits();
}

absl::Status FieldChanges::Step(const FieldStates& fields) {
  if (const auto place = fields.FindState(FieldState::kDropping)) {
    on_memory_freed_();
    return writer_.release(*place);
  }
  if (const auto place = fields.FindUnbuilt()) {
    KITH_ASSIGN_OR_RETURN(const OldRows old, ReadOldRows(*parts_.state, fields, *place));
    return writer_.add_old_rows(old);
  }
  const auto place = fields.FindBuilt();
  if (!place.has_value()) return absl::OkStatus();
  // A coordinator that is told so forgets that it was being built: it must not come undone.
  KITH_RETURN_IF_ERROR(parts_.state->Flush());
  spdlog::info("event=field_indexed shard={} rows={}", parts_.spec.shard,
               fields.builds[*place].end);
  return writer_.finish(*place);
}

}  // namespace kith::shard
