#ifndef KITH_COORDINATOR_RPC_COLLECTIONS_HANDLERS_H_
#define KITH_COORDINATOR_RPC_COLLECTIONS_HANDLERS_H_

#include "common/rpc/unary_handler.h"
#include "coordinator/admin/collection_service.h"
#include "coordinator/admin/index_version_service.h"
#include "coordinator/admin/payload_index_service.h"
#include "coordinator/admin/training/train_service.h"
#include "kith/v1/collections.grpc.pb.h"

namespace kith::coordinator::rpc {

// kith.v1.Collections: convert in, call on an admin thread, convert out. Threads: any.
class CollectionsHandlers final : public v1::Collections::CallbackService {
 public:
  struct Services {
    CollectionService& collections;
    TrainService& training;
    IndexVersionService& versions;
    PayloadIndexService& payload_indexes;
  };
  CollectionsHandlers(Services services, const kith::rpc::UnaryCalls& calls)
      : services_(services), calls_(calls) {}

  grpc::ServerUnaryReactor* CreateCollection(grpc::CallbackServerContext* context,
                                             const v1::CreateCollectionRequest* request,
                                             v1::Collection* response) override;
  grpc::ServerUnaryReactor* PlanCollection(grpc::CallbackServerContext* context,
                                           const v1::PlanCollectionRequest* request,
                                           v1::PlanCollectionResponse* response) override;
  grpc::ServerUnaryReactor* GetCollection(grpc::CallbackServerContext* context,
                                          const v1::GetCollectionRequest* request,
                                          v1::Collection* response) override;
  grpc::ServerUnaryReactor* ListCollections(grpc::CallbackServerContext* context,
                                            const v1::ListCollectionsRequest* request,
                                            v1::ListCollectionsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteCollection(grpc::CallbackServerContext* context,
                                             const v1::DeleteCollectionRequest* request,
                                             v1::DeleteCollectionResponse* response) override;
  grpc::ServerUnaryReactor* UpdateCollection(grpc::CallbackServerContext* context,
                                             const v1::UpdateCollectionRequest* request,
                                             v1::Collection* response) override;
  grpc::ServerUnaryReactor* SetAlias(grpc::CallbackServerContext* context,
                                     const v1::SetAliasRequest* request,
                                     v1::ListAliasesResponse* response) override;
  grpc::ServerUnaryReactor* DeleteAlias(grpc::CallbackServerContext* context,
                                        const v1::DeleteAliasRequest* request,
                                        v1::ListAliasesResponse* response) override;
  grpc::ServerUnaryReactor* ChangeAliases(grpc::CallbackServerContext* context,
                                          const v1::ChangeAliasesRequest* request,
                                          v1::ListAliasesResponse* response) override;
  grpc::ServerUnaryReactor* ListAliases(grpc::CallbackServerContext* context,
                                        const v1::ListAliasesRequest* request,
                                        v1::ListAliasesResponse* response) override;
  grpc::ServerUnaryReactor* TrainIndex(grpc::CallbackServerContext* context,
                                       const v1::TrainIndexRequest* request,
                                       v1::Operation* response) override;
  grpc::ServerUnaryReactor* VerifyCollection(grpc::CallbackServerContext* context,
                                             const v1::VerifyCollectionRequest* request,
                                             v1::VerifyCollectionResponse* response) override;
  grpc::ServerUnaryReactor* ListIndexVersions(grpc::CallbackServerContext* context,
                                              const v1::ListIndexVersionsRequest* request,
                                              v1::ListIndexVersionsResponse* response) override;
  grpc::ServerUnaryReactor* PromoteIndexVersion(grpc::CallbackServerContext* context,
                                                const v1::PromoteIndexVersionRequest* request,
                                                v1::ListIndexVersionsResponse* response) override;
  grpc::ServerUnaryReactor* RollbackIndexVersion(grpc::CallbackServerContext* context,
                                                 const v1::RollbackIndexVersionRequest* request,
                                                 v1::ListIndexVersionsResponse* response) override;
  grpc::ServerUnaryReactor* DropIndexVersion(grpc::CallbackServerContext* context,
                                             const v1::DropIndexVersionRequest* request,
                                             v1::ListIndexVersionsResponse* response) override;
  grpc::ServerUnaryReactor* CreatePayloadIndex(grpc::CallbackServerContext* context,
                                               const v1::CreatePayloadIndexRequest* request,
                                               v1::Operation* response) override;
  grpc::ServerUnaryReactor* DeletePayloadIndex(grpc::CallbackServerContext* context,
                                               const v1::DeletePayloadIndexRequest* request,
                                               v1::Operation* response) override;

 private:
  const Services services_;
  const kith::rpc::UnaryCalls& calls_;
};

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_COLLECTIONS_HANDLERS_H_
