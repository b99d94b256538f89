#ifndef KITH_CLI_CLIENT_FOLLOW_OPERATION_H_
#define KITH_CLI_CLIENT_FOLLOW_OPERATION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "cli/client/connection.h"
#include "cli/console/interrupt.h"
#include "cli/console/progress.h"
#include "kith/v1/operations.pb.h"

namespace kith::cli {

struct Following {
  std::shared_ptr<grpc::Channel> channel;
  InterruptWatch& interrupt;
  Progress& progress;
  std::string what;  // "training", as messages call it
};

// Asks about the operation until it has ended. OK where it succeeded; CANCELLED after Ctrl-C, and
// the operation goes on; else its own reason.
absl::Status FollowOperation(const Following& following, v1::Operation& operation);

}  // namespace kith::cli

#endif  // KITH_CLI_CLIENT_FOLLOW_OPERATION_H_
