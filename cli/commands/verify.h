#ifndef KITH_CLI_COMMANDS_VERIFY_H_
#define KITH_CLI_COMMANDS_VERIFY_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "cli/console/terminal.h"

namespace kith::cli {

struct VerifyOptions {
  std::string endpoint;
  std::string collection;
  uint32_t timeout_s = 600;
  std::string json;
};

// Has every shard compare its digests with its bytes and prints what each found. DATA_LOSS where
// one has a mismatch; else the first reason why one could not be verified.
absl::Status RunVerify(const VerifyOptions& options, Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_COMMANDS_VERIFY_H_
