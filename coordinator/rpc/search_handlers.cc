#include "coordinator/rpc/search_handlers.h"

#include <utility>

#include "coordinator/rpc/search_messages.h"

namespace kith::coordinator::rpc {

using kith::rpc::CallContext;
using kith::rpc::FinishCall;

grpc::ServerUnaryReactor* SearchHandlers::Search(grpc::CallbackServerContext* context,
                                                 const v1::SearchRequest* request,
                                                 v1::SearchResponse* response) {
  return calls_.Async(
      "Search", context, request, [=, this](const CallContext& call, FinishCall finish) {
        absl::StatusOr<SearchQuery> query = QueryFromProto(*request);
        if (!query.ok()) return finish(query.status());
        query->deadline = call.deadline;
        query->cancelled = call.cancelled;
        service_.Search(*query, [response, finish = std::move(finish)](auto answer) mutable {
          if (answer.ok()) AnswerToProto(*answer, response);
          finish(answer.status());
        });
      });
}

grpc::ServerUnaryReactor* SearchHandlers::SearchBatch(grpc::CallbackServerContext* context,
                                                      const v1::SearchBatchRequest* request,
                                                      v1::SearchBatchResponse* response) {
  return calls_.Async(
      "SearchBatch", context, request, [=, this](const CallContext& call, FinishCall finish) {
        absl::StatusOr<SearchQuery> query = QueryFromProto(*request);
        if (!query.ok()) return finish(query.status());
        query->deadline = call.deadline;
        query->cancelled = call.cancelled;
        service_.Search(*query, [response, finish = std::move(finish)](auto answer) mutable {
          if (answer.ok()) AnswerToProto(*std::move(answer), response);
          finish(answer.status());
        });
      });
}

}  // namespace kith::coordinator::rpc
