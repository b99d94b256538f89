#ifndef KITH_CLI_COMMANDS_KEY_COMMANDS_H_
#define KITH_CLI_COMMANDS_KEY_COMMANDS_H_

#include "cli/commands/commands.h"

namespace kith::cli {

// `kith key`: the one command that speaks to a file of a server and not to a server.
void AddKeyCommands(CLI::App& app, Action& action);

}  // namespace kith::cli

#endif  // KITH_CLI_COMMANDS_KEY_COMMANDS_H_
