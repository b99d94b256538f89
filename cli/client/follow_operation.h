#ifndef KITH_CLI_CLIENT_FOLLOW_OPERATION_H_
#define KITH_CLI_CLIENT_FOLLOW_OPERATION_H_

#include <grpcpp/channel.h>

#include <memory>

#include "absl/status/status.h"
#include "cli/console/interrupt.h"
#include "cli/console/progress.h"
#include "kith/v1/operations.pb.h"

namespace kith::cli {

// Asks about an operation until it has ended, and draws how far it is. OK where it succeeded;
// CANCELLED where it was cancelled, and after Ctrl-C, when it goes on at the server; else its own
// reason.
absl::Status FollowOperation(const std::shared_ptr<grpc::Channel>& channel,
                             InterruptWatch& interrupt, Progress& progress,
                             v1::Operation& operation);

}  // namespace kith::cli

#endif  // KITH_CLI_CLIENT_FOLLOW_OPERATION_H_
