#ifndef KITH_CLI_COMMANDS_TRAIN_H_
#define KITH_CLI_COMMANDS_TRAIN_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "cli/console/terminal.h"

namespace kith::cli {

struct TrainOptions {
  std::string endpoint;
  std::string collection;
  uint32_t lists = 0;
  uint32_t subspaces = 0;
  uint32_t plane_b_bytes = 0;
  double target_recall = 0;
  uint64_t expected_points = 0;
  uint64_t seed = 0;
  bool no_promote = false;
  std::optional<double> min_recall_gain;
  std::string json;
};

// Starts a training and follows it until its version serves, or waits where it is not promoted.
// CANCELLED after Ctrl-C, and the training goes on; the operation's own reason where it failed.
absl::Status RunTrain(const TrainOptions& options, Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_COMMANDS_TRAIN_H_
