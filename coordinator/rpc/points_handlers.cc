#include "coordinator/rpc/points_handlers.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/rpc/payload_messages.h"
#include "coordinator/rpc/point_messages.h"
#include "coordinator/rpc/upsert_stream.h"

namespace kith::coordinator::rpc {

using kith::rpc::CallContext;
using kith::rpc::FinishCall;

namespace {

template <typename Call>
void SetDeadline(Call& call, std::optional<Deadline> deadline) {
  call.deadline = deadline;
}

template <typename... Calls>
void SetDeadline(std::variant<Calls...>& choice, std::optional<Deadline> deadline) {
  std::visit([deadline](auto& call) { call.deadline = deadline; }, choice);
}

// What a call came to, into its response.
template <typename Response>
auto Answering(Response* response, FinishCall finish) {
  return [response, finish = std::move(finish)](auto answer) mutable {
    if (answer.ok()) ToProto(*answer, response);
    finish(answer.status());
  };
}

}  // namespace

template <typename Request, typename Send>
grpc::ServerUnaryReactor* PointsHandlers::Ask(const char* method,
                                              grpc::CallbackServerContext* context,
                                              const Request* request, Send send) {
  return calls_.Async(method, context, request,
                      [request, send](const CallContext& call, FinishCall finish) {
                        auto asked = FromProto(*request);
                        if (!asked.ok()) return finish(asked.status());
                        SetDeadline(*asked, call.deadline);
                        send(*asked, std::move(finish));
                      });
}

grpc::ServerUnaryReactor* PointsHandlers::Upsert(grpc::CallbackServerContext* context,
                                                 const v1::UpsertRequest* request,
                                                 v1::UpsertResponse* response) {
  return Ask("Upsert", context, request, [=, this](const UpsertCall& call, FinishCall finish) {
    services_.write.Upsert(call, Answering(response, std::move(finish)));
  });
}

grpc::ServerBidiReactor<v1::StreamUpsertRequest, v1::StreamUpsertResponse>*
PointsHandlers::StreamUpsert(grpc::CallbackServerContext* context) {
  return new UpsertStream({services_.write, calls_, services_.stream_stall}, context);
}

grpc::ServerUnaryReactor* PointsHandlers::GetPoints(grpc::CallbackServerContext* context,
                                                    const v1::GetPointsRequest* request,
                                                    v1::GetPointsResponse* response) {
  return Ask(
      "GetPoints", context, request, [=, this](const GetPointsCall& call, FinishCall finish) {
        services_.get.Get(
            call, [response, keys = call.keys, finish = std::move(finish)](auto points) mutable {
              if (points.ok()) GetToProto(keys, *points, response);
              finish(points.status());
            });
      });
}

grpc::ServerUnaryReactor* PointsHandlers::DeletePoints(grpc::CallbackServerContext* context,
                                                       const v1::DeletePointsRequest* request,
                                                       v1::DeletePointsResponse* response) {
  return Ask("DeletePoints", context, request,
             [=, this](const DeleteChoice& choice, FinishCall finish) {
               if (const auto* by_ids = std::get_if<DeleteCall>(&choice)) {
                 return services_.write.Delete(*by_ids, Answering(response, std::move(finish)));
               }
               const auto& selected = std::get<SelectedWriteCall>(choice);
               if (request->dry_run()) {
                 const uint32_t sample =
                     request->has_sample() ? request->sample() : limits::kSampleDefault;
                 return DryRun(selected, sample, response, std::move(finish));
               }
               services_.write.WriteSelected(selected, Answering(response, std::move(finish)));
             });
}

void PointsHandlers::DryRun(const SelectedWriteCall& call, uint32_t sample,
                            v1::DeletePointsResponse* response, FinishCall finish) const {
  if (sample > limits::kSampleMax) {
    return finish(FieldError("sample", reason::kLimitOutOfRange,
                             fmt::format("is {}, must be at most {}", sample, limits::kSampleMax)));
  }
  if (!call.page_token.empty()) {
    return finish(FieldError("page_token", reason::kBadRequest, "a dry run has no pages"));
  }
  ScrollPointsCall page;
  page.collection = call.collection;
  page.limit = std::max(sample, 1u);
  page.deadline = call.deadline;
  page.filter = call.filter;
  services_.get.Count(
      {call.collection, call.filter, call.deadline},
      [this, page, sample, response, finish = std::move(finish)](auto count) mutable {
        if (!count.ok() || sample == 0 || *count == 0) {
          if (count.ok()) response->set_deleted(*count);
          return finish(count.status());
        }
        response->set_deleted(*count);
        services_.scroll.Scroll(page, Answering(response, std::move(finish)));
      });
}

void PointsHandlers::Change(const ChangeChoice& choice, v1::ChangePayloadResponse* response,
                            FinishCall finish) const {
  if (const auto* by_ids = std::get_if<ChangePayloadCall>(&choice)) {
    return services_.write.ChangePayload(*by_ids, Answering(response, std::move(finish)));
  }
  services_.write.WriteSelected(std::get<SelectedWriteCall>(choice),
                                Answering(response, std::move(finish)));
}

grpc::ServerUnaryReactor* PointsHandlers::SetPayload(grpc::CallbackServerContext* context,
                                                     const v1::SetPayloadRequest* request,
                                                     v1::ChangePayloadResponse* response) {
  return Ask("SetPayload", context, request,
             [=, this](const ChangeChoice& choice, FinishCall finish) {
               Change(choice, response, std::move(finish));
             });
}

grpc::ServerUnaryReactor* PointsHandlers::ClearPayload(grpc::CallbackServerContext* context,
                                                       const v1::ClearPayloadRequest* request,
                                                       v1::ChangePayloadResponse* response) {
  return Ask("ClearPayload", context, request,
             [=, this](const ChangeChoice& choice, FinishCall finish) {
               Change(choice, response, std::move(finish));
             });
}

grpc::ServerUnaryReactor* PointsHandlers::FacetPoints(grpc::CallbackServerContext* context,
                                                      const v1::FacetPointsRequest* request,
                                                      v1::FacetPointsResponse* response) {
  return Ask("FacetPoints", context, request,
             [=, this](const FacetPointsCall& call, FinishCall finish) {
               services_.get.Facet(call, Answering(response, std::move(finish)));
             });
}

grpc::ServerUnaryReactor* PointsHandlers::CountPoints(grpc::CallbackServerContext* context,
                                                      const v1::CountPointsRequest* request,
                                                      v1::CountPointsResponse* response) {
  return Ask("CountPoints", context, request, [=, this](const CountCall& call, FinishCall finish) {
    services_.get.Count(call, Answering(response, std::move(finish)));
  });
}

grpc::ServerUnaryReactor* PointsHandlers::ScrollPoints(grpc::CallbackServerContext* context,
                                                       const v1::ScrollPointsRequest* request,
                                                       v1::ScrollPointsResponse* response) {
  return Ask("ScrollPoints", context, request,
             [=, this](const ScrollPointsCall& call, FinishCall finish) {
               services_.scroll.Scroll(call, Answering(response, std::move(finish)));
             });
}

}  // namespace kith::coordinator::rpc
