#ifndef KITH_COORDINATOR_RPC_SEARCH_HANDLERS_H_
#define KITH_COORDINATOR_RPC_SEARCH_HANDLERS_H_

#include "common/rpc/unary_handler.h"
#include "coordinator/admin/operations.h"
#include "coordinator/duplicates/duplicate_service.h"
#include "coordinator/search/search_service.h"
#include "kith/v1/search.grpc.pb.h"

namespace kith::coordinator::rpc {

// kith.v1.Search: convert in, call, convert out. Threads: any.
class SearchHandlers final : public v1::Search::CallbackService {
 public:
  struct Services {
    SearchService& search;
    DuplicateService& duplicates;
    Operations& operations;
  };
  SearchHandlers(Services services, const kith::rpc::UnaryCalls& calls)
      : services_(services), calls_(calls) {}

  grpc::ServerUnaryReactor* Search(grpc::CallbackServerContext* context,
                                   const v1::SearchRequest* request,
                                   v1::SearchResponse* response) override;
  grpc::ServerUnaryReactor* SearchBatch(grpc::CallbackServerContext* context,
                                        const v1::SearchBatchRequest* request,
                                        v1::SearchBatchResponse* response) override;
  grpc::ServerUnaryReactor* FindDuplicates(grpc::CallbackServerContext* context,
                                           const v1::FindDuplicatesRequest* request,
                                           v1::Operation* response) override;
  grpc::ServerUnaryReactor* ListDuplicates(grpc::CallbackServerContext* context,
                                           const v1::ListDuplicatesRequest* request,
                                           v1::ListDuplicatesResponse* response) override;

 private:
  // Search and SearchBatch.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Ask(const char* method, grpc::CallbackServerContext* context,
                                const Request* request, Response* response);

  const Services services_;
  const kith::rpc::UnaryCalls& calls_;
};

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_SEARCH_HANDLERS_H_
