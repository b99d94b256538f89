#ifndef KITH_CLI_CONSOLE_MACHINE_H_
#define KITH_CLI_CONSOLE_MACHINE_H_

#include "cli/console/json_output.h"

namespace kith::cli {

// What a measurement was made on: processor, cores, memory, kernel, load average, this program's
// version, the time.
Json DescribeMachine();

}  // namespace kith::cli

#endif  // KITH_CLI_CONSOLE_MACHINE_H_
