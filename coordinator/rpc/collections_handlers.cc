#include "coordinator/rpc/collections_handlers.h"

#include <vector>

#include "common/base/status.h"
#include "coordinator/rpc/collection_messages.h"
#include "coordinator/rpc/index_version_messages.h"

namespace kith::coordinator::rpc {

using auth::Role;
using kith::rpc::CallContext;

namespace {

// When the caller stops waiting.
Deadline UntilOf(const CallContext& call) { return call.deadline.value_or(Deadline::max()); }

}  // namespace

grpc::ServerUnaryReactor* CollectionsHandlers::CreateCollection(
    grpc::CallbackServerContext* context, const v1::CreateCollectionRequest* request,
    v1::Collection* response) {
  return calls_.Blocking("CreateCollection", context, request, [=, this](const CallContext& call) {
    const auto view = services_.collections.Create(CreateFromProto(*request), UntilOf(call));
    if (view.ok()) CollectionToProto(*view, response);
    return view.status();
  });
}

grpc::ServerUnaryReactor* CollectionsHandlers::PlanCollection(
    grpc::CallbackServerContext* context, const v1::PlanCollectionRequest* request,
    v1::PlanCollectionResponse* response) {
  return calls_.Blocking("PlanCollection", context, request, [=, this](const CallContext& call) {
    const auto plan = services_.collections.Plan(PlanFromProto(*request), UntilOf(call));
    if (plan.ok()) PlanToProto(*plan, response);
    return plan.status();
  });
}

grpc::ServerUnaryReactor* CollectionsHandlers::GetCollection(
    grpc::CallbackServerContext* context, const v1::GetCollectionRequest* request,
    v1::Collection* response) {
  return calls_.Blocking("GetCollection", context, request, [=, this](const CallContext& call) {
    const auto view = services_.collections.Get(request->collection(), UntilOf(call));
    if (view.ok()) CollectionToProto(*view, response);
    return view.status();
  });
}

grpc::ServerUnaryReactor* CollectionsHandlers::ListCollections(
    grpc::CallbackServerContext* context, const v1::ListCollectionsRequest* request,
    v1::ListCollectionsResponse* response) {
  return calls_.Blocking("ListCollections", context, request, [=, this](const CallContext& call) {
    const auto views = services_.collections.List(UntilOf(call));
    if (!views.ok()) return views.status();
    for (const CollectionView& view : *views) {
      if (!call.May(Role::kRead, view.record.name)) continue;
      CollectionToProto(view, response->add_collections());
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* CollectionsHandlers::DeleteCollection(
    grpc::CallbackServerContext* context, const v1::DeleteCollectionRequest* request,
    v1::DeleteCollectionResponse*) {
  return calls_.Blocking("DeleteCollection", context, request, [=, this](const CallContext& call) {
    return services_.collections.Delete(request->collection(), UntilOf(call));
  });
}

grpc::ServerUnaryReactor* CollectionsHandlers::TrainIndex(grpc::CallbackServerContext* context,
                                                          const v1::TrainIndexRequest* request,
                                                          v1::Operation* response) {
  return calls_.Blocking("TrainIndex", context, request, [=, this](const CallContext& call) {
    const auto operation = services_.training.Start(TrainFromProto(*request), UntilOf(call));
    if (operation.ok()) OperationToProto(*operation, response);
    return operation.status();
  });
}

grpc::ServerUnaryReactor* CollectionsHandlers::VerifyCollection(
    grpc::CallbackServerContext* context, const v1::VerifyCollectionRequest* request,
    v1::VerifyCollectionResponse* response) {
  return calls_.Blocking("VerifyCollection", context, request, [=, this](const CallContext& call) {
    const auto shards = services_.collections.Verify(request->collection(), UntilOf(call));
    if (shards.ok()) VerificationsToProto(*shards, response);
    return shards.status();
  });
}

grpc::ServerUnaryReactor* CollectionsHandlers::ListIndexVersions(
    grpc::CallbackServerContext* context, const v1::ListIndexVersionsRequest* request,
    v1::ListIndexVersionsResponse* response) {
  return calls_.Blocking("ListIndexVersions", context, request, [=, this](const CallContext& call) {
    const auto views = services_.versions.List(request->collection(), UntilOf(call));
    if (views.ok()) VersionsToProto(*views, response);
    return views.status();
  });
}

grpc::ServerUnaryReactor* CollectionsHandlers::PromoteIndexVersion(
    grpc::CallbackServerContext* context, const v1::PromoteIndexVersionRequest* request,
    v1::ListIndexVersionsResponse* response) {
  return calls_.Blocking(
      "PromoteIndexVersion", context, request, [=, this](const CallContext& call) {
        const auto views =
            services_.versions.Promote(request->collection(), request->version(), UntilOf(call));
        if (views.ok()) VersionsToProto(*views, response);
        return views.status();
      });
}

grpc::ServerUnaryReactor* CollectionsHandlers::RollbackIndexVersion(
    grpc::CallbackServerContext* context, const v1::RollbackIndexVersionRequest* request,
    v1::ListIndexVersionsResponse* response) {
  return calls_.Blocking(
      "RollbackIndexVersion", context, request, [=, this](const CallContext& call) {
        const auto views = services_.versions.Rollback(request->collection(), UntilOf(call));
        if (views.ok()) VersionsToProto(*views, response);
        return views.status();
      });
}

grpc::ServerUnaryReactor* CollectionsHandlers::DropIndexVersion(
    grpc::CallbackServerContext* context, const v1::DropIndexVersionRequest* request,
    v1::ListIndexVersionsResponse* response) {
  return calls_.Blocking("DropIndexVersion", context, request, [=, this](const CallContext& call) {
    const auto views =
        services_.versions.Drop(request->collection(), request->version(), UntilOf(call));
    if (views.ok()) VersionsToProto(*views, response);
    return views.status();
  });
}

}  // namespace kith::coordinator::rpc
