#ifndef KITH_COORDINATOR_ADMIN_PAYLOAD_INDEX_SERVICE_H_
#define KITH_COORDINATOR_ADMIN_PAYLOAD_INDEX_SERVICE_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/executor.h"
#include "coordinator/admin/catalog.h"
#include "coordinator/admin/operations.h"

namespace kith::coordinator {

struct PayloadIndexCall {
  std::string collection;
  std::string field;
  FieldType type{};  // of one that is added; 0 where the request named none: refused
};

// Adds and drops indexed payload fields of a collection that is there, as operations of the kind
// "payload_index", one at a time a collection. An operation steps (payload_fields) and reports;
// what it leaves undone, because the process stops or a node does not answer for too long,
// reconciling finishes.
//
// Threads: any admin thread; calls block on the metadata.
class PayloadIndexService {
 public:
  PayloadIndexService(Catalog& catalog, Operations& operations)
      : catalog_(catalog), operations_(operations) {}

  // NOT_FOUND COLLECTION_NOT_FOUND; ABORTED OPERATION_IN_PROGRESS; RESOURCE_EXHAUSTED QUEUE_FULL;
  // UNAVAILABLE DRAINING; those of AddField. PAYLOAD_INDEX_MISFIT shows in the operation.
  // Cancelling it drops the field.
  absl::StatusOr<Operation> Create(const PayloadIndexCall& call);
  // The field is refused to filters when this returns. Likewise; those of DropField. Cancelling it
  // changes nothing.
  absl::StatusOr<Operation> Delete(const PayloadIndexCall& call);

  // After Operations::Close.
  void Stop() { jobs_.Stop(); }

 private:
  using Work = absl::AnyInvocable<void(const CollectionRecord&, RunningOperation&)>;
  absl::StatusOr<Operation> Start(const std::string& collection, const Catalog::Change& change,
                                  Work work);
  absl::Status RunCreate(CollectionRecord record, const std::string& field,
                         RunningOperation& operation);
  absl::Status RunDelete(CollectionRecord record, const std::string& field,
                         RunningOperation& operation);
  absl::Status GiveUp(const CollectionRecord& record, const std::string& field,
                      RunningOperation& operation, absl::Status why);

  Catalog& catalog_;
  Operations& operations_;
  Executor jobs_{{"kith-fields", 2, 8}};
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_PAYLOAD_INDEX_SERVICE_H_
