#include "coordinator/rpc/operation_access.h"

namespace kith::coordinator::rpc {

absl::StatusOr<Operation> FindOperation(Operations& operations, const std::string& id,
                                        const kith::rpc::CallContext& call) {
  absl::StatusOr<Operation> operation = operations.Get(id);
  if (operation.ok() && !call.May(auth::Role::kRead, operation->collection)) return NoOperation(id);
  return operation;
}

auth::Role RoleToStart(const Operation& operation) {
  return operation.kind == kDuplicatesKind ? auth::Role::kRead : auth::Role::kAdmin;
}

}  // namespace kith::coordinator::rpc
