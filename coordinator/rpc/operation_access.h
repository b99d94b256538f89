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

// The role for its collection with which one may end it: what starting one of its kind takes. For
// operations of no collection that is a role for all.
auth::Role RoleToStart(const Operation& operation);

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_OPERATION_ACCESS_H_
