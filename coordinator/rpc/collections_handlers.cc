#include "coordinator/rpc/collections_handlers.h"

#include <vector>

#include "common/base/status.h"
#include "coordinator/admin/collection_shape.h"
#include "coordinator/rpc/collection_messages.h"
#include "coordinator/rpc/index_version_messages.h"

namespace kith::coordinator::rpc {

using auth::Role;
using kith::rpc::CallContext;

namespace {

// When the caller stops waiting.
Deadline UntilOf(const CallContext& call) { return call.deadline.value_or(Deadline::max()); }

// Those of collections that the caller may read.
absl::Status ShowAliases(absl::StatusOr<Aliases> aliases, const CallContext& call,
                         v1::ListAliasesResponse* response) {
  if (!aliases.ok()) return aliases.status();
  std::erase_if(*aliases, [&](const auto& alias) { return !call.May(Role::kRead, alias.second); });
  AliasesToProto(*aliases, response);
  return absl::OkStatus();
}

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
    return services_.collections.Delete(request->collection(), UntilOf(call), request->etag());
  });
}

grpc::ServerUnaryReactor* CollectionsHandlers::UpdateCollection(
    grpc::CallbackServerContext* context, const v1::UpdateCollectionRequest* request,
    v1::Collection* response) {
  return calls_.Blocking(
      "UpdateCollection", context, request, [=, this](const CallContext& call) -> absl::Status {
        KITH_ASSIGN_OR_RETURN(const UpdateCollectionCall update, UpdateFromProto(*request));
        KITH_ASSIGN_OR_RETURN(const CollectionView view,
                              services_.collections.Update(update, UntilOf(call)));
        CollectionToProto(view, response);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* CollectionsHandlers::SetAlias(grpc::CallbackServerContext* context,
                                                        const v1::SetAliasRequest* request,
                                                        v1::ListAliasesResponse* response) {
  return calls_.Blocking("SetAlias", context, request, [=, this](const CallContext& call) {
    // An empty name would delete the alias.
    const absl::Status named = CheckName(request->collection());
    if (!named.ok()) return named;
    return ShowAliases(
        services_.collections.ChangeAliases({{request->alias(), request->collection()}}), call,
        response);
  });
}

grpc::ServerUnaryReactor* CollectionsHandlers::DeleteAlias(grpc::CallbackServerContext* context,
                                                           const v1::DeleteAliasRequest* request,
                                                           v1::ListAliasesResponse* response) {
  return calls_.Blocking("DeleteAlias", context, request, [=, this](const CallContext& call) {
    return ShowAliases(services_.collections.ChangeAliases({{request->alias(), ""}}), call,
                       response);
  });
}

grpc::ServerUnaryReactor* CollectionsHandlers::ChangeAliases(
    grpc::CallbackServerContext* context, const v1::ChangeAliasesRequest* request,
    v1::ListAliasesResponse* response) {
  return calls_.Blocking("ChangeAliases", context, request, [=, this](const CallContext& call) {
    return ShowAliases(services_.collections.ChangeAliases(AliasChangesFromProto(*request)), call,
                       response);
  });
}

grpc::ServerUnaryReactor* CollectionsHandlers::ListAliases(grpc::CallbackServerContext* context,
                                                           const v1::ListAliasesRequest* request,
                                                           v1::ListAliasesResponse* response) {
  return calls_.Blocking("ListAliases", context, request, [=, this](const CallContext& call) {
    return ShowAliases(services_.collections.ListAliases(), call, response);
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

grpc::ServerUnaryReactor* CollectionsHandlers::CreatePayloadIndex(
    grpc::CallbackServerContext* context, const v1::CreatePayloadIndexRequest* request,
    v1::Operation* response) {
  return calls_.Blocking("CreatePayloadIndex", context, request, [=, this](const CallContext&) {
    const auto operation = services_.payload_indexes.Create(PayloadIndexFromProto(*request));
    if (operation.ok()) OperationToProto(*operation, response);
    return operation.status();
  });
}

grpc::ServerUnaryReactor* CollectionsHandlers::DeletePayloadIndex(
    grpc::CallbackServerContext* context, const v1::DeletePayloadIndexRequest* request,
    v1::Operation* response) {
  return calls_.Blocking("DeletePayloadIndex", context, request, [=, this](const CallContext&) {
    const auto operation =
        services_.payload_indexes.Delete({request->collection(), request->field()});
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
