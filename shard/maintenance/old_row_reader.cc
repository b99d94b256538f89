#include "shard/maintenance/old_row_reader.h"

#include <utility>

#include "common/payload/payload_values.h"

namespace kith::shard {
namespace {

constexpr size_t kRowsAtOnce = 1024;

OldRows::Row RowOf(const storage::RowRecord& record, const PayloadField& field) {
  OldRows::Row row{record.row, record.key, {}, true};
  FittingValues fitting = ReadFittingValues(record.payload, {field});
  row.fits = fitting.misfits.none();
  for (IndexedValue& value : fitting.values) row.values.push_back(std::move(value.value));
  return row;
}

}  // namespace

absl::StatusOr<OldRows> ReadOldRows(storage::StateStore& state, const FieldStates& fields,
                                    uint16_t place) {
  const FieldBuild& build = fields.builds[place];
  OldRows read{place, fields.schema[place], build.next, build.end, {}};
  const absl::Status status =
      state.ForEachRow(build.next, [&](const storage::RowRecord& record) -> absl::Status {
        if (record.row >= build.end) return absl::CancelledError();
        if (read.rows.size() == kRowsAtOnce) {
          read.end = record.row;
          return absl::CancelledError();
        }
        read.rows.push_back(RowOf(record, read.field));
        return absl::OkStatus();
      });
  if (!status.ok() && !absl::IsCancelled(status)) return status;
  return read;
}

}  // namespace kith::shard
