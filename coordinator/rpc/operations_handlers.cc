#include "coordinator/rpc/operations_handlers.h"

#include "common/auth/reasons.h"
#include "common/base/status.h"
#include "coordinator/rpc/collection_messages.h"
#include "coordinator/rpc/operation_access.h"

namespace kith::coordinator::rpc {

using auth::Role;
using kith::rpc::CallContext;
using kith::rpc::FinishCall;

absl::StatusOr<Operation> OperationsHandlers::Cancel(const std::string& id,
                                                     const CallContext& call) const {
  KITH_ASSIGN_OR_RETURN(const Operation operation, FindOperation(operations_, id, call));
  const Role needed = RoleToStart(operation);
  if (call.May(needed, operation.collection)) return operations_.Cancel(id);
  return Error(absl::StatusCode::kPermissionDenied, reason::kKeyNotAdmin,
               "this key may not administer the collection of the operation");
}

// Looking at the registry does not block, so a busy admin executor hides no operation's progress.
grpc::ServerUnaryReactor* OperationsHandlers::GetOperation(grpc::CallbackServerContext* context,
                                                           const v1::GetOperationRequest* request,
                                                           v1::Operation* response) {
  return calls_.Async("GetOperation", context, request,
                      [=, this](const CallContext& call, FinishCall finish) {
                        const auto operation = FindOperation(operations_, request->id(), call);
                        if (operation.ok()) OperationToProto(*operation, response);
                        finish(operation.status());
                      });
}

grpc::ServerUnaryReactor* OperationsHandlers::ListOperations(
    grpc::CallbackServerContext* context, const v1::ListOperationsRequest* request,
    v1::ListOperationsResponse* response) {
  return calls_.Async(
      "ListOperations", context, request, [=, this](const CallContext& call, FinishCall finish) {
        for (const Operation& operation : operations_.List(map_.Resolve(request->collection()))) {
          if (!call.May(Role::kRead, operation.collection)) continue;
          OperationToProto(operation, response->add_operations());
        }
        finish(absl::OkStatus());
      });
}

grpc::ServerUnaryReactor* OperationsHandlers::CancelOperation(
    grpc::CallbackServerContext* context, const v1::GetOperationRequest* request,
    v1::Operation* response) {
  return calls_.Async("CancelOperation", context, request,
                      [=, this](const CallContext& call, FinishCall finish) {
                        const auto operation = Cancel(request->id(), call);
                        if (operation.ok()) OperationToProto(*operation, response);
                        finish(operation.status());
                      });
}

}  // namespace kith::coordinator::rpc
