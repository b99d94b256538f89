#ifndef KITH_COORDINATOR_RPC_OPERATION_ACCESS_H_
#define KITH_COORDINATOR_RPC_OPERATION_ACCESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/rpc/unary_handler.h"
#include "coordinator/admin/operations.h"

namespace kith::coordinator::rpc {

// The operation, where the caller may read its collection. One of a collection that is not the
// caller's is as if there were none: NOT_FOUND OPERATION_NOT_FOUND.
absl::StatusOr<Operation> FindOperation(Operations& operations, const std::string& id,
                                        const kith::rpc::CallContext& call);

// What the method that starts operations of its kind asks for: whoever may start one may end one.
auth::Role RoleToStart(const Operation& operation);

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_OPERATION_ACCESS_H_
