#ifndef KITH_COORDINATOR_ADMIN_PAYLOAD_FIELDS_H_
#define KITH_COORDINATOR_ADMIN_PAYLOAD_FIELDS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/meta/meta_store.h"
#include "coordinator/admin/catalog.h"
#include "coordinator/admin/shard_steps.h"

// Indexed fields that come and go while a collection is there (docs/decisions/0057). The record
// says what is wanted, the shards are told until they have it, and then the record says so: each
// step can be made again, by whoever comes next.
namespace kith::coordinator {

// Pure changes of a record. Adding a field that is there with the same type changes nothing.
// INVALID_ARGUMENT BAD_REQUEST; ALREADY_EXISTS PAYLOAD_INDEX_EXISTS for another type; ABORTED
// OPERATION_IN_PROGRESS where the field is still being dropped.
absl::Status AddField(CollectionRecord& record, const PayloadField& field);
// NOT_FOUND PAYLOAD_INDEX_NOT_FOUND. One that is being dropped stays so.
absl::Status DropField(CollectionRecord& record, const std::string& field);
// The field of that name, whatever its state; null: none.
const PayloadField* FieldNamed(const CollectionRecord& record, const std::string& name);

// A field waits, or a shard knows less than the record.
bool NeedsFieldStep(const CollectionRecord& record, const std::vector<ShardSurvey>& surveys);

struct FieldStep {
  CollectionRecord record;                     // as the step left it
  std::map<std::string, double> built;         // the share of each field that is being built
  std::map<std::string, absl::Status> misfit;  // why fields were given up in this step
};

// One step: tells each shard what it does not know yet, looks how far they are, and changes the
// record where all of them are: what is built is ready, what does not fit is dropped, and what all
// have let go of is gone. The first error of a shard where one could not be asked; the others were.
// At most one step of a collection at a time.
absl::StatusOr<FieldStep> StepFields(Catalog& catalog, const CollectionRecord& record);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_PAYLOAD_FIELDS_H_
