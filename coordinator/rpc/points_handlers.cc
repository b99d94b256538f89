#include "coordinator/rpc/points_handlers.h"

#include <fmt/format.h>

#include <algorithm>
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

// What a write came to, into its response.
auto Answering(v1::DeletePointsResponse* response, FinishCall finish) {
  return [response, finish = std::move(finish)](auto answer) mutable {
    if (answer.ok()) DeletedToProto(*answer, response);
    finish(answer.status());
  };
}

auto Answering(v1::ChangePayloadResponse* response, FinishCall finish) {
  return [response, finish = std::move(finish)](auto answer) mutable {
    if (answer.ok()) ChangedToProto(*answer, response);
    finish(answer.status());
  };
}

void SampleToProto(const ScrollPage& page, v1::DeletePointsResponse* response) {
  for (const ScrollReply& part : page.parts) {
    for (size_t at = 0; at < part.keys.size(); at += PointKey::kSize) {
      KeyToProto(PointKey::FromBytes(part.keys.data() + at), response->add_sample());
    }
  }
}

}  // namespace

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

grpc::ServerBidiReactor<v1::StreamUpsertRequest, v1::StreamUpsertResponse>*
PointsHandlers::StreamUpsert(grpc::CallbackServerContext* context) {
  return new UpsertStream({services_.write, calls_, services_.stream_stall}, context);
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
        absl::StatusOr<DeleteChoice> choice = DeleteFromProto(*request);
        if (!choice.ok()) return finish(choice.status());
        if (auto* erase = std::get_if<DeleteCall>(&*choice)) {
          erase->deadline = call.deadline;
          return services_.write.Delete(*erase, Answering(response, std::move(finish)));
        }
        auto& selected = std::get<SelectedWriteCall>(*choice);
        selected.deadline = call.deadline;
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
        services_.scroll.Scroll(page, [response, finish = std::move(finish)](auto found) mutable {
          if (found.ok()) SampleToProto(*found, response);
          finish(found.status());
        });
      });
}

void PointsHandlers::Change(ChangeChoice choice, std::optional<Deadline> deadline,
                            v1::ChangePayloadResponse* response, FinishCall finish) const {
  if (auto* by_ids = std::get_if<ChangePayloadCall>(&choice)) {
    by_ids->deadline = deadline;
    return services_.write.ChangePayload(*by_ids, Answering(response, std::move(finish)));
  }
  auto& selected = std::get<SelectedWriteCall>(choice);
  selected.deadline = deadline;
  services_.write.WriteSelected(selected, Answering(response, std::move(finish)));
}

grpc::ServerUnaryReactor* PointsHandlers::SetPayload(grpc::CallbackServerContext* context,
                                                     const v1::SetPayloadRequest* request,
                                                     v1::ChangePayloadResponse* response) {
  return calls_.Async("SetPayload", context, request,
                      [=, this](const CallContext& call, FinishCall finish) {
                        absl::StatusOr<ChangeChoice> choice = ChangeFromProto(*request);
                        if (!choice.ok()) return finish(choice.status());
                        Change(*std::move(choice), call.deadline, response, std::move(finish));
                      });
}

grpc::ServerUnaryReactor* PointsHandlers::ClearPayload(grpc::CallbackServerContext* context,
                                                       const v1::ClearPayloadRequest* request,
                                                       v1::ChangePayloadResponse* response) {
  return calls_.Async("ClearPayload", context, request,
                      [=, this](const CallContext& call, FinishCall finish) {
                        absl::StatusOr<ChangeChoice> choice = ChangeFromProto(*request);
                        if (!choice.ok()) return finish(choice.status());
                        Change(*std::move(choice), call.deadline, response, std::move(finish));
                      });
}

grpc::ServerUnaryReactor* PointsHandlers::FacetPoints(grpc::CallbackServerContext* context,
                                                      const v1::FacetPointsRequest* request,
                                                      v1::FacetPointsResponse* response) {
  return calls_.Async(
      "FacetPoints", context, request, [=, this](const CallContext& call, FinishCall finish) {
        absl::StatusOr<FacetPointsCall> facet = FacetFromProto(*request);
        if (!facet.ok()) return finish(facet.status());
        facet->deadline = call.deadline;
        services_.get.Facet(*facet, [response, finish = std::move(finish)](auto answer) mutable {
          if (answer.ok()) FacetToProto(*answer, response);
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
