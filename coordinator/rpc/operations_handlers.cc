#include "coordinator/rpc/operations_handlers.h"

#include "coordinator/rpc/collection_messages.h"

namespace kith::coordinator::rpc {

using kith::rpc::CallContext;
using kith::rpc::FinishCall;

// Looking at the registry does not block, so a busy admin executor hides no operation's progress.
grpc::ServerUnaryReactor* OperationsHandlers::GetOperation(grpc::CallbackServerContext* context,
                                                           const v1::GetOperationRequest* request,
                                                           v1::Operation* response) {
  return calls_.Async("GetOperation", context, [=, this](const CallContext&, FinishCall finish) {
    const auto operation = operations_.Get(request->id());
    if (operation.ok()) OperationToProto(*operation, response);
    finish(operation.status());
  });
}

grpc::ServerUnaryReactor* OperationsHandlers::ListOperations(
    grpc::CallbackServerContext* context, const v1::ListOperationsRequest* request,
    v1::ListOperationsResponse* response) {
  return calls_.Async("ListOperations", context, [=, this](const CallContext&, FinishCall finish) {
    for (const Operation& operation : operations_.List(map_.Resolve(request->collection()))) {
      OperationToProto(operation, response->add_operations());
    }
    finish(absl::OkStatus());
  });
}

grpc::ServerUnaryReactor* OperationsHandlers::CancelOperation(
    grpc::CallbackServerContext* context, const v1::GetOperationRequest* request,
    v1::Operation* response) {
  return calls_.Async("CancelOperation", context, [=, this](const CallContext&, FinishCall finish) {
    const auto operation = operations_.Cancel(request->id());
    if (operation.ok()) OperationToProto(*operation, response);
    finish(operation.status());
  });
}

}  // namespace kith::coordinator::rpc
