#ifndef KITH_COORDINATOR_RPC_SEARCH_MESSAGES_H_
#define KITH_COORDINATOR_RPC_SEARCH_MESSAGES_H_

#include "absl/status/statusor.h"
#include "coordinator/search/search_query.h"
#include "kith/v1/search.pb.h"

// kith.v1.Search between messages and the plain structs. The query views the request.
namespace kith::coordinator::rpc {

// INVALID_ARGUMENT BAD_ID naming the point; BAD_VECTOR where there is neither vector nor point nor
// examples; BATCH_TOO_LARGE for too many tokens or examples; BAD_REQUEST for a strategy that this
// server does not know.
absl::StatusOr<SearchQuery> QueryFromProto(const v1::SearchRequest& request);
absl::StatusOr<SearchQuery> QueryFromProto(const v1::SearchBatchRequest& request);

void AnswerToProto(const SearchAnswer& answer, v1::SearchResponse* response);
// Uses the answer's buffers up.
void AnswerToProto(SearchAnswer answer, v1::SearchBatchResponse* response);

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_SEARCH_MESSAGES_H_
