#include "coordinator/rpc/search_handlers.h"

#include <utility>

#include "common/base/limits.h"
#include "coordinator/rpc/collection_messages.h"
#include "coordinator/rpc/duplicate_messages.h"
#include "coordinator/rpc/operation_access.h"
#include "coordinator/rpc/search_messages.h"

namespace kith::coordinator::rpc {

using kith::rpc::CallContext;
using kith::rpc::FinishCall;

template <typename Request, typename Response>
grpc::ServerUnaryReactor* SearchHandlers::Ask(const char* method,
                                              grpc::CallbackServerContext* context,
                                              const Request* request, Response* response) {
  return calls_.Async(method, context, request,
                      [=, this](const CallContext& call, FinishCall finish) {
                        absl::StatusOr<SearchQuery> query = QueryFromProto(*request);
                        if (!query.ok()) return finish(query.status());
                        query->deadline = call.deadline;
                        query->cancelled = call.cancelled;
                        services_.search.Search(
                            *query, [response, finish = std::move(finish)](auto answer) mutable {
                              if (answer.ok()) AnswerToProto(*std::move(answer), response);
                              finish(answer.status());
                            });
                      });
}

grpc::ServerUnaryReactor* SearchHandlers::Search(grpc::CallbackServerContext* context,
                                                 const v1::SearchRequest* request,
                                                 v1::SearchResponse* response) {
  return Ask("Search", context, request, response);
}

grpc::ServerUnaryReactor* SearchHandlers::SearchBatch(grpc::CallbackServerContext* context,
                                                      const v1::SearchBatchRequest* request,
                                                      v1::SearchBatchResponse* response) {
  return Ask("SearchBatch", context, request, response);
}

grpc::ServerUnaryReactor* SearchHandlers::FindDuplicates(grpc::CallbackServerContext* context,
                                                         const v1::FindDuplicatesRequest* request,
                                                         v1::Operation* response) {
  return calls_.Async(
      "FindDuplicates", context, request, [=, this](const CallContext&, FinishCall finish) {
        const auto operation = services_.duplicates.Start(DuplicatesFromProto(*request));
        if (operation.ok()) OperationToProto(*operation, response);
        finish(operation.status());
      });
}

grpc::ServerUnaryReactor* SearchHandlers::ListDuplicates(grpc::CallbackServerContext* context,
                                                         const v1::ListDuplicatesRequest* request,
                                                         v1::ListDuplicatesResponse* response) {
  return calls_.Async(
      "ListDuplicates", context, request, [=, this](const CallContext& call, FinishCall finish) {
        const auto operation = FindOperation(services_.operations, request->operation(), call);
        if (!operation.ok()) return finish(operation.status());
        ListDuplicatesCall list;
        list.operation = request->operation();
        list.page_token = request->page_token();
        list.limit = request->has_limit() ? request->limit() : limits::kPageDefault;
        const auto page = services_.duplicates.List(list);
        if (page.ok()) DuplicatesToProto(*page, response);
        finish(page.status());
      });
}

}  // namespace kith::coordinator::rpc
