#ifndef KITH_CLI_CONSOLE_JSON_OUTPUT_H_
#define KITH_CLI_CONSOLE_JSON_OUTPUT_H_

#include <string>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "cli/console/terminal.h"

namespace kith::cli {

// Members in the order they were added.
using Json = nlohmann::ordered_json;

// Writes to the file, or for "-" to the terminal. An empty target writes nothing.
absl::Status WriteJson(const Json& value, const std::string& target, Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_CONSOLE_JSON_OUTPUT_H_
