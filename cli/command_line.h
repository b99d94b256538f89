#ifndef KITH_CLI_COMMAND_LINE_H_
#define KITH_CLI_COMMAND_LINE_H_

#include "cli/console/terminal.h"

namespace kith::cli {

// Parses and runs one command; gives the exit code (kExitOk, kExitError, kExitUsage).
int RunCommandLine(int count, const char* const* words, Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_COMMAND_LINE_H_
