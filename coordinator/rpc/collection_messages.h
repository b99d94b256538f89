#ifndef KITH_COORDINATOR_RPC_COLLECTION_MESSAGES_H_
#define KITH_COORDINATOR_RPC_COLLECTION_MESSAGES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/admin/collection_service.h"
#include "coordinator/admin/index_version_service.h"
#include "coordinator/admin/operations.h"
#include "coordinator/admin/payload_index_service.h"
#include "coordinator/admin/training/train_service.h"
#include "kith/v1/collections.pb.h"
#include "kith/v1/operations.pb.h"

// kith.v1.Collections and Operations between messages and the plain structs. An enum value that
// this server does not know becomes 0, which the services refuse by name.
namespace kith::coordinator::rpc {

CreateCollectionCall CreateFromProto(const v1::CreateCollectionRequest& request);
PlanCollectionCall PlanFromProto(const v1::PlanCollectionRequest& request);
// INVALID_ARGUMENT BAD_REQUEST for a path of update_mask that is none, or that does not change.
absl::StatusOr<UpdateCollectionCall> UpdateFromProto(const v1::UpdateCollectionRequest& request);
std::vector<AliasChange> AliasChangesFromProto(const v1::ChangeAliasesRequest& request);
void AliasesToProto(const Aliases& aliases, v1::ListAliasesResponse* to);
PayloadIndexCall PayloadIndexFromProto(const v1::CreatePayloadIndexRequest& request);
TrainCall TrainFromProto(const v1::TrainIndexRequest& request);

void CollectionToProto(const CollectionView& view, v1::Collection* to);
void VerificationsToProto(const std::vector<ShardVerification>& verifications,
                          v1::VerifyCollectionResponse* to);
void PlanToProto(const CollectionPlan& plan, v1::PlanCollectionResponse* to);
void OperationToProto(const Operation& operation, v1::Operation* to);

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_COLLECTION_MESSAGES_H_
