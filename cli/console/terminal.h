#ifndef KITH_CLI_CONSOLE_TERMINAL_H_
#define KITH_CLI_CONSOLE_TERMINAL_H_

#include <istream>
#include <ostream>
#include <string_view>

#include "absl/status/status.h"

namespace kith::cli {

// What a command may speak to: results go to `out`, progress, warnings and errors to `err`.
// Threads: one at a time.
struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_tty = false;
  bool err_is_tty = false;
};

inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;         // the server refused, or the run failed
inline constexpr int kExitUsage = 2;         // the command line makes no sense
inline constexpr int kExitMendable = 3;      // fsck: damaged, and all of it can be made again
inline constexpr int kExitNeedsRestore = 4;  // fsck: damaged, and something must be restored

// An error of the command line: exit code 2. `option` as the user writes it ("--vector").
absl::Status UsageError(std::string_view option, std::string_view message);

// Which exit code ReportStatus gives for the error, instead of kExitError.
void SetExitCode(absl::Status& status, int code);

// Prints what is wrong, the reason, the field and the remedy, and gives the exit code.
int ReportStatus(const absl::Status& status, Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_CONSOLE_TERMINAL_H_
