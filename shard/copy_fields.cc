// What Copy does where the fields change that it indexes (docs/decisions/0057).
#include <spdlog/spdlog.h>

#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "shard/copy.h"
#include "shard/maintenance/old_row_reader.h"

namespace kith::shard {

// Also where the revision is known: what a call before this one changed may not be durable.
absl::Status Copy::SetFields(const SetFieldsCall& call) {
  KITH_RETURN_IF_ERROR(writer_.SetFields(call));
  KITH_RETURN_IF_ERROR(parts_->state->Flush());
  if (durable_fields_.exchange(call.revision) != call.revision) {
    spdlog::info("event=fields_changed shard={} revision={}", parts_->spec.shard, call.revision);
  }
  fields_.Post();
  return absl::OkStatus();
}

bool Copy::FieldsWait() const {
  const auto snapshot = parts_->snapshots.Pin();
  const FieldStates& fields = *snapshot->fields;
  return fields.FindUnbuilt() || fields.FindBuilt() || fields.FindState(FieldState::kDropping);
}

// One piece of what the fields wait for. What fails, as on a full disk, is tried again by the next
// tick.
bool Copy::ChangeFields() {
  if (options_.before_fields) options_.before_fields();
  if (closing_ || !FieldsWait()) return false;
  const absl::Status status = StepFields(*parts_->snapshots.Pin()->fields);
  const bool failed_before = fields_failed_.exchange(!status.ok());
  if (!status.ok()) {
    if (failed_before) return false;
    spdlog::warn("event=fields_wait shard={} error={}", parts_->spec.shard,
                 telemetry::LogValue(status.ToString()));
    return false;
  }
  return FieldsWait();
}

absl::Status Copy::StepFields(const FieldStates& fields) {
  if (const auto place = fields.FindState(FieldState::kDropping)) {
    memory_freed_ = true;
    return writer_.ReleaseField(*place);
  }
  if (const auto place = fields.FindUnbuilt()) {
    KITH_ASSIGN_OR_RETURN(const OldRows old, ReadOldRows(*parts_->state, fields, *place));
    return writer_.AddOldRows(old);
  }
  const auto place = fields.FindBuilt();
  if (!place.has_value()) return absl::OkStatus();
  // A coordinator that is told so forgets that it was being built: it must not come undone.
  KITH_RETURN_IF_ERROR(parts_->state->Flush());
  spdlog::info("event=field_indexed shard={} rows={}", parts_->spec.shard,
               fields.builds[*place].end);
  return writer_.FinishField(*place);
}

}  // namespace kith::shard
