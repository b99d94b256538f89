#ifndef KITH_CLI_COMMANDS_BACKUP_TEXT_H_
#define KITH_CLI_COMMANDS_BACKUP_TEXT_H_

#include "cli/console/json_output.h"
#include "cli/console/terminal.h"
#include "kith/v1/backups.pb.h"

namespace kith::cli {

// A line a backup, the oldest first; one that cannot be read says why.
void PrintBackups(const v1::ListBackupsResponse& backups, Terminal& terminal);
Json ToJson(const v1::ListBackupsResponse& backups);

}  // namespace kith::cli

#endif  // KITH_CLI_COMMANDS_BACKUP_TEXT_H_
