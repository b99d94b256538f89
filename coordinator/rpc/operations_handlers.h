#ifndef KITH_COORDINATOR_RPC_OPERATIONS_HANDLERS_H_
#define KITH_COORDINATOR_RPC_OPERATIONS_HANDLERS_H_

#include "common/rpc/unary_handler.h"
#include "coordinator/admin/operations.h"
#include "coordinator/cluster/cluster_map.h"
#include "kith/v1/operations.grpc.pb.h"

namespace kith::coordinator::rpc {

// kith.v1.Operations: convert in, call, convert out. Threads: any.
class OperationsHandlers final : public v1::Operations::CallbackService {
 public:
  OperationsHandlers(Operations& operations, const ClusterMap& map,
                     const kith::rpc::UnaryCalls& calls)
      : operations_(operations), map_(map), calls_(calls) {}

  grpc::ServerUnaryReactor* GetOperation(grpc::CallbackServerContext* context,
                                         const v1::GetOperationRequest* request,
                                         v1::Operation* response) override;
  grpc::ServerUnaryReactor* ListOperations(grpc::CallbackServerContext* context,
                                           const v1::ListOperationsRequest* request,
                                           v1::ListOperationsResponse* response) override;
  grpc::ServerUnaryReactor* CancelOperation(grpc::CallbackServerContext* context,
                                            const v1::GetOperationRequest* request,
                                            v1::Operation* response) override;

 private:
  absl::StatusOr<Operation> Cancel(const std::string& id, const kith::rpc::CallContext& call) const;

  Operations& operations_;
  const ClusterMap& map_;  // for the aliases
  const kith::rpc::UnaryCalls& calls_;
};

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_OPERATIONS_HANDLERS_H_
