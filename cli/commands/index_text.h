#ifndef KITH_CLI_COMMANDS_INDEX_TEXT_H_
#define KITH_CLI_COMMANDS_INDEX_TEXT_H_

#include <string>

#include "cli/console/json_output.h"
#include "cli/console/terminal.h"
#include "kith/v1/collections.pb.h"
#include "kith/v1/operations.pb.h"

namespace kith::cli {

// "recall@10 0.9612 at nprobe 24, scanning 2.31 % of the points"
std::string RecallText(const v1::RecallAtTarget& measure);
void PrintComparison(const v1::RecallComparison& comparison, Terminal& terminal);
void PrintVersions(const v1::ListIndexVersionsResponse& versions, Terminal& terminal);
Json ToJson(const v1::ListIndexVersionsResponse& versions);

}  // namespace kith::cli

#endif  // KITH_CLI_COMMANDS_INDEX_TEXT_H_
