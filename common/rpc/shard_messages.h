#ifndef KITH_COMMON_RPC_SHARD_MESSAGES_H_
#define KITH_COMMON_RPC_SHARD_MESSAGES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/shard_api/facet_calls.h"
#include "common/shard_api/scroll_calls.h"
#include "common/shard_api/search_calls.h"
#include "common/shard_api/shard_calls.h"
#include "kith/v1/shard.pb.h"

// Every struct of common/shard_api <-> its message. Buffers are moved, so a batch costs a few
// pointers; both directions consume their argument. What comes off the wire is checked for shape
// (lengths that must agree, enumerators, sizes of ids): INVALID_ARGUMENT naming the field. Sizes
// that depend on a collection's dimension are the shard's to check.
namespace kith::rpc {

void ToProto(SearchCall&& call, v1::ShardSearchCall* out);
void ToProto(SearchReply&& reply, v1::ShardSearchReply* out);
void ToProto(WriteCall&& call, v1::ShardWriteCall* out);
void ToProto(WriteReply&& reply, v1::ShardWriteReply* out);
void ToProto(GetCall&& call, v1::ShardGetCall* out);
void ToProto(GetReply&& reply, v1::ShardGetReply* out);
void ToProto(ScrollCall&& call, v1::ShardScrollCall* out);
void ToProto(ScrollReply&& reply, v1::ShardScrollReply* out);
void ToProto(FacetCall&& call, v1::ShardFacetCall* out);
void ToProto(FacetReply&& reply, v1::ShardFacetReply* out);

absl::StatusOr<SearchCall> FromProto(v1::ShardSearchCall&& in);
absl::StatusOr<SearchReply> FromProto(v1::ShardSearchReply&& in);
absl::StatusOr<WriteCall> FromProto(v1::ShardWriteCall&& in);
absl::StatusOr<WriteReply> FromProto(v1::ShardWriteReply&& in);
absl::StatusOr<GetCall> FromProto(v1::ShardGetCall&& in);
absl::StatusOr<GetReply> FromProto(v1::ShardGetReply&& in);
absl::StatusOr<ScrollCall> FromProto(v1::ShardScrollCall&& in);
absl::StatusOr<ScrollReply> FromProto(v1::ShardScrollReply&& in);
absl::StatusOr<FacetCall> FromProto(v1::ShardFacetCall&& in);
absl::StatusOr<FacetReply> FromProto(v1::ShardFacetReply&& in);

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_SHARD_MESSAGES_H_
