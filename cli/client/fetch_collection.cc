#include "cli/client/fetch_collection.h"

#include "cli/client/connection.h"
#include "common/base/status.h"
#include "kith/v1/collections.grpc.pb.h"

namespace kith::cli {

absl::StatusOr<v1::Collection> FetchCollection(const std::shared_ptr<grpc::Channel>& channel,
                                               const std::string& name) {
  const auto stub = v1::Collections::NewStub(channel);
  v1::GetCollectionRequest request;
  request.set_collection(name);
  v1::Collection collection;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->GetCollection(context, request, &collection);
  }));
  return collection;
}

}  // namespace kith::cli
