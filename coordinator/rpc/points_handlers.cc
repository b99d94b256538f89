#include "coordinator/rpc/points_handlers.h"

#include <utility>

#include "coordinator/rpc/point_messages.h"

namespace kith::coordinator::rpc {

using kith::rpc::CallContext;
using kith::rpc::FinishCall;

grpc::ServerUnaryReactor* PointsHandlers::Upsert(grpc::CallbackServerContext* context,
                                                 const v1::UpsertRequest* request,
                                                 v1::UpsertResponse* response) {
  return calls_.Async("Upsert", context, request,
                      [=, this](const CallContext& call, FinishCall finish) {
                        absl::StatusOr<UpsertCall> upsert = UpsertFromProto(*request);
                        if (!upsert.ok()) return finish(upsert.status());
                        upsert->deadline = call.deadline;
                        services_.write.Upsert(
                            *upsert, [response, finish = std::move(finish)](auto answer) mutable {
                              if (answer.ok()) UpsertToProto(*answer, response);
                              finish(answer.status());
                            });
                      });
}

grpc::ServerUnaryReactor* PointsHandlers::GetPoints(grpc::CallbackServerContext* context,
                                                    const v1::GetPointsRequest* request,
                                                    v1::GetPointsResponse* response) {
  return calls_.Async(
      "GetPoints", context, request, [=, this](const CallContext& call, FinishCall finish) {
        absl::StatusOr<GetPointsCall> get = GetFromProto(*request);
        if (!get.ok()) return finish(get.status());
        get->deadline = call.deadline;
        services_.get.Get(
            *get, [response, keys = get->keys, finish = std::move(finish)](auto points) mutable {
              if (points.ok()) GetToProto(keys, *points, response);
              finish(points.status());
            });
      });
}

grpc::ServerUnaryReactor* PointsHandlers::DeletePoints(grpc::CallbackServerContext* context,
                                                       const v1::DeletePointsRequest* request,
                                                       v1::DeletePointsResponse* response) {
  return calls_.Async(
      "DeletePoints", context, request, [=, this](const CallContext& call, FinishCall finish) {
        auto keys = KeysFromProto(request->ids(), "ids");
        if (!keys.ok()) return finish(keys.status());
        const DeleteCall erase = {request->collection(), *std::move(keys), request->request_id(),
                                  call.deadline};
        services_.write.Delete(erase, [response, finish = std::move(finish)](auto answer) mutable {
          if (answer.ok()) {
            response->set_deleted(answer->deleted);
            TokensToProto(answer->tokens, response->mutable_tokens());
          }
          finish(answer.status());
        });
      });
}

grpc::ServerUnaryReactor* PointsHandlers::CountPoints(grpc::CallbackServerContext* context,
                                                      const v1::CountPointsRequest* request,
                                                      v1::CountPointsResponse* response) {
  return calls_.Async(
      "CountPoints", context, request, [=, this](const CallContext& call, FinishCall finish) {
        if (const absl::Status known = CheckKnown(*request); !known.ok()) return finish(known);
        auto count_call = CountFromProto(*request);
        if (!count_call.ok()) return finish(count_call.status());
        count_call->deadline = call.deadline;
        services_.get.Count(*count_call,
                            [response, finish = std::move(finish)](auto count) mutable {
                              if (count.ok()) response->set_count(*count);
                              finish(count.status());
                            });
      });
}

grpc::ServerUnaryReactor* PointsHandlers::ScrollPoints(grpc::CallbackServerContext* context,
                                                       const v1::ScrollPointsRequest* request,
                                                       v1::ScrollPointsResponse* response) {
  return calls_.Async(
      "ScrollPoints", context, request, [=, this](const CallContext& call, FinishCall finish) {
        absl::StatusOr<ScrollPointsCall> scroll = ScrollFromProto(*request);
        if (!scroll.ok()) return finish(scroll.status());
        scroll->deadline = call.deadline;
        services_.scroll.Scroll(*scroll, [response, finish = std::move(finish)](auto page) mutable {
          if (page.ok()) ScrollToProto(*page, response);
          finish(page.status());
        });
      });
}

}  // namespace kith::coordinator::rpc
