#ifndef KITH_CLI_CLIENT_FETCH_COLLECTION_H_
#define KITH_CLI_CLIENT_FETCH_COLLECTION_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "kith/v1/collections.pb.h"

namespace kith::cli {

// NOT_FOUND COLLECTION_NOT_FOUND, or whatever keeps the server from answering.
absl::StatusOr<v1::Collection> FetchCollection(const std::shared_ptr<grpc::Channel>& channel,
                                               const std::string& name);

}  // namespace kith::cli

#endif  // KITH_CLI_CLIENT_FETCH_COLLECTION_H_
